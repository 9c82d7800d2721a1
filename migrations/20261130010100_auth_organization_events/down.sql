drop table organization_events;
