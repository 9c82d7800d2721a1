drop table soq_lines, soqs, unit_floors, units, project_members, projects;
drop function app.soq_lines_frozen_stay, app.soqs_frozen_stay, app.units_floors_add_up, app.projects_tendered_stay;
