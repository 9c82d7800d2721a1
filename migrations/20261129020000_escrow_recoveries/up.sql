-- A loss has an opposite (decision 52): what turned up again at the provider takes back a loss that was posted, or a part of it, and never more than it.
alter table platform_float
    add column takes_back uuid references platform_float (id),
    add constraint platform_float_recovery check (takes_back is null or (source_provider = '14build' and amount > 0));
create index platform_float_taken_back on platform_float (takes_back) where takes_back is not null;

-- Under the lock of whoever looks at coverage ("14Cover" in ASCII), so that two recoveries do not both find the same rest of a loss.
create function app.recovery_within_loss() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    lost bigint;
    back numeric;
begin
    perform pg_advisory_xact_lock(13849738096305522);
    select -f.amount into lost from platform_float f
        where f.id = new.takes_back and f.source_provider = '14build' and f.amount < 0 and f.currency = new.currency;
    select sum(f.amount) into back from platform_float f where f.takes_back = new.takes_back;
    if lost is null or back > lost then
        raise exception '% of % came back of a loss of %', back, new.currency, coalesce(lost, 0)
            using errcode = 'check_violation', constraint = 'platform_float_within_loss';
    end if;
    return null;
end $$;
revoke all on function app.recovery_within_loss from public;
create trigger platform_float_within_loss after insert on platform_float for each row when (new.takes_back is not null)
    execute function app.recovery_within_loss();
