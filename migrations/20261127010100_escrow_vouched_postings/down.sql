drop trigger payments_charge_stays on payments;
drop trigger releases_to_the_payee on releases;
drop function app.release_goes_to_the_payee();
drop trigger releases_reserved on releases;
drop function app.release_is_reserved();
drop function app.post_ledger(text, bytea);
create or replace function app.post_ledger(p_id uuid, p_contract uuid, p_kind text, p_provider text, p_object text, p_source_kind text, p_currency text, p_reverses uuid, p_entries jsonb, OUT posted uuid, OUT fresh boolean)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    c contracts%rowtype;
    known contracts.id%type;
    line record;
begin
    select * into c from contracts where org_id = app.org() and id = p_contract;
    if not found then
        raise exception 'the ledger of contract % is not the tenant''s to write', p_contract using errcode = 'insufficient_privilege';
    end if;
    insert into ledger_transactions (org_id, id, contract_id, contractor_org_id, kind, source_provider, source_object, source_kind, currency, reverses)
        values (c.org_id, p_id, c.id, c.contractor_org_id, p_kind, p_provider, p_object, p_source_kind, p_currency, p_reverses)
        on conflict on constraint ledger_transactions_source do nothing
        returning id into posted;
    fresh := found;
    if not fresh then
        select t.id, t.contract_id into posted, known from ledger_transactions t
            where t.org_id = c.org_id and t.source_provider = p_provider and t.source_object = p_object and t.source_kind = p_source_kind;
        if known is distinct from p_contract then
            raise exception 'source % % was posted to another contract', p_object, p_source_kind using errcode = 'integrity_constraint_violation';
        end if;
        return;
    end if;
    insert into ledger_entries (org_id, transaction_id, position, contract_id, contractor_org_id, account, subject, amount, currency)
        select c.org_id, posted, e.position, c.id, c.contractor_org_id,
               (e.entry ->> 'account')::smallint, (e.entry ->> 'subject')::uuid, (e.entry ->> 'amount')::bigint, p_currency
        from jsonb_array_elements(p_entries) with ordinality as e (entry, position);
    -- In one order for everyone, so that two postings never wait for each other in a circle. A row is there before it changes: what an
    -- upsert proposes would have to pass the CHECK by itself.
    for line in
        select e.account, coalesce(e.subject, c.id) as subject, sum(e.amount) as amount
        from ledger_entries e where e.org_id = c.org_id and e.transaction_id = posted
        group by 1, 2 order by 1, 2
    loop
        insert into ledger_balances (org_id, contract_id, contractor_org_id, account, subject, currency, balance)
            values (c.org_id, c.id, c.contractor_org_id, line.account, line.subject, p_currency, 0)
            on conflict (org_id, contract_id, account, subject, currency) do nothing;
        update ledger_balances b set balance = b.balance + line.amount, updated_at = now()
            where b.org_id = c.org_id and b.contract_id = c.id and b.account = line.account and b.subject = line.subject
              and b.currency = p_currency;
    end loop;
end $function$
;
grant create on schema app to build14_system;
alter function app.post_ledger owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.post_ledger from public;
grant execute on function app.post_ledger to build14_app;
drop function app.posting_agrees(uuid, uuid, text, text, jsonb);
drop function app.ledger_proof(text);
drop table app.ledger_key;
