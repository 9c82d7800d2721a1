-- What was mailed to an address, several at a time: whoever asks for a mail to somebody else's takes the link that they wait for from nobody. Takes the
-- place of address_proofs, of which there is one for each purpose, address and account; the version before goes on with that one while both run.
create table mailed_proofs (
    id uuid primary key,
    purpose text not null check (purpose in ('verify_address', 'reset_password', 'magic_link', 'change_address')),
    -- As written, to be sent to, and what makes it the same address.
    email text not null check (length(email) between 3 and 254),
    email_key text not null check (length(email_key) between 3 and 320),
    -- Whose account it is about; nobody's, if nobody had the address when it was asked for.
    user_id uuid references users,
    -- The session from which it was asked for, which goes on where the others end.
    session_id uuid,
    -- The network from which it was asked for, as a hash together with the address: of each the last ones count.
    network_hash bytea not null check (length(network_hash) = 32),
    -- SHA-256 of the link's token and of what the program that asked was given; the code, which is short, keyed by the deployment's secret.
    token_hash bytea not null constraint mailed_proofs_token_unique unique check (length(token_hash) = 32),
    request_hash bytea not null constraint mailed_proofs_request_unique unique check (length(request_hash) = 32),
    code_hash bytea not null check (length(code_hash) = 32),
    -- How many codes were tried that are not the one.
    tries smallint not null default 0 constraint mailed_proofs_few_tries check (tries between 0 and 5),
    made_at timestamptz not null,
    expires_at timestamptz not null,
    -- It was used, or another act ended it: then it proves nothing any more.
    ended_at timestamptz,
    constraint mailed_proofs_short_lived check (expires_at > made_at and expires_at <= made_at + interval '10 minutes')
);
create index mailed_proofs_of_address on mailed_proofs (email_key, purpose) where ended_at is null;
create index mailed_proofs_of_person on mailed_proofs (user_id) where user_id is not null;
create index mailed_proofs_age on mailed_proofs (expires_at);
create trigger mailed_proofs_keep before update on mailed_proofs for each row execute function app.keep(
    'id', 'purpose', 'email', 'email_key', 'user_id', 'session_id', 'network_hash', 'token_hash', 'request_hash', 'code_hash', 'made_at', 'expires_at');
alter table mailed_proofs enable row level security;
alter table mailed_proofs force row level security;
call app.open_to_system('mailed_proofs', 'select, insert, update, delete');

-- How many mails of one purpose were asked for since an instant: to one mailbox from one network, and to one mailbox from wherever. Of a mailbox its
-- spellings with something behind a plus count together. The key is a hash of what is counted.
create table mail_counts (
    key bytea primary key check (length(key) = 32),
    asked integer not null check (asked > 0),
    since timestamptz not null
);
create index mail_counts_age on mail_counts (since);
alter table mail_counts enable row level security;
alter table mail_counts force row level security;
call app.open_to_system('mail_counts', 'select, insert, update, delete');
