create or replace function app.coverage_is_short(p_currency text) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$ select exists (select from platform_coverage where currency = p_currency and surplus < 0) $$;
alter table platform_float
    drop constraint platform_float_amount_check,
    add constraint platform_float_amount_check check (amount > 0) not valid;
-- Payouts that were posted stay: the program before wrote none, and reads them as they are.
do $$ begin
    if not exists (select from platform_float where amount <= 0) then
        alter table platform_float validate constraint platform_float_amount_check;
    end if;
end $$;
drop index ledger_transactions_by_time;
drop table platform_balance_looks;
alter table platform_coverage drop constraint platform_coverage_balance, drop column provider_holds, drop column provider_should,
    drop column balance_asked_at, drop column balance_short_since;
