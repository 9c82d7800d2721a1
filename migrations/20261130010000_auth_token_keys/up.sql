-- The keys with which tokens for other services are signed: their public halves. The private ones are derived from the deployment's secret and the
-- key's id, and are nowhere. The platform's own; the serving role cannot read it at all.
create table token_keys (
    kid uuid primary key,
    public_key bytea not null constraint token_keys_public_key_unique unique check (length(public_key) = 32),
    published_at timestamptz not null,
    -- From when on it signs; until then other services have fetched it.
    signs_from timestamptz not null,
    -- Until when what it signed is believed; none while no other follows it.
    verifies_until timestamptz,
    -- Whether there was none before it: then nobody keeps an older list.
    is_first boolean not null,
    -- The operator who had it made; nobody, if its time had come.
    published_by text check (length(published_by) between 1 and 200),
    constraint token_keys_are_known_before_they_sign check (is_first or signs_from >= published_at + interval '15 minutes'),
    constraint token_keys_verify_after_they_sign check (verifies_until > signs_from)
);
-- There is one first key, and one that no other follows.
create unique index token_keys_one_first on token_keys (is_first) where is_first;
create unique index token_keys_one_newest on token_keys ((verifies_until is null)) where verifies_until is null;
create trigger token_keys_keep before update on token_keys for each row
    execute function app.keep('kid', 'public_key', 'published_at', 'signs_from', 'is_first', 'published_by');
create trigger token_keys_end_once before update on token_keys for each row when (old.verifies_until is not null)
    execute function app.keep('verifies_until');
alter table token_keys enable row level security;
alter table token_keys force row level security;
call app.open_to_system('token_keys', 'select, insert, update');
