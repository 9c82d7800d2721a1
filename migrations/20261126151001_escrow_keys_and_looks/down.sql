create or replace function app.coverage_is_short(p_currency text) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$ select exists (select from platform_coverage where currency = p_currency and surplus < 0) $$;
drop table platform_reserves;
drop function app.contracts_without_payee;
drop trigger releases_destination_stays on releases;
drop function app.destination_stays;
drop trigger payee_accounts_not_retired on payee_accounts;
drop function app.payee_account_is_not_retired;
drop table payee_accounts_retired;
drop index payee_accounts_to_look_at;
alter table payee_accounts drop column next_look_at, drop column looked_at, drop column looks, drop column key_no;
alter table payments drop column looked_at, drop column looks, drop column key_no;
