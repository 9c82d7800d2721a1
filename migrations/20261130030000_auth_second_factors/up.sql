-- What a person shows besides a password or a mailed link, and sign-ins that wait for it. The platform's own; the serving role cannot read it at all.

-- An authenticator that shows a code every half minute (TOTP, RFC 6238): one of each person, and perhaps another one that is to take its place.
create table totp_factors (
    user_id uuid primary key references users,
    -- What the authenticator has too, sealed by the program: whoever reads the database alone makes no codes. Null until its person showed a code.
    secret bytea constraint totp_factors_secret_sealed check (length(secret) between 41 and 200),
    confirmed_at timestamptz,
    -- The last half minute whose code was used. None counts twice, nor does one before it.
    last_step bigint not null default 0 constraint totp_factors_step_counts check (last_step >= 0),
    -- The one that its person is setting up.
    next_secret bytea constraint totp_factors_next_sealed check (length(next_secret) between 41 and 200),
    next_made_at timestamptz,
    constraint totp_factors_confirmed_has_secret check ((secret is null) = (confirmed_at is null)),
    constraint totp_factors_next_has_time check ((next_secret is null) = (next_made_at is null)),
    constraint totp_factors_something check (secret is not null or next_secret is not null)
);
alter table totp_factors enable row level security;
alter table totp_factors force row level security;
call app.open_to_system('totp_factors', 'select, insert, update, delete');

-- Codes for whom the authenticator is lost, each of which counts once.
create table recovery_codes (
    user_id uuid not null references users,
    -- SHA-256: a code has 125 random bits.
    code_hash bytea not null constraint recovery_codes_hashed check (length(code_hash) = 32),
    made_at timestamptz not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);
alter table recovery_codes enable row level security;
alter table recovery_codes force row level security;
call app.open_to_system('recovery_codes', 'select, insert, update, delete');

-- A sign-in whose first proof was right, and which wants a second factor before there is a session.
create table pending_sign_ins (
    id uuid primary key,
    -- SHA-256 of what the program was given that began it.
    token_hash bytea not null constraint pending_sign_ins_token_unique unique check (length(token_hash) = 32),
    user_id uuid not null references users,
    -- By what they proved who they are, and how the trail calls such a sign-in.
    method text not null constraint pending_sign_ins_method_named check (method ~ '^[a-z_]{1,40}$'),
    action text not null constraint pending_sign_ins_action_named check (action ~ '^[a-z_.]{1,60}$'),
    made_at timestamptz not null,
    expires_at timestamptz not null,
    -- How many second factors were shown that are none.
    tries smallint not null default 0 constraint pending_sign_ins_few_tries check (tries between 0 and 5),
    -- It led to a session, or another act ended it.
    ended_at timestamptz,
    constraint pending_sign_ins_short_lived check (expires_at > made_at and expires_at <= made_at + interval '10 minutes')
);
create index pending_sign_ins_of_person on pending_sign_ins (user_id);
create index pending_sign_ins_age on pending_sign_ins (expires_at);
alter table pending_sign_ins enable row level security;
alter table pending_sign_ins force row level security;
call app.open_to_system('pending_sign_ins', 'select, insert, update, delete');
