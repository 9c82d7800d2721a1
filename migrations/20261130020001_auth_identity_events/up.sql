-- A session may begin by an identity provider, and what happens to identities is an event of the account.
alter table sessions drop constraint sessions_method_check;
alter table sessions add constraint sessions_method_check
    check (method in ('password', 'magic_link', 'identity_provider')) not valid;
alter table security_events drop constraint security_events_kind_check;
alter table security_events add constraint security_events_kind_check check (kind in
    ('sign_in_failed', 'sign_in_limited', 'password_change_failed', 'password_change_limited', 'password_changed',
     'requests_limited', 'organization_limited', 'address_limited', 'sign_in_address_limited',
     'verification_asked', 'address_verified', 'password_reset_asked', 'password_reset', 'magic_link_asked', 'magic_link_followed',
     'address_change_asked', 'address_changed', 'code_failed', 'unproven_access_ended',
     'signed_in_elsewhere', 'identity_linked', 'identity_unlinked', 'identity_refused')) not valid;
