-- A payment begins at its beginning; or as what it was found to be: an intent beside its milestone's own, which can bring nothing but suspense.
drop policy owner_insert on payments;
create policy owner_insert on payments for insert to build14_app
    with check (org_id = app.org() and charge is null and balance_transaction is null and funded_at is null
        and created_by is not distinct from app.user_id()
        and ((status = 'created' and intent is null) or (status = 'failed' and intent is not null)));

-- Money of a currency stands still once more lacks than the platform stands for, or than Stripe has.
create or replace function app.coverage_is_short(p_currency text) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    return exists (
        select from platform_coverage k left join platform_reserves r on r.currency = k.currency
        where k.currency = p_currency and (k.surplus + coalesce(r.amount, 0) < 0 or k.balance_short_since is not null));
end $$;
