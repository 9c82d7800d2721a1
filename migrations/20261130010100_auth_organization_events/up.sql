-- What an organisation is told of the security of its members' accounts: sign-ins into it, failures of those that would have led into it, what was
-- refused in it, limits that were spent in it. Each event is told to one organisation at most. Of an email that nobody has it is told to nobody: such a
-- row is written all the same, of no organisation (zeros), so that the answer takes as long. Names no key of people and organisations, as sessions do not.
create table organization_events (
    org_id uuid not null,
    id uuid not null,
    at timestamptz not null default clock_timestamp(),
    kind text not null check (kind ~ '^[a-z][a-z_]{1,62}$'),
    user_id uuid,
    api_key_id uuid,
    -- What was refused.
    permission text check (length(permission) between 1 and 60),
    address text check (length(address) <= 45),
    request_id text not null check (length(request_id) between 1 and 64),
    primary key (org_id, id)
);
create index organization_events_list on organization_events (org_id, at desc, id desc);
create index organization_events_of_person on organization_events (user_id) where user_id is not null;
create index organization_events_age on organization_events (at);
create trigger organization_events_keep before update on organization_events for each row
    execute function app.keep('org_id', 'id', 'at', 'kind', 'user_id', 'api_key_id', 'permission', 'request_id');
call app.protect('organization_events');
grant select on organization_events to build14_app;
call app.open_to_system('organization_events', 'select, insert, update, delete');
