-- What was there before keeps the form as well.
alter table security_events validate constraint security_events_kind_check;
