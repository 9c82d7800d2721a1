-- A session can begin with a passkey. By what one begins is written once, in the program; the database sees to its form, so that a way more is no change
-- of it.
alter table sessions drop constraint sessions_method_check;
alter table sessions add constraint sessions_method_check check (method ~ '^[a-z][a-z_]{2,39}$') not valid;
