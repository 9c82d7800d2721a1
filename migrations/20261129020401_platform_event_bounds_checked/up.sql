-- Every event that is kept is as short: read along, without a lock that others wait for.
alter table webhook_events validate constraint webhook_events_bounded;
