drop trigger organizations_tell_sessions on organizations;
drop function app.organization_tells_sessions;
alter table organizations
    drop constraint organizations_session_idle_bounded,
    drop constraint organizations_session_lifetime_bounded,
    drop column session_idle_minutes,
    drop column session_lifetime_minutes;
