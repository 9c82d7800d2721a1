-- What was mailed to an address, by which whoever reads its mail shows that it is theirs: a link and a code. The platform's own; the serving role
-- cannot read it at all. Of one purpose, address and account there is one: asked for anew, it takes the place of the one before.
create table address_proofs (
    id uuid primary key,
    purpose text not null check (purpose in ('verify_address', 'reset_password', 'magic_link', 'change_address')),
    -- As written, to be sent to, and what makes it the same address.
    email text not null check (length(email) between 3 and 254),
    email_key text not null check (length(email_key) between 3 and 320),
    -- Whose account it is about; nobody's, if nobody had the address when it was asked for.
    user_id uuid references users,
    -- The session from which it was asked for, which goes on where the others end.
    session_id uuid,
    -- SHA-256 of the link's token and of what the program that asked was given; the code, which is short, keyed by the deployment's secret.
    token_hash bytea not null constraint address_proofs_token_unique unique check (length(token_hash) = 32),
    request_hash bytea not null constraint address_proofs_request_unique unique check (length(request_hash) = 32),
    code_hash bytea not null check (length(code_hash) = 32),
    -- How many codes were tried that are not the one.
    tries smallint not null default 0 constraint address_proofs_few_tries check (tries between 0 and 5),
    made_at timestamptz not null,
    expires_at timestamptz not null,
    -- It was used, or another act ended it: then it proves nothing any more.
    ended_at timestamptz,
    -- How often it was asked for since an instant: mail is sent a bounded number of times.
    asked integer not null check (asked > 0),
    asked_since timestamptz not null,
    constraint address_proofs_short_lived check (expires_at > made_at and expires_at <= made_at + interval '10 minutes'),
    constraint address_proofs_of_one_thing unique nulls not distinct (purpose, email_key, user_id)
);
create index address_proofs_of_person on address_proofs (user_id) where user_id is not null;
create index address_proofs_age on address_proofs (expires_at);
alter table address_proofs enable row level security;
alter table address_proofs force row level security;
call app.open_to_system('address_proofs', 'select, insert, update, delete');
