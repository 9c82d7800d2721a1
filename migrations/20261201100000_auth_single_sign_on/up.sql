-- Single sign-on: an organisation's own OpenID Connect issuer signs its people in to it, and to nothing else. The platform's alone, as sessions are: the
-- serving role reads none of it.

-- One connection of each organisation. Another issuer, or another client, is another connection: whom the one before knew the next one does not.
create table sign_on_connections (
    org_id uuid not null,
    id uuid not null,
    issuer text not null constraint sign_on_connections_issuer_short check (length(issuer) between 1 and 500),
    client_id text not null constraint sign_on_connections_client_short check (length(client_id) between 1 and 500),
    -- Sealed by the program, for this connection: whoever reads the database alone does not have it.
    secret bytea not null constraint sign_on_connections_secret_sealed check (length(secret) between 41 and 2100),
    mode text not null default 'off' constraint sign_on_connections_mode_known check (mode in ('off', 'optional', 'enforced')),
    -- Whether whom it signs in becomes a member by that, and whether what the issuer asked for counts as second factor.
    joins boolean not null default false,
    trusts_factor boolean not null default false,
    -- The owners who come in without it, where it is enforced.
    break_glass uuid[] not null default '{}' constraint sign_on_connections_few_break_glass check (cardinality(break_glass) <= 10),
    tested_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (org_id, id),
    constraint sign_on_connections_one unique (org_id),
    constraint sign_on_connections_tested_before_on check (mode = 'off' or tested_at is not null),
    constraint sign_on_connections_enforced_with_break_glass check (mode <> 'enforced' or cardinality(break_glass) > 0)
);
alter table sign_on_connections enable row level security;
alter table sign_on_connections force row level security;
call app.open_to_system('sign_on_connections', 'select, insert, update, delete');
create trigger sign_on_connections_keep before update on sign_on_connections
    for each row execute function app.keep('org_id', 'id', 'issuer', 'client_id', 'created_at');

-- Whom a connection knows as a person: by the issuer's own word for them, which is one person's, who has one. Names no key of people, as sessions do not.
create table sign_on_identities (
    org_id uuid not null,
    connection_id uuid not null,
    subject text not null constraint sign_on_identities_subject_short check (length(subject) between 1 and 255),
    user_id uuid not null,
    known_at timestamptz not null,
    last_used_at timestamptz not null,
    primary key (org_id, connection_id, subject),
    constraint sign_on_identities_one_of_each unique (org_id, connection_id, user_id),
    foreign key (org_id, connection_id) references sign_on_connections (org_id, id) on delete cascade
);
create index sign_on_identities_of_person on sign_on_identities (user_id);
alter table sign_on_identities enable row level security;
alter table sign_on_identities force row level security;
call app.open_to_system('sign_on_identities', 'select, insert, update, delete');
create trigger sign_on_identities_keep before update on sign_on_identities
    for each row execute function app.keep('org_id', 'connection_id', 'subject', 'user_id', 'known_at');

-- A browser that was sent to an organisation's issuer and may come back: once, within ten minutes, as with other identity providers.
create table sign_ons_begun (
    state_hash bytea primary key constraint sign_ons_begun_state_hashed check (length(state_hash) = 32),
    browser_hash bytea not null constraint sign_ons_begun_browser_hashed check (length(browser_hash) = 32),
    organization uuid not null,
    connection_id uuid not null,
    -- Who tests the connection, and in which session; nobody, where somebody signs in.
    user_id uuid,
    session_id uuid,
    return_to text not null constraint sign_ons_begun_return_here
        check (length(return_to) <= 500 and return_to ~ '^/([^/\\[:cntrl:]][^\\[:cntrl:]]*)?$'),
    made_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    constraint sign_ons_begun_short_lived check (expires_at > made_at and expires_at <= made_at + interval '10 minutes'),
    constraint sign_ons_begun_test_in_a_session check ((user_id is null) = (session_id is null))
);
create index sign_ons_begun_age on sign_ons_begun (expires_at);
alter table sign_ons_begun enable row level security;
alter table sign_ons_begun force row level security;
call app.open_to_system('sign_ons_begun', 'select, insert, update, delete');
create trigger sign_ons_begun_keep before update on sign_ons_begun for each row execute function app.keep(
    'state_hash', 'browser_hash', 'organization', 'connection_id', 'user_id', 'session_id', 'return_to', 'made_at', 'expires_at');

-- The session of a connection is for its organisation. Null: the person's own.
alter table sessions add column connection_id uuid;
-- Whether the issuer said that a second factor was shown.
alter table sessions add column issuer_factor boolean not null default false;
create trigger sessions_keep_connection before update on sessions for each row execute function app.keep('connection_id', 'issuer_factor');
alter table pending_sign_ins add column connection_id uuid;

-- Trigger: whatever the program says, a connection makes sessions in its own organisation, as long as it is on.
create function app.session_of_its_connection() returns trigger language plpgsql
    as $$
begin
    if not exists (select from sign_on_connections c where c.org_id = new.org_id and c.id = new.connection_id and c.mode <> 'off') then
        raise exception 'no connection of this organisation that is on makes this session'
            using errcode = 'integrity_constraint_violation', constraint = 'sessions_of_their_connection';
    end if;
    return new;
end $$;
create trigger sessions_of_their_connection before insert on sessions
    for each row when (new.connection_id is not null) execute function app.session_of_its_connection();

-- Every server looks anew at the sessions of the organisation when its connection changes, or which domains are proven to be its own.
create function app.sign_on_tells_sessions() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    perform app.send_sessions('org:' || coalesce(new.org_id, old.org_id));
    return null;
end $$;
create trigger sign_on_connections_tell_sessions after insert or update or delete on sign_on_connections
    for each row execute function app.sign_on_tells_sessions();
create trigger organization_domains_tell_proof after update of proven_at on organization_domains
    for each row when (old.proven_at is distinct from new.proven_at) execute function app.sign_on_tells_sessions();
create trigger organization_domains_tell_end after delete on organization_domains
    for each row when (old.proven_at is not null) execute function app.sign_on_tells_sessions();

-- And at those of a person who has another address.
create function app.address_tells_sessions() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    perform app.send_sessions(new.id::text);
    return null;
end $$;
create trigger users_tell_address after update of email_key on users
    for each row when (old.email_key is distinct from new.email_key) execute function app.address_tells_sessions();

grant create on schema app to build14_system;
alter function app.sign_on_tells_sessions owner to build14_system;
alter function app.address_tells_sessions owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.sign_on_tells_sessions, app.address_tells_sessions from public;
