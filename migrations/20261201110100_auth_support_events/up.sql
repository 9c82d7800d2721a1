-- The platform's list of security events names the organisation of what support did in it, as it does of an organisation's spent limit: which kinds name one is
-- written once, in the program.
alter table security_events drop constraint security_events_organization_of_its_limit;
alter table security_events add constraint security_events_organization_named
    check (organization is not null or kind <> 'organization_limited') not valid;
