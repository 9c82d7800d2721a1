-- What an organisation, or a person, takes along: an archive made by a job, kept in pieces for a few days, and given to whoever asked for it alone. Tables of
-- the coordinator, and of the platform: the serving role reads none of it. What is in an archive its owner could read here anyway, so it is not sealed.
create table exports (
    id uuid primary key,
    -- Who asked, and alone is given it.
    user_id uuid not null,
    -- Of which organisation; null: of the person.
    organization uuid,
    language text not null check (language ~ '^[a-z]{2}$'),
    state text not null check (state in ('making', 'ready', 'too_large')),
    size bigint check (size between 1 and 1073741824),
    digest bytea check (octet_length(digest) = 32),
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    updated_at timestamptz not null,
    constraint exports_ready_are_whole check ((state = 'ready') = (size is not null and digest is not null)),
    constraint exports_end check (expires_at > asked_at)
);
-- One at a time.
create unique index exports_being_made on exports (user_id, coalesce(organization, '00000000-0000-0000-0000-000000000000')) where state = 'making';
create index exports_of_person on exports (user_id, asked_at desc, id desc);
create index exports_of_organization on exports (organization) where organization is not null;
create index exports_age on exports (expires_at);
alter table exports enable row level security;
alter table exports force row level security;
call app.open_to_system('exports', 'select, insert, update, delete');
create trigger exports_keep before update on exports for each row
    execute function app.keep('id', 'user_id', 'organization', 'language', 'asked_at', 'expires_at');
create trigger exports_made_once before update on exports for each row when (old.state <> 'making') execute function app.append_only();

create table export_parts (
    export_id uuid not null references exports on delete cascade,
    position integer not null check (position between 0 and 4096),
    content bytea not null check (octet_length(content) between 1 and 1048576),
    primary key (export_id, position)
);
alter table export_parts enable row level security;
alter table export_parts force row level security;
call app.open_to_system('export_parts', 'select, insert, delete');
