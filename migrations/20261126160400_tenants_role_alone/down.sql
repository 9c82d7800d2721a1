revoke update on memberships from build14_app;
grant update on memberships to build14_app;
revoke update on project_members from build14_app;
grant update on project_members to build14_app;
