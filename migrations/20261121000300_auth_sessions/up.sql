-- Passwords and sessions: the platform's own tables. The serving role cannot read them at all.

create table credentials (
    user_id uuid primary key references users,
    -- PHC string: algorithm, parameters, salt and hash.
    password_hash text not null check (password_hash like '$argon2id$%'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table credentials enable row level security;
alter table credentials force row level security;
call app.open_to_system('credentials', 'select, insert, update, delete');

create table sessions (
    -- SHA-256 of the token, which is known to its bearer alone.
    token_hash bytea primary key check (length(token_hash) = 32),
    id uuid not null constraint sessions_id_unique unique,
    user_id uuid not null references users,
    -- The organisation chosen at sign-in or by switching. A session belongs to its person, so no key includes this.
    org_id uuid not null references organizations,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    constraint sessions_end_after_start check (expires_at > created_at)
);
create index sessions_of_person on sessions (user_id, created_at desc);
create index sessions_age on sessions (expires_at);
alter table sessions enable row level security;
alter table sessions force row level security;
call app.open_to_system('sessions', 'select, insert, update, delete');
create trigger sessions_keep before update on sessions
    for each row execute function app.keep('token_hash', 'id', 'user_id', 'org_id', 'created_at', 'expires_at');

-- Ends a person's sessions in the organisation of this transaction.
create function app.end_sessions(person uuid, organization uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if organization is distinct from app.org() then
        raise exception 'only within the organisation itself';
    end if;
    update sessions set ended_at = clock_timestamp() where user_id = person and org_id = organization and ended_at is null;
end $$;

-- Whether a member has registered: until then the email may be anybody's, and no role that manages is given to it.
create function app.is_registered(person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    if not exists (select from memberships where org_id = app.org() and user_id = person) then
        raise exception 'only about members of the organisation itself';
    end if;
    return exists (select from credentials where user_id = person);
end $$;

grant create on schema app to build14_system;
alter function app.end_sessions owner to build14_system;
alter function app.is_registered owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.end_sessions, app.is_registered from public;
grant execute on function app.end_sessions, app.is_registered to build14_app;
