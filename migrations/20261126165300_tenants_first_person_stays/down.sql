revoke update on approvals from build14_app;
grant update (first_user, second_user, used_at, voided_at) on approvals to build14_app;
