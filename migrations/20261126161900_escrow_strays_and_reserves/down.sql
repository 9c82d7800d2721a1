create or replace function app.coverage_is_short(p_currency text) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    return exists (select from platform_coverage k
        where k.currency = p_currency and (k.surplus < 0 or k.balance_short_since is not null));
end $$;
drop policy owner_insert on payments;
create policy owner_insert on payments for insert to build14_app
    with check (org_id = app.org() and status = 'created' and intent is null and charge is null and balance_transaction is null
        and funded_at is null and created_by is not distinct from app.user_id());
