-- For whom an organisation asks for a second factor. Null: as the platform does.
alter table organizations add column mfa_policy text;
alter table organizations add constraint organizations_mfa_policy_named check (mfa_policy in ('off', 'privileged', 'everyone')) not valid;
grant update (mfa_policy) on organizations to build14_app;

-- Every server that keeps sessions of the organisation looks at them anew, as when the bounds of its sessions change.
create trigger organizations_tell_mfa_policy after update of mfa_policy on organizations
    for each row when (old.mfa_policy is distinct from new.mfa_policy)
    execute function app.organization_tells_sessions();
