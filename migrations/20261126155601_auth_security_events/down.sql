drop index sessions_live;
drop table security_events;
