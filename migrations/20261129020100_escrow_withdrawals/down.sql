create or replace function app.tell_contractor(p_org uuid, p_contract uuid, p_action text, p_type text, p_entity uuid, p_request text,
    p_before jsonb, p_after jsonb) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
begin
    select contractor_org_id into contractor from contracts
        where org_id = p_org and app.org() = p_org and id = p_contract;
    if not found or app.user_id() is not null then
        raise exception 'contract % is not the tenant''s, or a person asks', p_contract using errcode = 'insufficient_privilege';
    end if;
    if (p_type, p_action) not in (('release', 'escrow.release_reversed'), ('release', 'escrow.reversal_settled'),
            ('escrow', 'escrow.suspense_refunded'))
        or p_before - array['status', 'reversed', 'settled', 'waiting'] <> '{}'
        or p_after - array['status', 'reversed', 'settled', 'transfer', 'paidWith', 'paidOutside', 'waiting', 'refunds', 'operator', 'reason'] <> '{}'
        or octet_length(p_before::text) + octet_length(p_after::text) > 20000
        or p_type = 'escrow' and not exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.id = p_entity and p.status = 'suspense')
        or not exists (select from ledger_entries e join ledger_transactions x on x.org_id = e.org_id and x.id = e.transaction_id
            where e.org_id = p_org and e.contract_id = p_contract and e.account = 2090
                and case p_type
                    when 'release' then e.subject = p_entity and x.created_at = now()
                        and x.kind in ('transfer_reversed', 'reversal_held_again', 'reversal_paid_again', 'reversal_paid_outside')
                    -- An event may have posted it while the person's command was under way, whose name is told then, and once.
                    else e.subject is null and x.kind in ('suspense_refunded', 'suspense_refund_failed')
                        and (x.created_at = now() or x.created_at > now() - interval '1 hour' and p_after ->> 'operator' is not null
                            and not exists (select from audit_entries n where n.org_id = contractor and n.entity_id = p_entity
                                and n.action = p_action and n.at >= x.created_at and n.after ->> 'operator' is not null)) end)
        or exists (select from audit_entries e
            where e.org_id = contractor and e.entity_id = p_entity and e.action = p_action and e.at >= now()) then
        raise exception 'nothing happened to % % that the contractor is told as %', p_type, p_entity, p_action
            using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, before, after)
        values (contractor, gen_random_uuid(), p_action, p_type, p_entity, p_request, p_before, p_after);
end $$;
drop trigger ledger_suspense_bounded on ledger_transactions;
drop function app.suspense_is_bounded;
create or replace function app.posting_agrees(p_org uuid, p_contract uuid, p_kind text, p_object text, p_entries jsonb) returns boolean
    language plpgsql stable set search_path = public, pg_temp
    as $$
begin
    return case
        when p_kind = 'payment_received' then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.charge = p_object and p.status in ('succeeded', 'available')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 1000, 'amount', p.charged),
                    jsonb_build_object('account', 2000, 'subject', p.milestone_id, 'amount', -p.amount)))
        when p_kind = 'payment_in_suspense' then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.charge = p_object and p.status = 'suspense')
        when p_kind in ('processing_fee_kept', 'funds_available') then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.balance_transaction = p_object
                and p.status in ('succeeded', 'available', 'suspense'))
        -- Nobody's money but what waits for no release, and back of it no more than left.
        when p_kind = 'suspense_refunded' then p_entries @> '[{"account": 2090, "subject": null}, {"account": 1010, "subject": null}]'
            and exists (select from payments p where p.org_id = p_org and p.contract_id = p_contract and p.status = 'suspense')
        when p_kind = 'suspense_refund_failed' then exists (
            select from ledger_transactions t join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account = 2090
            where t.org_id = p_org and t.contract_id = p_contract and t.kind = 'suspense_refunded' and t.source_object = p_object
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 2090, 'subject', null, 'amount', -e.amount)))
        when p_kind in ('release_reserved', 'release_voided') then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.id::text = p_object
                and r.status in ('approved', 'sending', 'unknown')
                and (p_kind = 'release_reserved') = (r.status = 'approved')
                and p_entries @> jsonb_build_array(
                    jsonb_build_object('account', 2000, 'subject', r.milestone_id,
                        'amount', case p_kind when 'release_reserved' then r.gross else -r.gross end),
                    jsonb_build_object('account', 2020, 'subject', r.id,
                        'amount', case p_kind when 'release_reserved' then -r.net else r.net end)))
        when p_kind = 'release_sent' then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.status in ('sending', 'unknown')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 2020, 'subject', r.id, 'amount', r.net),
                    jsonb_build_object('account', 1010, 'amount', -r.net)))
        when p_kind in ('transfer_reversed', 'reversal_held_again', 'reversal_paid_again', 'reversal_paid_outside') then exists (
            select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.status in ('sent', 'part_reversed', 'reversed')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 2090, 'subject', r.id)))
        else false end;
end $$;
alter table ledger_transactions drop constraint ledger_transactions_kind_check;
alter table ledger_transactions add constraint ledger_transactions_kind_check check (kind in ('payment_received', 'processing_fee_kept',
    'funds_available', 'release_reserved', 'release_voided', 'release_sent', 'transfer_reversed', 'reversal_held_again', 'reversal_paid_again',
    'reversal_paid_outside', 'payment_in_suspense', 'suspense_refunded', 'suspense_refund_failed'));
