-- Support: an organisation consents to being looked at by operators of the platform, for a while; an operator looks, by a session that reads and does nothing
-- else; and what that session asked for is counted. Only the platform writes any of it, and sees the hashes of tokens; an organisation reads the rest of its own.
-- None of it is ever removed or changed: it is the platform's own register of who looked at whom. Names no key of people and organisations, as sessions do not.
create table support_consents (
    org_id uuid not null,
    id uuid not null,
    -- In the organisation's words: what the operators are to look at.
    reason text not null check (length(reason) between 1 and 1000),
    granted_by uuid not null,
    granted_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_for text check (ended_for in ('over', 'revoked', 'leaving')),
    primary key (org_id, id),
    constraint support_consents_short check (expires_at > granted_at and expires_at <= granted_at + interval '72 hours'),
    constraint support_consents_ended_for_a_reason check ((ended_at is null) = (ended_for is null))
);
-- One at a time: what is taken back is all that there is.
create unique index support_consents_open on support_consents (org_id) where ended_at is null;
create index support_consents_newest on support_consents (org_id, granted_at desc, id desc);
create index support_consents_to_end on support_consents (expires_at) where ended_at is null;
alter table support_consents enable row level security;
alter table support_consents force row level security;
create policy tenant_select on support_consents for select to build14_app using (org_id = app.org());
grant select on support_consents to build14_app;
call app.open_to_system('support_consents', 'select, insert, update');
create trigger support_consents_keep before update on support_consents for each row
    execute function app.keep('org_id', 'id', 'reason', 'granted_by', 'granted_at', 'expires_at');
create trigger support_consents_end_once before update on support_consents for each row
    when (old.ended_at is not null) execute function app.append_only();
create trigger support_consents_stay before delete on support_consents for each row execute function app.append_only();
create trigger support_consents_never_emptied before truncate on support_consents execute function app.append_only();

create table support_sessions (
    org_id uuid not null,
    id uuid not null,
    consent_id uuid not null,
    -- Who looks, by name, and why: a ticket.
    operator text not null check (length(operator) between 1 and 200),
    reason text not null check (length(reason) between 1 and 1000),
    -- SHA-256 of the token, which is known to its bearer alone. The organisation stands in the token, so that it is looked for among that organisation's alone.
    token_hash bytea not null check (length(token_hash) = 32),
    started_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_for text check (ended_for in ('over', 'revoked', 'operator', 'leaving')),
    primary key (org_id, id),
    constraint support_sessions_token_unique unique (org_id, token_hash),
    constraint support_sessions_consented foreign key (org_id, consent_id) references support_consents (org_id, id),
    constraint support_sessions_short check (expires_at > started_at and expires_at <= started_at + interval '1 hour'),
    constraint support_sessions_ended_for_a_reason check ((ended_at is null) = (ended_for is null))
);
create index support_sessions_of_consent on support_sessions (org_id, consent_id, started_at, id);
create index support_sessions_to_end on support_sessions (expires_at) where ended_at is null;
alter table support_sessions enable row level security;
alter table support_sessions force row level security;
create policy tenant_select on support_sessions for select to build14_app using (org_id = app.org());
grant select (org_id, id, consent_id, operator, reason, started_at, expires_at, ended_at, ended_for) on support_sessions to build14_app;
call app.open_to_system('support_sessions', 'select, insert, update');
create trigger support_sessions_keep before update on support_sessions for each row
    execute function app.keep('org_id', 'id', 'consent_id', 'operator', 'reason', 'token_hash', 'started_at', 'expires_at');
create trigger support_sessions_end_once before update on support_sessions for each row
    when (old.ended_at is not null) execute function app.append_only();
create trigger support_sessions_stay before delete on support_sessions for each row execute function app.append_only();
create trigger support_sessions_never_emptied before truncate on support_sessions execute function app.append_only();

-- A session begins and ends within the consent, which is open: whoever ends that at this moment is waited for, or waits.
create function app.support_is_consented() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    perform from support_consents c
        where c.org_id = new.org_id and c.id = new.consent_id and c.ended_at is null
            and new.started_at >= c.granted_at and new.expires_at <= c.expires_at
        for share;
    if not found then
        raise exception 'nobody consents to this look' using errcode = 'check_violation', constraint = 'support_sessions_within_consent';
    end if;
    return new;
end $$;
revoke all on function app.support_is_consented from public;
grant execute on function app.support_is_consented to build14_system;
create trigger support_sessions_within_consent before insert on support_sessions for each row execute function app.support_is_consented();

-- How often a session asked for which route, and whether it was refused there.
create table support_requests (
    org_id uuid not null,
    session_id uuid not null,
    -- Method and path template, such as GET /api/projects/{id}. Sealed routes are one.
    route text not null check (length(route) between 1 and 200),
    refused boolean not null,
    times bigint not null check (times > 0),
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (org_id, session_id, route, refused),
    constraint support_requests_of_session foreign key (org_id, session_id) references support_sessions (org_id, id)
);
alter table support_requests enable row level security;
alter table support_requests force row level security;
create policy tenant_select on support_requests for select to build14_app using (org_id = app.org());
grant select on support_requests to build14_app;
call app.open_to_system('support_requests', 'select, insert, update');
create trigger support_requests_keep before update on support_requests for each row
    execute function app.keep('org_id', 'session_id', 'route', 'refused', 'first_at');
create trigger support_requests_count_up before update on support_requests for each row
    when (new.times <= old.times) execute function app.append_only();
create trigger support_requests_stay before delete on support_requests for each row execute function app.append_only();
create trigger support_requests_never_emptied before truncate on support_requests execute function app.append_only();
