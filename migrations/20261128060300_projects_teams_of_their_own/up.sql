-- Teams are spread with their projects, and who belongs to an organisation is not (decision 34): no reference leads from one to the other.
-- Whoever takes a membership away takes the roles in teams away in the same transaction, and says so in the trail; whoever gives a role holds
-- the membership until the commit. `build14 doctor` looks for what is left over.
alter table project_members drop constraint project_members_membership_fkey;
-- Accounts are removed by the platform, from all organisations at once.
grant delete on project_members to build14_system;
