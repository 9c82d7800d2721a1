-- What was there before keeps the wider rule as well.
alter table security_events validate constraint security_events_organization_named;
