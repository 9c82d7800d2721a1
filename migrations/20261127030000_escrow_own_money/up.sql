-- The platform's own money is posted as the provider shows it: with the provider's word for where it stood, and with the one booking that moved it,
-- so that the same money is not posted by two names. Rows of before have neither.
alter table platform_float
    add column provider_status text check (length(provider_status) between 1 and 100),
    add column balance_transaction text check (balance_transaction ~ '^[[:graph:]]{1,255}$'),
    add constraint platform_float_seen check (provider_status is not null and balance_transaction is not null) not valid,
    -- A top-up comes in, a payout goes out.
    add constraint platform_float_direction
        check (case when source_object like 'tu\_%' then amount > 0 when source_object like 'po\_%' then amount < 0 else true end) not valid;
create unique index platform_float_by_booking on platform_float (source_provider, balance_transaction);

-- A payout is of the platform's own money, never of what tenants are owed. Under the lock of whoever looks at coverage ("14Cover" in ASCII), so
-- that two payouts do not both find the same surplus.
create function app.payout_is_own() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    surplus numeric;
begin
    perform pg_advisory_xact_lock(13849738096305522);
    select c.money + c.floated - c.owed into surplus from app.coverage() c where c.currency = new.currency;
    if surplus < 0 then
        raise exception 'payout % leaves % of % less than is owed', new.source_object, -surplus, new.currency
            using errcode = 'check_violation', constraint = 'platform_float_payout_is_own';
    end if;
    return null;
end $$;
revoke all on function app.payout_is_own from public;
create trigger platform_float_payout_is_own after insert on platform_float for each row when (new.source_object like 'po\_%')
    execute function app.payout_is_own();
