alter table security_events drop constraint security_events_organization_named;
-- Its owner sees the rows, too.
alter table security_events no force row level security;
delete from security_events where organization is not null and kind <> 'organization_limited';
alter table security_events force row level security;
alter table security_events add constraint security_events_organization_of_its_limit
    check ((organization is not null) = (kind = 'organization_limited')) not valid;
alter table security_events validate constraint security_events_organization_of_its_limit;
