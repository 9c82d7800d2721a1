drop table member_custom_roles, custom_role_permissions, custom_roles;
drop function app.given_role_tells_sessions, app.custom_role_tells_sessions, app.give_custom_role_to_members, app.note_custom_grant;
