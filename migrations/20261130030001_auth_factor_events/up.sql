-- What happens to second factors is an event of the account, too. Kinds are written once, in the program; the database sees to their form, so that a kind
-- more is no change of it.
alter table security_events drop constraint security_events_kind_check;
alter table security_events add constraint security_events_kind_check check (kind ~ '^[a-z][a-z_]{2,59}$') not valid;
