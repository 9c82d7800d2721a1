-- What was there before keeps the wider rules as well.
alter table sessions validate constraint sessions_method_check;
alter table security_events validate constraint security_events_kind_check;
