-- Who leaves the platform: an organisation, or a person with the account. What lets them act ends when they ask for it; what is kept of them goes
-- after a time in which it can be taken back, step by step. A table of the coordinator, as people and organisations are; it names them without keys,
-- as sessions do, and stays when nothing else is left.
create table departures (
    id uuid primary key,
    organization uuid,
    user_id uuid,
    asked_by uuid not null,
    asked_at timestamptz not null,
    -- Until then it can be taken back.
    leaves_at timestamptz not null,
    -- SHA-256 of what the mail to a person holds, with which it is taken back: nobody signs in to an account that leaves.
    token_hash bytea unique check (octet_length(token_hash) = 32),
    language text not null check (language ~ '^[a-z]{2}$'),
    state text not null check (state in ('waiting', 'kept', 'leaving', 'left')),
    -- How many steps of the end are done.
    steps smallint not null default 0 check (steps between 0 and 20),
    decided_by uuid,
    updated_at timestamptz not null,
    constraint departures_of_one check ((organization is null) <> (user_id is null)),
    constraint departures_of_people_have_a_link check ((user_id is null) = (token_hash is null)),
    constraint departures_in_order check (leaves_at >= asked_at),
    constraint departures_end_after_their_time check (state in ('waiting', 'kept') = (steps = 0))
);
create unique index departures_of_organization on departures (organization) where state in ('waiting', 'leaving');
create unique index departures_of_person on departures (user_id) where state in ('waiting', 'leaving');
create index departures_due on departures (leaves_at) where state in ('waiting', 'leaving');
alter table departures enable row level security;
alter table departures force row level security;
call app.open_to_system('departures', 'select, insert, update');
create trigger departures_keep before update on departures for each row
    execute function app.keep('id', 'organization', 'user_id', 'asked_by', 'asked_at', 'leaves_at', 'token_hash', 'language');
-- What was taken back, or is over, stays so; and what has begun to go cannot be taken back.
create trigger departures_decide_once before update on departures for each row
    when (old.state in ('kept', 'left') or (old.state = 'leaving' and new.state in ('waiting', 'kept')) or new.steps < old.steps)
    execute function app.append_only();

-- Addresses of people whom an organisation invited go with it.
grant delete on member_invitations, invitation_links to build14_system;

-- The short name of an organisation is made from its name, and goes with it. The serving role changes none: it has no grant for that column.
create or replace trigger organizations_keep before update on organizations
    for each row execute function app.keep('org_id', 'created_at');
