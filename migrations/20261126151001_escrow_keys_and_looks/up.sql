-- A key that the provider answered 500 repeats that for a day: what is harmless until it is paid is asked for again under the next key.
alter table payments
    add column key_no integer not null default 0 check (key_no >= 0),
    -- Looks since it last changed: each waits longer than the one before.
    add column looks integer not null default 0 check (looks >= 0),
    add column looked_at timestamptz;

alter table payee_accounts
    add column key_no integer not null default 0 check (key_no >= 0),
    add column looks integer not null default 0 check (looks >= 0),
    add column looked_at timestamptz,
    add column next_look_at timestamptz not null default now();
create index payee_accounts_to_look_at on payee_accounts (next_look_at) where status in ('onboarding', 'restricted') and account is not null;

-- Accounts that an organisation had before: nothing is sent to them any more, and none of them is taken for its account again.
create table payee_accounts_retired (
    org_id uuid not null,
    account text not null,
    reason text,
    retired_by uuid,
    retired_at timestamptz not null default now(),
    primary key (org_id, account),
    foreign key (org_id) references payee_accounts (org_id)
);
create trigger payee_accounts_retired_stay before update or delete on payee_accounts_retired for each row execute function app.append_only();
call app.protect('payee_accounts_retired');
call app.open_to_system('payee_accounts_retired', 'select');
grant select, insert on payee_accounts_retired to build14_app;

-- An account that was given up never comes back, however late the news of it are.
create function app.payee_account_is_not_retired() returns trigger language plpgsql
    as $$
begin
    if exists (select from payee_accounts_retired r where r.org_id = new.org_id and r.account = new.account) then
        raise exception 'payee account % was retired', new.account using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger payee_accounts_not_retired before insert or update of account on payee_accounts for each row
    when (new.account is not null) execute function app.payee_account_is_not_retired();

-- What may have been sent to one account is never sent to another.
create function app.destination_stays() returns trigger language plpgsql
    as $$
begin
    raise exception 'release % may have been sent to %', old.id, old.destination using errcode = 'integrity_constraint_violation';
end $$;
create trigger releases_destination_stays before update on releases for each row
    when (old.maybe_sent_at is not null and new.maybe_sent_at is not null and old.destination is distinct from new.destination)
    execute function app.destination_stays();

-- Which of these contracts stand still because their contractor's account at the provider is closed, or its new one not active yet: told to
-- the contract's parties only. A contract came into force with an account that was active, so one being set up replaces another.
create function app.contracts_without_payee(p_contracts uuid[]) returns setof uuid
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    return query
        select c.id from contracts c left join payee_accounts p on p.org_id = c.contractor_org_id
        where c.id = any (p_contracts) and (c.org_id = app.org() or c.contractor_org_id = app.org())
          and c.status in ('active', 'practically_complete') and coalesce(p.status, 'closed') in ('closed', 'onboarding');
end $$;
grant create on schema app to build14_system;
alter function app.contracts_without_payee owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.contracts_without_payee from public;
grant execute on function app.contracts_without_payee to build14_app;

-- What the platform stands for, per currency: so much may lack against what is owed before new funding and new releases stand still. The
-- worker keeps what is configured; the sweep and the doctor read it.
create table platform_reserves (
    currency text primary key check (currency ~ '^[A-Z]{3}$'),
    amount bigint not null check (amount >= 0),
    set_at timestamptz not null default now()
);
alter table platform_reserves enable row level security;
alter table platform_reserves force row level security;
call app.open_to_system('platform_reserves', 'select, insert, update');
