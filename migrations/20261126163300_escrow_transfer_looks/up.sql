-- A transfer is looked at again now and then: what was taken back of it must not depend on an event that may be lost.
alter table releases add column transfer_look_at timestamptz;
create index releases_to_look on releases (transfer_look_at nulls first, sent_at) where status in ('sent', 'part_reversed');
grant update (transfer_look_at) on releases to build14_app;
