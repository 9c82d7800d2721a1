revoke delete on project_members from build14_system;
alter table project_members no force row level security;
alter table memberships no force row level security;
delete from project_members t where not exists (select from memberships m where m.org_id = t.org_id and m.user_id = t.user_id);
alter table memberships force row level security;
alter table project_members force row level security;
alter table project_members add constraint project_members_membership_fkey foreign key (org_id, user_id) references memberships (org_id, user_id) on delete cascade;
