-- Every limit that was spent is an event, those of requests too: by address, by person, by organisation, and of sign-ins by address. The
-- organisation's is nobody's account, so it is noted here whose it was; without a reference, as what is told of something outlives it.
alter table security_events add column organization uuid;
alter table security_events drop constraint security_events_kind_check;
alter table security_events add constraint security_events_kind_check check (kind in
    ('sign_in_failed', 'sign_in_limited', 'password_change_failed', 'password_change_limited', 'password_changed',
     'requests_limited', 'organization_limited', 'address_limited', 'sign_in_address_limited')) not valid;
alter table security_events add constraint security_events_organization_of_its_limit
    check ((organization is not null) = (kind = 'organization_limited')) not valid;
