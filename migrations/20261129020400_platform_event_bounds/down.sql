alter table webhook_events drop constraint webhook_events_bounded;
