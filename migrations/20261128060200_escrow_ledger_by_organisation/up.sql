-- As before; the organisation whose ledger it is is told beside the posting, which says the same, and with it the way to its rows (decision 34).
drop function app.post_ledger(text, bytea);
CREATE OR REPLACE FUNCTION app.post_ledger(p_org uuid, p_posting text, p_proof bytea, OUT posted uuid, OUT fresh boolean)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    p constant jsonb := p_posting::jsonb;
    c contracts%rowtype;
    known contracts.id%type;
    line record;
begin
    -- Compared by their digests: how much of a guess is right takes no time.
    if p_proof is null or sha256(p_proof) <> sha256(app.ledger_proof(p_posting)) then
        raise exception 'nobody vouches for this posting' using errcode = 'insufficient_privilege';
    end if;
    select * into c from contracts
        where org_id = p_org and app.org() = p_org and p_org = (p ->> 'org')::uuid and id = (p ->> 'contract')::uuid;
    if not found then
        raise exception 'the ledger of contract % is not the tenant''s to write', p ->> 'contract' using errcode = 'insufficient_privilege';
    end if;
    if not exists (select from escrow_accounts a where a.org_id = c.org_id and a.contract_id = c.id) then
        raise exception 'contract % has no escrow account: it was never in force', c.id
            using errcode = 'integrity_constraint_violation', constraint = 'ledger_of_contracts_in_force';
    end if;
    insert into ledger_transactions (org_id, id, contract_id, contractor_org_id, kind, source_provider, source_object, source_kind, currency, reverses)
        values (c.org_id, (p ->> 'id')::uuid, c.id, c.contractor_org_id, p ->> 'kind', p ->> 'provider', p ->> 'object', p ->> 'sourceKind',
            p ->> 'currency', (p ->> 'reverses')::uuid)
        on conflict on constraint ledger_transactions_source do nothing
        returning id into posted;
    fresh := found;
    if not fresh then
        select t.id, t.contract_id into posted, known from ledger_transactions t
            where t.org_id = c.org_id and t.source_provider = p ->> 'provider' and t.source_object = p ->> 'object'
                and t.source_kind = p ->> 'sourceKind';
        if known is distinct from c.id then
            raise exception 'source % % was posted to another contract', p ->> 'object', p ->> 'sourceKind'
                using errcode = 'integrity_constraint_violation';
        end if;
        return;
    end if;
    if not app.posting_agrees(c.org_id, c.id, p ->> 'kind', p ->> 'object', p -> 'entries') then
        raise exception 'posting % of % is not what its payment or release says', p ->> 'kind', p ->> 'object'
            using errcode = 'integrity_constraint_violation', constraint = 'ledger_posting_agrees';
    end if;
    insert into ledger_entries (org_id, transaction_id, position, contract_id, contractor_org_id, account, subject, amount, currency)
        select k.org_id, posted, e.position, k.id, k.contractor_org_id,
               (e.entry ->> 'account')::smallint, (e.entry ->> 'subject')::uuid, (e.entry ->> 'amount')::bigint, p ->> 'currency'
        from contracts k cross join jsonb_array_elements(p -> 'entries') with ordinality as e (entry, position)
        where k.org_id = c.org_id and k.id = c.id;
    -- In one order for everyone, so that two postings never wait for each other in a circle. A row is there before it changes: what an
    -- upsert proposes would have to pass the CHECK by itself.
    for line in
        select e.account, coalesce(e.subject, c.id) as subject, sum(e.amount) as amount
        from ledger_entries e where e.org_id = c.org_id and e.transaction_id = posted
        group by 1, 2 order by 1, 2
    loop
        insert into ledger_balances (org_id, contract_id, contractor_org_id, account, subject, currency, balance)
            values (c.org_id, c.id, c.contractor_org_id, line.account, line.subject, p ->> 'currency', 0)
            on conflict (org_id, contract_id, account, subject, currency) do nothing;
        update ledger_balances b set balance = b.balance + line.amount, updated_at = now()
            where b.org_id = c.org_id and b.contract_id = c.id and b.account = line.account and b.subject = line.subject
              and b.currency = p ->> 'currency';
    end loop;
end $function$

;
grant create on schema app to build14_system;
alter function app.post_ledger(uuid, text, bytea) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.post_ledger(uuid, text, bytea) from public;
grant execute on function app.post_ledger(uuid, text, bytea) to build14_app;
