-- Who gave a role, as what, when, and since when it was taken up is the database's to note: of a membership a verb changes the role alone.
revoke update on memberships from build14_app;
grant update (role) on memberships to build14_app;
revoke update on project_members from build14_app;
grant update (role, updated_at) on project_members to build14_app;
