drop function app.activate_contract(uuid, uuid, text);
drop function app.end_contract(uuid, uuid, uuid, text);
drop function app.audit_other_party(uuid, uuid, uuid, text, text);
drop function app.audit_for_bidder(uuid, uuid, uuid, text);
drop function app.refuse_award(uuid, text, uuid, uuid, text);
create or replace function app.activate_contract(p_contract uuid, p_event uuid, p_payload jsonb, p_request text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    c contracts%rowtype;
begin
    select * into c from contracts where id = p_contract and (org_id = app.org() or contractor_org_id = app.org()) for update;
    if not found or c.status <> 'signing' then
        return 'not_signing';
    end if;
    if (select count(*) from contract_signatures s
        where s.org_id = c.org_id and s.contract_id = c.id and s.sha256 = c.document_sha256) < 2 then
        return 'waiting';
    end if;
    if not exists (select from payee_accounts p where p.org_id = c.contractor_org_id and p.status = 'active') then
        return 'payee_not_active';
    end if;
    update contracts set status = 'active', activated_at = now(), updated_at = now() where org_id = c.org_id and id = c.id;
    insert into escrow_accounts (org_id, contract_id, contractor_org_id, currency) values (c.org_id, c.id, c.contractor_org_id, c.currency);
    insert into outbox (id, org_id, kind, aggregate, payload, request_id)
        values (p_event, c.org_id, 'escrow.contract_activated', c.id, p_payload, p_request);
    notify outbox;
    return 'active';
end $function$
;
create or replace function app.audit_for_bidder(p_org uuid, p_bid uuid, p_entry uuid, p_action text, p_before jsonb, p_after jsonb, p_request text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    bidder uuid;
begin
    select b.bidder_org_id into bidder from bids b where b.org_id = p_org and b.id = p_bid and b.opened_at is not null;
    if not found or app.org() is distinct from p_org then
        raise exception 'bid % is not open to this organisation', p_bid using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (bidder, p_entry, app.user_id(), p_action, 'bid', p_bid, p_request, p_before, p_after);
end $function$
;
create or replace function app.audit_other_party(p_org uuid, p_contract uuid, p_entry uuid, p_action text, p_before jsonb, p_after jsonb, p_request text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
end $function$
;
create or replace function app.end_contract(p_org uuid, p_contract uuid, p_event uuid, p_payload jsonb, p_request text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
end $function$
;
create or replace function app.refuse_award(p_bid uuid, p_reason text, p_entry uuid, p_event uuid, p_payload jsonb, p_request text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
end $function$
;
create or replace function app.add_job(task text, payload json, run_at timestamp with time zone, job_key text, max_attempts integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
    perform graphile_worker.add_job(identifier => task, payload => payload, run_at => run_at, job_key => job_key, max_attempts => max_attempts);
end $function$
;
create or replace function app.enter(org uuid, person uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
    execute format('set local app.org_id = %L; set local app.user_id = %L', org, coalesce(person::text, ''));
end $function$
;
create or replace function app.payee_of_contract(p_contract uuid, OUT account text, OUT status text)
 RETURNS record
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    select p.account, p.status
    from contracts c join payee_accounts p on p.org_id = c.contractor_org_id
    where c.id = p_contract and (c.org_id = app.org() or c.contractor_org_id = app.org())
$function$
;
create or replace function app.raise_alarm(p_kind text, p_object_type text, p_object_id text, p_org uuid, p_detail text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    at timestamptz := clock_timestamp();
begin
    insert into alarms (id, kind, object_type, object_id, org_id, detail, raised_at, last_seen_at)
        values (gen_random_uuid(), p_kind, p_object_type, p_object_id, coalesce(app.org(), p_org), p_detail, at, at)
        on conflict (kind, object_type, object_id) where settled_at is null
        do update set last_seen_at = greatest(alarms.last_seen_at, excluded.last_seen_at), times = alarms.times + 1,
            detail = case when app.org() is null or alarms.org_id is not distinct from app.org() then excluded.detail else alarms.detail end,
            org_id = coalesce(alarms.org_id, excluded.org_id);
end $function$
;
create or replace function app.tell_contractor(p_contract uuid, p_action text, p_type text, p_entity uuid, p_request text, p_before jsonb, p_after jsonb)
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
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, before, after)
        values (contractor, gen_random_uuid(), p_action, p_type, p_entity, p_request, p_before, p_after);
end $function$
;
create or replace function app.ties_to_other_party(p_org uuid, p_contract uuid, p_person uuid, OUT member boolean, OUT taken_up boolean)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    contractor uuid;
    other uuid;
begin
    select c.contractor_org_id into contractor from contracts c where c.org_id = p_org and c.id = p_contract;
    if not found or (app.org() in (p_org, contractor)) is not true then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    other := case when app.org() = p_org then contractor else p_org end;
    select m.taken_up_at is not null into taken_up from memberships m where m.org_id = other and m.user_id = p_person;
    member := found;
    taken_up := coalesce(taken_up, false);
end $function$
;
grant create on schema app to build14_system;
alter function app.activate_contract owner to build14_system;
alter function app.end_contract owner to build14_system;
alter function app.audit_other_party owner to build14_system;
alter function app.audit_for_bidder owner to build14_system;
alter function app.refuse_award owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.activate_contract, app.end_contract, app.audit_other_party, app.audit_for_bidder, app.refuse_award from public;
grant execute on function app.activate_contract, app.end_contract, app.audit_other_party, app.audit_for_bidder, app.refuse_award to build14_app;
alter table contracts drop constraint contracts_cancel_reason_length;
alter table awards drop constraint awards_cancel_reason_length;
drop policy tenant_insert on outbox;
create policy tenant_insert on outbox for insert to build14_app with check (org_id = app.org());
drop trigger contracts_owners_verbs on contracts;
drop function app.contract_moves();
drop policy party_signs on contract_signatures;
create policy party_signs on contract_signatures for insert to build14_app with check (
    user_id = app.user_id()
    and ((party = 'owner' and org_id = app.org()) or (party = 'contractor' and contractor_org_id = app.org())));
drop policy owner_insert on contracts;
create policy owner_insert on contracts for insert to build14_app
    with check (org_id = app.org() and status = 'signing' and activated_at is null and completed_at is null and cancel_reason is null);
drop policy owner_insert on awards;
create policy owner_insert on awards for insert to build14_app with check (org_id = app.org() and status = 'pending');
alter table awards drop constraint awards_bid_parties_fkey;
drop index bids_parties;
drop function app.check_actor();
drop function app.is_platform();
