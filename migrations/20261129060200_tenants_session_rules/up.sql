-- How long sessions live in an organisation: unused, and at most. Null: as the platform has it, which is a bound of both.
alter table organizations add column session_idle_minutes integer;
alter table organizations add column session_lifetime_minutes integer;
alter table organizations add constraint organizations_session_idle_bounded check (session_idle_minutes between 5 and 576000) not valid;
alter table organizations add constraint organizations_session_lifetime_bounded
    check (session_lifetime_minutes between 15 and 576000) not valid;
grant update (session_idle_minutes, session_lifetime_minutes) on organizations to build14_app;

-- Every server that keeps sessions of the organisation looks at them anew, whoever changed the rules: they hold for those that are there.
create function app.organization_tells_sessions() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    perform app.send_sessions('org:' || new.org_id);
    return null;
end $$;
create trigger organizations_tell_sessions after update of session_idle_minutes, session_lifetime_minutes on organizations
    for each row when (old.session_idle_minutes is distinct from new.session_idle_minutes
        or old.session_lifetime_minutes is distinct from new.session_lifetime_minutes)
    execute function app.organization_tells_sessions();

grant create on schema app to build14_system;
alter function app.organization_tells_sessions owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.organization_tells_sessions from public;
