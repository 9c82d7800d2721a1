-- What was there before keeps the wider rule as well.
alter table support_sessions validate constraint support_sessions_ended_for_known;
