-- What was there before keeps the wider rules as well.
alter table security_events validate constraint security_events_kind_check;
alter table security_events validate constraint security_events_organization_of_its_limit;
