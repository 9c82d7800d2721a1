alter table ledger_transactions drop constraint ledger_transactions_kind_check;
alter table ledger_transactions no force row level security;
alter table ledger_transactions disable trigger ledger_transactions_stay;
update ledger_transactions set kind = case kind
    when 'payment_received' then 'E1'
    when 'processing_fee_kept' then 'E1b'
    when 'funds_available' then 'E2'
    when 'release_reserved' then 'E3'
    when 'release_voided' then 'E3v'
    when 'release_sent' then 'E4'
    when 'transfer_reversed' then 'E5'
    when 'reversal_held_again' then 'E5'
    when 'reversal_paid_again' then 'E5'
    when 'payment_in_suspense' then 'E13'
    else kind end;
alter table ledger_transactions enable trigger ledger_transactions_stay;
alter table ledger_transactions force row level security;
alter table ledger_transactions add constraint ledger_transactions_kind_check
    check (kind in ('E1', 'E1b', 'E2', 'E3', 'E3v', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E9b', 'E12', 'E13'));

CREATE OR REPLACE FUNCTION app.posting_agrees(p_org uuid, p_contract uuid, p_kind text, p_object text, p_entries jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
    return case
        when p_kind = 'E1' then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.charge = p_object and p.status in ('succeeded', 'available')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 1000, 'amount', p.charged),
                    jsonb_build_object('account', 2000, 'subject', p.milestone_id, 'amount', -p.amount)))
        when p_kind = 'E13' then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.charge = p_object and p.status = 'suspense')
        when p_kind in ('E1b', 'E2') then exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.balance_transaction = p_object
                and p.status in ('succeeded', 'available', 'suspense'))
        when p_kind in ('E3', 'E3v') then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.id::text = p_object
                and r.status in ('approved', 'sending', 'unknown') and (p_kind = 'E3') = (r.status = 'approved')
                and p_entries @> jsonb_build_array(
                    jsonb_build_object('account', 2000, 'subject', r.milestone_id, 'amount', case p_kind when 'E3' then r.gross else -r.gross end),
                    jsonb_build_object('account', 2020, 'subject', r.id, 'amount', case p_kind when 'E3' then -r.net else r.net end)))
        when p_kind = 'E4' then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.status in ('sending', 'unknown')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 2020, 'subject', r.id, 'amount', r.net),
                    jsonb_build_object('account', 1010, 'amount', -r.net)))
        when p_kind = 'E5' then exists (select from releases r
            where r.org_id = p_org and r.contract_id = p_contract and r.status in ('sent', 'part_reversed', 'reversed')
                and p_entries @> jsonb_build_array(jsonb_build_object('account', 2090, 'subject', r.id)))
        else false end;
end $function$;

CREATE OR REPLACE FUNCTION app.tell_contractor(p_contract uuid, p_action text, p_type text, p_entity uuid, p_request text, p_before jsonb, p_after jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    contractor uuid;
begin
    select contractor_org_id into contractor from contracts where org_id = app.org() and id = p_contract;
    if not found or app.user_id() is not null then
        raise exception 'contract % is not the tenant''s, or a person asks', p_contract using errcode = 'insufficient_privilege';
    end if;
    if p_type <> 'release' or p_action not in ('escrow.release_reversed', 'escrow.reversal_settled')
        or p_before - array['status', 'reversed', 'settled'] <> '{}'
        or p_after - array['status', 'reversed', 'settled', 'transfer', 'paidWith', 'operator', 'reason'] <> '{}'
        or octet_length(p_before::text) + octet_length(p_after::text) > 20000
        or not exists (select from ledger_entries e join ledger_transactions x on x.org_id = e.org_id and x.id = e.transaction_id
            where e.org_id = app.org() and e.contract_id = p_contract and e.account = 2090 and e.subject = p_entity
                and x.kind = 'E5' and x.created_at = now())
        or exists (select from audit_entries e
            where e.org_id = contractor and e.entity_id = p_entity and e.action = p_action and e.at >= now()) then
        raise exception 'nothing came back of release % that the contractor is told as %', p_entity, p_action
            using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, before, after)
        values (contractor, gen_random_uuid(), p_action, p_type, p_entity, p_request, p_before, p_after);
end $function$;
