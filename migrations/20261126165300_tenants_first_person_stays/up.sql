-- Nobody takes the place of an approval's first person any more: it is void, and asked for anew.
revoke update on approvals from build14_app;
grant update (second_user, used_at, voided_at) on approvals to build14_app;
