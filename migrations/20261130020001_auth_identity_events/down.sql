alter table security_events drop constraint security_events_kind_check;
alter table sessions drop constraint sessions_method_check;
-- Those that the version before does not know. The owner sees no rows where row-level security is forced.
alter table security_events no force row level security;
delete from security_events where kind not in
    ('sign_in_failed', 'sign_in_limited', 'password_change_failed', 'password_change_limited', 'password_changed',
     'requests_limited', 'organization_limited', 'address_limited', 'sign_in_address_limited',
     'verification_asked', 'address_verified', 'password_reset_asked', 'password_reset', 'magic_link_asked', 'magic_link_followed',
     'address_change_asked', 'address_changed', 'code_failed', 'unproven_access_ended');
alter table security_events force row level security;
alter table sessions no force row level security;
delete from sessions where method not in ('password', 'magic_link');
alter table sessions force row level security;
alter table sessions add constraint sessions_method_check check (method in ('password', 'magic_link'));
alter table security_events add constraint security_events_kind_check check (kind in
    ('sign_in_failed', 'sign_in_limited', 'password_change_failed', 'password_change_limited', 'password_changed',
     'requests_limited', 'organization_limited', 'address_limited', 'sign_in_address_limited',
     'verification_asked', 'address_verified', 'password_reset_asked', 'password_reset', 'magic_link_asked', 'magic_link_followed',
     'address_change_asked', 'address_changed', 'code_failed', 'unproven_access_ended'));
