-- A contract that cannot go on ends by agreement, and an award that its winner does not sign falls. Both change rows of both parties in one
-- transaction, whoever acts, and stand in both trails.

-- One party proposes to end the contract, the other agrees. At most one proposal is open, and what was agreed is agreed.
create table contract_terminations (
    org_id uuid not null,
    id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    party text not null check (party in ('owner', 'contractor')),
    proposed_by uuid not null,
    reason text not null check (length(reason) between 1 and 2000),
    proposed_at timestamptz not null default now(),
    agreed_by uuid,
    agreed_at timestamptz,
    withdrawn_by uuid,
    withdrawn_at timestamptz,
    primary key (org_id, id),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id),
    constraint contract_terminations_two_persons check (agreed_by <> proposed_by),
    check ((agreed_by is null) = (agreed_at is null)),
    check ((withdrawn_by is null) = (withdrawn_at is null)),
    check (agreed_at is null or withdrawn_at is null)
);
create unique index contract_terminations_one on contract_terminations (org_id, contract_id) where withdrawn_at is null;
create index contract_terminations_of on contract_terminations (contract_id) where withdrawn_at is null;
create trigger contract_terminations_keep before update on contract_terminations for each row
    execute function app.keep('org_id', 'id', 'contract_id', 'contractor_org_id', 'party', 'proposed_by', 'reason', 'proposed_at');
create trigger contract_terminations_over before update on contract_terminations for each row
    when (old.agreed_at is not null or old.withdrawn_at is not null) execute function app.append_only();
alter table contract_terminations enable row level security;
alter table contract_terminations force row level security;
create policy party_select on contract_terminations for select to build14_app using (org_id = app.org() or contractor_org_id = app.org());
create policy party_proposes on contract_terminations for insert to build14_app with check (
    proposed_by = app.user_id() and agreed_at is null and withdrawn_at is null
    and ((party = 'owner' and org_id = app.org()) or (party = 'contractor' and contractor_org_id = app.org())));
create policy party_withdraws on contract_terminations for update to build14_app
    using ((party = 'owner' and org_id = app.org()) or (party = 'contractor' and contractor_org_id = app.org()))
    with check (withdrawn_by = app.user_id() and agreed_at is null
        and ((party = 'owner' and org_id = app.org()) or (party = 'contractor' and contractor_org_id = app.org())));
call app.open_to_system('contract_terminations', 'select, update');
grant select, insert on contract_terminations to build14_app;
grant update (withdrawn_by, withdrawn_at) on contract_terminations to build14_app;

grant update on milestones, escrow_accounts to build14_system;

-- C7 by agreement: the party that did not propose agrees, by another person. Nothing may be held, under way or still payable. Before it was in
-- force the contract is cancelled, after that terminated. Answers what came of it.
create function app.end_contract(p_org uuid, p_contract uuid, p_event uuid, p_payload jsonb, p_request text) returns text
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
                   and b.account between 2000 and 2099 and b.balance <> 0) then
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

-- Enters what a party did to a contract into the other party's trail too.
create function app.audit_other_party(
    p_org uuid, p_contract uuid, p_entry uuid, p_action text, p_before jsonb, p_after jsonb, p_request text
) returns void language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
begin
    select c.contractor_org_id into contractor from contracts c
        where c.org_id = p_org and c.id = p_contract and app.org() in (c.org_id, c.contractor_org_id);
    if not found then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (case when app.org() = p_org then contractor else p_org end, p_entry, app.user_id(), p_action, 'contract', p_contract, p_request,
            p_before, p_after);
end $$;

-- Until when both parties sign the contract of an award (T10).
alter table awards add column sign_by timestamptz;
grant update (sign_by) on awards to build14_app;
create index awards_unsigned on awards (sign_by) where status = 'pending' and sign_by is not null;

-- Enters what the owner decided about an opened bid into its bidder's trail too.
create function app.audit_for_bidder(
    p_org uuid, p_bid uuid, p_entry uuid, p_action text, p_before jsonb, p_after jsonb, p_request text
) returns void language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    bidder uuid;
begin
    select b.bidder_org_id into bidder from bids b where b.org_id = p_org and b.id = p_bid and b.opened_at is not null;
    if not found or app.org() is distinct from p_org then
        raise exception 'bid % is not open to this organisation', p_bid using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (bidder, p_entry, app.user_id(), p_action, 'bid', p_bid, p_request, p_before, p_after);
end $$;

-- B13 and T10 by the winner: its bid is forfeited, the contract that was not in force is cancelled, the tender is in evaluation again.
-- Answers what came of it. Lock order: tender, bid, award, contract.
create function app.refuse_award(p_bid uuid, p_reason text, p_entry uuid, p_event uuid, p_payload jsonb, p_request text) returns text
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    t record;
    b record;
    a record;
begin
    select x.org_id, x.tender_id into b from bids x where x.id = p_bid and x.bidder_org_id = app.org();
    if not found then
        raise exception 'bid % is not of this organisation', p_bid using errcode = 'insufficient_privilege';
    end if;
    select x.org_id, x.id, x.status into t from tenders x where x.org_id = b.org_id and x.id = b.tender_id for update;
    select x.org_id, x.id, x.status into b from bids x where x.org_id = t.org_id and x.id = p_bid for update;
    if t.status <> 'standstill' or b.status <> 'awarded' then
        return 'not_awarded';
    end if;
    select x.id, x.contract_id into strict a from awards x
        where x.org_id = t.org_id and x.tender_id = t.id and x.bid_id = p_bid and x.status = 'pending' for update;
    if a.contract_id is not null then
        perform from contracts c where c.org_id = t.org_id and c.id = a.contract_id and c.status = 'signing' for update;
        if not found then
            return 'in_force';
        end if;
        update contracts set status = 'cancelled', cancel_reason = p_reason, updated_at = now() where org_id = t.org_id and id = a.contract_id;
        update milestones set status = 'cancelled', updated_at = now() where org_id = t.org_id and contract_id = a.contract_id;
    end if;
    update awards set status = 'cancelled', cancel_reason = p_reason, updated_at = now() where org_id = t.org_id and id = a.id;
    update bids set status = 'forfeited', updated_at = now() where org_id = t.org_id and id = p_bid;
    update tenders set status = 'evaluation', standstill_until = null, updated_at = now() where org_id = t.org_id and id = t.id;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (t.org_id, p_entry, app.user_id(), 'bids.refuse_award', 'tender', t.id, p_request, jsonb_build_object('status', 'standstill'),
            jsonb_build_object('status', 'evaluation', 'award', a.id, 'bid', p_bid, 'contract', a.contract_id, 'bidStatus', 'forfeited', 'reason', p_reason));
    insert into outbox (id, org_id, kind, aggregate, payload, request_id)
        values (p_event, t.org_id, 'tenders.award_fell', t.id, p_payload, p_request);
    notify outbox;
    return 'refused';
end $$;

-- The contract of a completed tender ended early: the tender has no contract any more and can be repeated. Answers whether that was still to
-- be done.
create function app.end_completed_tender(p_org uuid, p_tender uuid, p_contract uuid) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    t record;
    ended record;
begin
    select x.status into t from tenders x where x.org_id = p_org and x.id = p_tender and app.org() = p_org for update;
    if not found or t.status <> 'complete' then
        return false;
    end if;
    select c.cancel_reason into ended from contracts c
        where c.org_id = p_org and c.id = p_contract and c.tender_id = p_tender and c.status = 'terminated';
    if not found then
        return false;
    end if;
    update awards set status = 'cancelled', cancel_reason = coalesce(ended.cancel_reason, '-'), updated_at = now()
        where org_id = p_org and tender_id = p_tender and contract_id = p_contract and status = 'active';
    if not found then
        return false;
    end if;
    update tenders set status = 'unsuccessful', updated_at = now() where org_id = p_org and id = p_tender;
    return true;
end $$;

-- As before, and the platform ends a tender whose contract ended.
create or replace function app.guard_tender() returns trigger language plpgsql
    as $$
declare
    step text := old.status || '>' || new.status;
begin
    if old.status = 'draft' and new.status = 'draft' then
        return new;
    end if;
    if old.status <> new.status then
        if step not in ('draft>published', 'draft>cancelled', 'published>cancelled', 'closed>cancelled', 'evaluation>standstill',
                        'evaluation>unsuccessful', 'evaluation>cancelled', 'standstill>cancelled', 'standstill>evaluation')
           and not (current_user = 'build14_system' and step in
                        ('published>closed', 'published>unsuccessful', 'closed>evaluation', 'standstill>complete', 'complete>unsuccessful')) then
            raise exception 'a tender does not go from % to % here', old.status, new.status
                using errcode = 'integrity_constraint_violation';
        end if;
        if step = 'draft>published' and new.submission_deadline <= app.now() then
            raise exception 'a tender is published before its deadline' using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    if old.status <> 'draft' then
        if new.submission_deadline <> old.submission_deadline and (old.status <> 'published' or new.status <> 'published'
            or new.submission_deadline < old.submission_deadline or app.now() >= old.submission_deadline) then
            raise exception 'the deadline only moves later, and only before it has passed'
                using errcode = 'integrity_constraint_violation';
        end if;
        if (old.project_id, old.soq_id, old.soq_version, old.procurement_method, old.currency, old.min_bids, old.published_at)
            is distinct from
           (new.project_id, new.soq_id, new.soq_version, new.procurement_method, new.currency, new.min_bids, new.published_at) then
            raise exception 'what a tender asks for does not change after publication' using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    return new;
end $$;

grant create on schema app to build14_system;
alter function app.end_contract owner to build14_system;
alter function app.audit_other_party owner to build14_system;
alter function app.audit_for_bidder owner to build14_system;
alter function app.refuse_award owner to build14_system;
alter function app.end_completed_tender owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.end_contract, app.audit_other_party, app.audit_for_bidder, app.refuse_award, app.end_completed_tender from public;
grant execute on function app.end_contract, app.audit_other_party, app.audit_for_bidder, app.refuse_award, app.end_completed_tender to build14_app;
