-- Organisations (the tenants), who belongs to them, and second approvals.

create table organizations (
    -- The organisation is its own tenant.
    org_id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    -- Unique across tenants, on purpose: it is an address. On Citus this small table is a reference table, which can keep that promise.
    slug text not null constraint organizations_slug_unique unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 100),
    kind text not null default 'both' check (kind in ('owner', 'contractor', 'both')),
    categories text[] not null default '{}' check (cardinality(categories) <= 50),
    approval_threshold_minor bigint check (approval_threshold_minor >= 0),
    approval_threshold_currency text check (approval_threshold_currency ~ '^[A-Z]{3}$'),
    timezone text not null default 'UTC' check (length(timezone) between 1 and 64),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint organizations_threshold_whole check ((approval_threshold_minor is null) = (approval_threshold_currency is null))
);
call app.protect('organizations');
grant select, update on organizations to build14_app;
call app.open_to_system('organizations', 'select, insert, update');
create trigger organizations_keep before update on organizations for each row execute function app.keep('org_id', 'slug', 'created_at');

create table memberships (
    org_id uuid not null references organizations,
    user_id uuid not null references users,
    role text not null check (role in ('owner', 'admin', 'member')),
    created_at timestamptz not null default now(),
    primary key (org_id, user_id)
);
create index memberships_list on memberships (org_id, created_at desc, user_id desc);
create index memberships_of_person on memberships (user_id, created_at);
call app.protect('memberships');
grant select, insert, update, delete on memberships to build14_app;
call app.open_to_system('memberships', 'select, insert, update, delete');
create trigger memberships_keep before update on memberships for each row execute function app.keep('org_id', 'user_id', 'created_at');

-- An organisation with members has an owner. The lock makes concurrent demotions wait for each other; the check after it sees their outcome.
create function app.keep_an_owner() returns trigger language plpgsql
    as $$
begin
    perform from organizations where org_id = old.org_id for no key update;
    if exists (select from memberships where org_id = old.org_id)
        and not exists (select from memberships where org_id = old.org_id and role = 'owner') then
        raise exception 'an organisation needs an owner'
            using errcode = 'check_violation', constraint = 'memberships_last_owner', table = 'memberships';
    end if;
    return null;
end $$;
create trigger memberships_last_owner after update of role or delete on memberships
    for each row when (old.role = 'owner') execute function app.keep_an_owner();

-- A removed account joins nothing. Its removal locks the person first, so who adds them meanwhile either comes before it, and the
-- membership is taken away again, or finds the mark. That is a lost race, not a mistake: it says so, and the next try answers rightly.
create function app.memberships_of_the_living() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    perform from users where id = new.user_id and removed_at is null for key share;
    if not found then
        raise exception 'the account % was removed', new.user_id using errcode = 'serialization_failure';
    end if;
    return new;
end $$;
create trigger memberships_of_the_living before insert on memberships
    for each row execute function app.memberships_of_the_living();

-- People who share the organisation see each other.
create policy colleagues on users for select to build14_app
    using (exists (select from memberships m where m.org_id = app.org() and m.user_id = users.id));

-- Second approvals (actor A2 of domain.md §3): a row waits for another person to ask for the very same thing.
create table approvals (
    org_id uuid not null references organizations,
    id uuid not null,
    action text not null,
    subject uuid not null,
    detail text not null,
    amount_minor bigint not null,
    currency text not null,
    first_user uuid not null,
    second_user uuid,
    created_at timestamptz not null default now(),
    used_at timestamptz,
    -- Set when the rights of the first person changed before a second one agreed.
    voided_at timestamptz,
    primary key (org_id, id),
    constraint approvals_used_or_void check (used_at is null or voided_at is null),
    constraint approvals_whole check ((second_user is null) = (used_at is null)),
    constraint approvals_two_persons check (second_user <> first_user)
);
create unique index approvals_waiting on approvals (org_id, action, subject, detail, amount_minor, currency)
    where used_at is null and voided_at is null;
create index approvals_waiting_of_person on approvals (org_id, first_user) where used_at is null and voided_at is null;
create index approvals_list on approvals (org_id, created_at desc, id desc);
call app.protect('approvals');
grant select, insert, update on approvals to build14_app;
create trigger approvals_keep before update on approvals
    for each row execute function app.keep('org_id', 'id', 'action', 'subject', 'detail', 'amount_minor', 'currency');
create trigger approvals_used before update on approvals
    for each row when (old.used_at is not null or old.voided_at is not null) execute function app.append_only();

-- What anybody may know of any organisation: enough to name the other party of a tender or contract.
create function app.organization_card(organization uuid)
    returns table (org_id uuid, name text, slug text, kind text, created_at timestamptz, updated_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select o.org_id, o.name, o.slug, o.kind, o.created_at, o.updated_at from organizations o where o.org_id = organization $$;

-- Makes an organisation whose owner is the person of this transaction.
create function app.found_organization(organization uuid, its_name text, its_slug text, its_kind text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.user_id() is null then
        raise exception 'only a person can found an organisation';
    end if;
    insert into organizations (org_id, name, slug, kind) values (organization, its_name, its_slug, its_kind);
    insert into memberships (org_id, user_id, role) values (organization, app.user_id(), 'owner');
end $$;

-- The person with this email, made if there is none: for adding members. The service checks the permission, this that a member asks.
create function app.person_for_email(person uuid, its_email text, its_email_key text, its_name text) returns uuid
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    found_id uuid;
    found_removed_at timestamptz;
begin
    if not exists (select from memberships where org_id = app.org() and user_id = app.user_id()) then
        raise exception 'only a member can look a person up by email';
    end if;
    -- The lock keeps the account from being removed until this transaction ends. Removed while we waited for it, the email is free again.
    loop
        insert into users (id, email, email_key, name) values (person, its_email, its_email_key, its_name)
            on conflict on constraint users_email_key_unique do nothing;
        select id, removed_at into found_id, found_removed_at from users where email_key = its_email_key for key share;
        exit when found;
    end loop;
    if found_removed_at is not null then
        raise exception 'the email is the mark of a removed account';
    end if;
    return found_id;
end $$;

grant create on schema app to build14_system;
alter function app.organization_card owner to build14_system;
alter function app.found_organization owner to build14_system;
alter function app.person_for_email owner to build14_system;
alter function app.memberships_of_the_living owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.organization_card, app.found_organization, app.person_for_email, app.memberships_of_the_living from public;
grant execute on function app.organization_card, app.found_organization, app.person_for_email to build14_app;
grant execute on function app.organization_card to build14_system;
