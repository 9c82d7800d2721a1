-- Whom an identity provider, such as Google, knows as a person of ours. Issuer and subject together are one person, whatever their email is. The
-- platform's own; the serving role cannot read it at all.
create table identities (
    id uuid primary key,
    user_id uuid not null references users,
    issuer text not null check (length(issuer) between 1 and 500),
    subject text not null check (length(subject) between 1 and 255),
    -- By which provider of the settings it was linked, and which email that told then: both are shown, and decide nothing.
    provider text not null check (provider ~ '^[a-z][a-z0-9]{0,31}$'),
    email text check (length(email) between 1 and 320),
    linked_at timestamptz not null,
    last_used_at timestamptz,
    constraint identities_of_one_person unique (issuer, subject)
);
create index identities_of_person on identities (user_id, linked_at, id);
create trigger identities_keep before update on identities for each row execute function app.keep(
    'id', 'user_id', 'issuer', 'subject', 'provider', 'email', 'linked_at');
alter table identities enable row level security;
alter table identities force row level security;
call app.open_to_system('identities', 'select, insert, update, delete');

-- A browser that was sent to a provider and may come back: once, within ten minutes. Kept are hashes of what it brings: the state that went with it,
-- and a cookie that no other browser has. What the provider is asked with is derived from both, and stands nowhere.
create table sign_ins_elsewhere (
    state_hash bytea primary key check (length(state_hash) = 32),
    browser_hash bytea not null check (length(browser_hash) = 32),
    provider text not null check (provider ~ '^[a-z][a-z0-9]{0,31}$'),
    -- Who links an identity, and in which session; nobody yet, where somebody signs in.
    user_id uuid references users,
    session_id uuid,
    -- Where the browser goes on: a path of this server, whatever it is read as.
    return_to text not null check (length(return_to) <= 500 and return_to ~ '^/([^/\\[:cntrl:]][^\\[:cntrl:]]*)?$'),
    made_at timestamptz not null,
    expires_at timestamptz not null,
    -- Somebody came back with it: it counts no more.
    ended_at timestamptz,
    constraint sign_ins_elsewhere_short_lived check (expires_at > made_at and expires_at <= made_at + interval '10 minutes'),
    constraint sign_ins_elsewhere_link_in_a_session check ((user_id is null) = (session_id is null))
);
create index sign_ins_elsewhere_of_person on sign_ins_elsewhere (user_id) where user_id is not null;
create index sign_ins_elsewhere_age on sign_ins_elsewhere (expires_at);
create trigger sign_ins_elsewhere_keep before update on sign_ins_elsewhere for each row execute function app.keep(
    'state_hash', 'browser_hash', 'provider', 'user_id', 'session_id', 'return_to', 'made_at', 'expires_at');
alter table sign_ins_elsewhere enable row level security;
alter table sign_ins_elsewhere force row level security;
call app.open_to_system('sign_ins_elsewhere', 'select, insert, update, delete');
