-- What the payment provider really holds, compared with what the books say, currency by currency. Less stops what a negative surplus stops.

alter table platform_coverage
    -- Available and pending together, as the provider said; what it should be at least, by the books; when it was asked.
    add column provider_holds bigint,
    add column provider_should bigint,
    add column balance_asked_at timestamptz,
    add column balance_short_since timestamptz,
    add constraint platform_coverage_balance check (
        (balance_asked_at is null) = (provider_holds is null) and (balance_asked_at is null) = (provider_should is null)
        and (balance_short_since is not null) = coalesce(provider_holds < provider_should, false));

-- How often in a row the balance could not be read: one row.
create table platform_balance_looks (
    only_row boolean primary key default true check (only_row),
    failures integer not null default 0 check (failures >= 0),
    failing_since timestamptz,
    last_error text check (length(last_error) <= 2000),
    check ((failures = 0) = (failing_since is null) and (failures = 0) = (last_error is null))
);
alter table platform_balance_looks enable row level security;
alter table platform_balance_looks force row level security;
call app.open_to_system('platform_balance_looks', 'select, insert, update');

-- What came in while the provider was being asked is told apart by its time.
create index ledger_transactions_by_time on ledger_transactions (created_at);

-- The platform's own money comes in (E0), and is paid out to its bank (E11): what it earned, never what tenants are owed.
alter table platform_float
    drop constraint platform_float_amount_check,
    add constraint platform_float_amount_check check (amount <> 0);

create or replace function app.coverage_is_short(p_currency text) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    return exists (select from platform_coverage k
        where k.currency = p_currency and (k.surplus < 0 or k.balance_short_since is not null));
end $$;
