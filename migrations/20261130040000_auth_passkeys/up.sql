-- Passkeys: keys that people's devices keep, by which they sign in, and what their devices are asked. The platform's own; the serving role cannot
-- read it at all.
create table passkeys (
    id uuid primary key,
    user_id uuid not null references users,
    -- One of so many of a person: no two of their requests together make one more.
    place smallint not null constraint passkeys_few check (place between 1 and 20),
    -- What the authenticator calls it, whoever's it is.
    credential_id bytea not null constraint passkeys_credential_unique unique check (length(credential_id) between 16 and 1023),
    -- The public key, with all that checking a signature takes.
    credential text not null check (length(credential) between 2 and 65536),
    name text not null check (length(name) between 1 and 100),
    -- How often the authenticator says that it was used; many never count. One that falls shows a copy of the key.
    counter bigint not null check (counter between 0 and 4294967295),
    -- Whether it may be on several devices, and whether it is.
    backup_eligible boolean not null,
    backed_up boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    last_used_at timestamptz,
    constraint passkeys_place_unique unique (user_id, place),
    constraint passkeys_backed_up_if_eligible check (backup_eligible or not backed_up)
);
alter table passkeys enable row level security;
alter table passkeys force row level security;
call app.open_to_system('passkeys', 'select, insert, update, delete');
create trigger passkeys_keep before update on passkeys for each row
    execute function app.keep('id', 'user_id', 'place', 'credential_id', 'backup_eligible', 'created_at');
create function app.passkey_counter_rises() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    if new.counter < old.counter then
        raise exception 'passkey % was counted % times, and now %', old.id, old.counter, new.counter
            using errcode = 'check_violation', constraint = 'passkeys_counter_rises';
    end if;
    return new;
end $$;
revoke all on function app.passkey_counter_rises from public;
create trigger passkeys_counter_rises before update on passkeys for each row execute function app.passkey_counter_rises();

-- What an authenticator was asked, for a few minutes: taken away by the first answer, right or wrong.
create table passkey_challenges (
    -- SHA-256 of what the program was given that asked.
    request_hash bytea primary key check (length(request_hash) = 32),
    -- What an answer leads to: a new key, a sign-in, a fresh proof, a second factor.
    purpose text not null constraint passkey_challenges_purpose_named check (purpose ~ '^[a-z_]{1,40}$'),
    -- Who asked; nobody, for a sign-in.
    user_id uuid references users,
    -- The session, or the sign-in under way, from which was asked: it has one of each kind at a time.
    asked_by uuid,
    -- The challenge and what else an answer is compared with, sealed by the program: nobody else's challenge is one.
    state bytea not null constraint passkey_challenges_sealed check (length(state) between 41 and 65536),
    made_at timestamptz not null,
    expires_at timestamptz not null,
    constraint passkey_challenges_short_lived check (expires_at > made_at and expires_at <= made_at + interval '5 minutes'),
    constraint passkey_challenges_asked_by_somebody check ((user_id is null) = (asked_by is null)),
    constraint passkey_challenges_one_each unique (asked_by, purpose)
);
create index passkey_challenges_of_person on passkey_challenges (user_id) where user_id is not null;
create index passkey_challenges_age on passkey_challenges (expires_at);
alter table passkey_challenges enable row level security;
alter table passkey_challenges force row level security;
call app.open_to_system('passkey_challenges', 'select, insert, delete');
