-- What happens to an account by mail is an event of it, too.
alter table security_events drop constraint security_events_kind_check;
alter table security_events add constraint security_events_kind_check check (kind in
    ('sign_in_failed', 'sign_in_limited', 'password_change_failed', 'password_change_limited', 'password_changed',
     'requests_limited', 'organization_limited', 'address_limited', 'sign_in_address_limited',
     'verification_asked', 'address_verified', 'password_reset_asked', 'password_reset', 'magic_link_asked', 'magic_link_followed',
     'address_change_asked', 'address_changed', 'code_failed', 'unproven_access_ended')) not valid;
