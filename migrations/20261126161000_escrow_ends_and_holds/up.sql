-- A contract on which a hold is open does not end: what the hold is about must be settled first.
create or replace function app.end_contract(p_org uuid, p_contract uuid, p_event uuid, p_payload jsonb, p_request text) returns text
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
    was text;
    t contract_terminations%rowtype;
begin
    select c.contractor_org_id, c.status into contractor, was from contracts c
        where c.org_id = p_org and c.id = p_contract and app.org() in (c.org_id, c.contractor_org_id) for update;
    if not found then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    select * into t from contract_terminations where org_id = p_org and contract_id = p_contract and agreed_at is null and withdrawn_at is null
        for update;
    if not found or was not in ('signing', 'active', 'suspended') then
        return 'nothing_to_agree_to';
    end if;
    if app.user_id() is null or app.user_id() = t.proposed_by or app.org() = (case t.party when 'owner' then p_org else contractor end) then
        return 'same_side';
    end if;
    perform from milestones m where m.org_id = p_org and m.contract_id = p_contract order by m.position for update;
    if exists (select from milestones m where m.org_id = p_org and m.contract_id = p_contract
               and m.status not in ('planned', 'cancelled', 'released', 'refunded'))
        or exists (select from payments p where p.org_id = p_org and p.contract_id = p_contract
                   and (p.status in ('created', 'requires_action', 'processing') or (p.status = 'failed' and p.intent is not null)))
        or exists (select from releases r where r.org_id = p_org and r.contract_id = p_contract
                   and r.status in ('requested', 'approved', 'sending', 'unknown'))
        or exists (select from ledger_balances b where b.org_id = p_org and b.contract_id = p_contract
                   and b.account between 2000 and 2099 and b.balance <> 0)
        or exists (select from holds h where h.org_id = p_org and h.contract_id = p_contract and h.lifted_at is null) then
        return 'held';
    end if;
    update contract_terminations set agreed_by = app.user_id(), agreed_at = now() where org_id = p_org and id = t.id;
    update milestones set status = 'cancelled', updated_at = now()
        where org_id = p_org and contract_id = p_contract and status = 'planned';
    update contracts set status = case was when 'signing' then 'cancelled' else 'terminated' end, cancel_reason = t.reason, updated_at = now()
        where org_id = p_org and id = p_contract;
    update escrow_accounts set status = 'closed', updated_at = now() where org_id = p_org and contract_id = p_contract;
    insert into outbox (id, org_id, kind, aggregate, payload, request_id)
        values (p_event, p_org, 'escrow.contract_ended', p_contract, p_payload, p_request);
    notify outbox;
    return 'ended';
end $$;

-- Both trails are entered in the order of the organisations, as everywhere: the chains are locked in that order at commit.
create or replace function app.record_hold(h holds, p_action text, p_request text, p_operator text, p_reason text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, after)
        select party, gen_random_uuid(), p_action, case when h.milestone_id is null then 'contract' else 'milestone' end,
               coalesce(h.milestone_id, h.contract_id), p_request,
               jsonb_strip_nulls(jsonb_build_object('holdId', h.id, 'kind', h.kind, 'contractId', h.contract_id,
                   'operator', p_operator, 'reason', case when p_operator is not null then p_reason end))
        from unnest(array[h.org_id, h.contractor_org_id]) as party order by party;
end $$;
