alter table security_events drop constraint security_events_organization_of_its_limit;
alter table security_events drop constraint security_events_kind_check;
-- Those that the version before does not know. The owner sees no rows where row-level security is forced.
alter table security_events no force row level security;
delete from security_events where kind in ('requests_limited', 'organization_limited', 'address_limited', 'sign_in_address_limited');
alter table security_events force row level security;
alter table security_events add constraint security_events_kind_check check (kind in
    ('sign_in_failed', 'sign_in_limited', 'password_change_failed', 'password_change_limited', 'password_changed'));
alter table security_events drop column organization;
