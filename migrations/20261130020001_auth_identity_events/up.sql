-- A session may begin by an identity provider, and what happens to identities is an event of the account. Both are words of the program, which writes them
-- once; the database sees to their form, so that another word is no change of it.
alter table sessions drop constraint sessions_method_check;
alter table sessions add constraint sessions_method_check check (method ~ '^[a-z][a-z_]{2,39}$') not valid;
alter table security_events drop constraint security_events_kind_check;
alter table security_events add constraint security_events_kind_check check (kind ~ '^[a-z][a-z_]{2,59}$') not valid;
