-- What one tenant's transaction can do to another tenant, should it ever run statements that are not ours: nothing that the other one has not
-- taken part in under its own organisation, in words and amounts that the database finds itself (decision 29).

-- Whether the transaction is the platform's, or somebody's above it. A definer function is asked about its caller.
create function app.is_platform() returns boolean language plpgsql stable
    as $$
begin
    return pg_has_role(coalesce(nullif(current_setting('role', true), 'none'), session_user), 'build14_system', 'usage');
end $$;

-- A transaction is one tenant's to its end.
create or replace function app.enter(org uuid, person uuid) returns void language plpgsql
    as $$
begin
    if app.org() is not null and (app.org() is distinct from org or app.user_id() is distinct from person) then
        raise exception 'this transaction is another tenant''s or person''s already' using errcode = 'insufficient_privilege';
    end if;
    execute format('set local app.org_id = %L; set local app.user_id = %L', org, coalesce(person::text, ''));
end $$;

-- Who acts in another organisation's trail is somebody of the organisation that acts, or the platform in its name.
create function app.check_actor() returns void language plpgsql stable
    as $$
begin
    if app.user_id() is not null and not exists (select from memberships m where m.org_id = app.org() and m.user_id = app.user_id()) then
        raise exception '% is nobody of this organisation', app.user_id() using errcode = 'insufficient_privilege';
    end if;
end $$;

-- An award is of a bid, and a contract is made on an awarded bid: one that the other party submitted itself.
create unique index bids_parties on bids (org_id, id, tender_id, bidder_org_id);
alter table awards add constraint awards_bid_parties_fkey
    foreign key (org_id, bid_id, tender_id, bidder_org_id) references bids (org_id, id, tender_id, bidder_org_id);
drop policy owner_insert on awards;
create policy owner_insert on awards for insert to build14_app
    with check (org_id = app.org() and status = 'pending' and contract_id is null and exists (
        select from bids b where b.org_id = awards.org_id and b.id = awards.bid_id and b.tender_id = awards.tender_id
            and b.bidder_org_id = awards.bidder_org_id and b.status = 'awarded' and b.total = awards.amount and b.currency = awards.currency));
drop policy owner_insert on contracts;
create policy owner_insert on contracts for insert to build14_app
    with check (org_id = app.org() and status = 'signing' and activated_at is null and completed_at is null and cancel_reason is null and exists (
        select from bids b where b.org_id = contracts.org_id and b.id = contracts.bid_id and b.tender_id = contracts.tender_id
            and b.bidder_org_id = contracts.contractor_org_id and b.status = 'awarded' and b.total = contracts.total
            and b.currency = contracts.currency));

-- Who signs is somebody of the party.
drop policy party_signs on contract_signatures;
create policy party_signs on contract_signatures for insert to build14_app with check (
    user_id = app.user_id()
    and exists (select from memberships m where m.org_id = app.org() and m.user_id = contract_signatures.user_id)
    and ((party = 'owner' and org_id = app.org()) or (party = 'contractor' and contractor_org_id = app.org())));

-- A contract in force ends by agreement alone (app.end_contract): its owner cancels it before, or completes it.
create function app.contract_moves() returns trigger language plpgsql
    as $$
begin
    if (old.status, new.status) not in (('draft', 'cancelled'), ('signing', 'cancelled'), ('active', 'practically_complete')) then
        raise exception 'the owner does not bring a contract from % to %', old.status, new.status
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger contracts_owners_verbs before update on contracts for each row
    when (old.status is distinct from new.status and not pg_has_role(current_user, 'build14_system', 'usage'))
    execute function app.contract_moves();

-- Where the contractor is paid is told to the owner once the contract is in force, which takes the contractor's signature.
create or replace function app.payee_of_contract(p_contract uuid, out account text, out status text)
    language sql stable security definer set search_path = public, pg_temp
    as $$
    select p.account, p.status
    from contracts c join payee_accounts p on p.org_id = c.contractor_org_id
    where c.id = p_contract and (c.contractor_org_id = app.org() or (c.org_id = app.org() and c.activated_at is not null))
$$;

-- As before, about oneself alone.
create or replace function app.ties_to_other_party(p_org uuid, p_contract uuid, p_person uuid, out member boolean, out taken_up boolean)
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
    other uuid;
begin
    select c.contractor_org_id into contractor from contracts c where c.org_id = p_org and c.id = p_contract;
    if not found or (app.org() in (p_org, contractor)) is not true then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    if p_person is distinct from app.user_id() then
        raise exception 'this is answered about oneself alone' using errcode = 'insufficient_privilege';
    end if;
    other := case when app.org() = p_org then contractor else p_org end;
    select m.taken_up_at is not null into taken_up from memberships m where m.org_id = other and m.user_id = p_person;
    member := found;
    taken_up := coalesce(taken_up, false);
end $$;

-- Both parties' events come from the functions that do what they tell.
drop policy tenant_insert on outbox;
create policy tenant_insert on outbox for insert to build14_app
    with check (org_id = app.org() and kind not in ('escrow.contract_activated', 'escrow.contract_ended') and delivered_at is null);

-- As before; what it publishes it finds itself.
drop function app.activate_contract(uuid, uuid, jsonb, text);
create function app.activate_contract(p_contract uuid, p_event uuid, p_request text) returns text
    language plpgsql security definer set search_path = public, pg_temp
    as $$
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
        values (p_event, c.org_id, 'escrow.contract_activated', c.id,
            jsonb_build_object('contract', c.id, 'tender', c.tender_id, 'bid', c.bid_id), p_request);
    notify outbox;
    return 'active';
end $$;

drop function app.end_contract(uuid, uuid, uuid, jsonb, text);
create function app.end_contract(p_org uuid, p_contract uuid, p_event uuid, p_request text) returns text
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    c contracts%rowtype;
    t contract_terminations%rowtype;
begin
    select * into c from contracts x
        where x.org_id = p_org and x.id = p_contract and app.org() in (x.org_id, x.contractor_org_id) for update;
    if not found then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    select * into t from contract_terminations where org_id = p_org and contract_id = p_contract and agreed_at is null and withdrawn_at is null
        for update;
    if not found or c.status not in ('signing', 'active', 'suspended') then
        return 'nothing_to_agree_to';
    end if;
    if app.user_id() is null or app.user_id() = t.proposed_by
        or app.org() = (case t.party when 'owner' then c.org_id else c.contractor_org_id end) then
        return 'same_side';
    end if;
    perform app.check_actor();
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
    update contracts set status = case c.status when 'signing' then 'cancelled' else 'terminated' end, cancel_reason = t.reason, updated_at = now()
        where org_id = p_org and id = p_contract;
    update escrow_accounts set status = 'closed', updated_at = now() where org_id = p_org and contract_id = p_contract;
    insert into outbox (id, org_id, kind, aggregate, payload, request_id)
        values (p_event, p_org, 'escrow.contract_ended', p_contract,
            jsonb_build_object('contract', c.id, 'tender', c.tender_id, 'bid', c.bid_id, 'reason', t.reason), p_request);
    notify outbox;
    return 'ended';
end $$;

-- Enters into the other party's trail what a party did to a contract's end in this very transaction, once, as the database finds it.
drop function app.audit_other_party(uuid, uuid, uuid, text, jsonb, jsonb, text);
create function app.audit_other_party(p_org uuid, p_contract uuid, p_entry uuid, p_action text, p_request text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    c contracts%rowtype;
    t contract_terminations%rowtype;
    own text;
    other uuid;
    before jsonb;
    after jsonb;
begin
    select * into c from contracts x where x.org_id = p_org and x.id = p_contract and app.org() in (x.org_id, x.contractor_org_id);
    if not found then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    perform app.check_actor();
    own := case when app.org() = c.org_id then 'owner' else 'contractor' end;
    other := case own when 'owner' then c.contractor_org_id else c.org_id end;
    select * into t from contract_terminations x where x.org_id = c.org_id and x.contract_id = c.id and case p_action
        when 'contracts.propose_termination' then
            x.party = own and x.proposed_by = app.user_id() and x.proposed_at = now() and x.agreed_at is null and x.withdrawn_at is null
        when 'contracts.withdraw_termination' then x.party = own and x.withdrawn_by = app.user_id() and x.withdrawn_at = now()
        when 'contracts.terminate' then x.party <> own and x.agreed_by = app.user_id() and x.agreed_at = now()
        else false end;
    if not found or exists (select from audit_entries e
        where e.org_id = other and e.entity_id = c.id and e.action = p_action and e.at >= now()) then
        raise exception 'nothing happened to contract % that the other party is told as %', p_contract, p_action
            using errcode = 'insufficient_privilege';
    end if;
    case p_action
        when 'contracts.propose_termination' then
            before := jsonb_build_object('status', c.status);
            after := jsonb_build_object('status', c.status, 'proposedBy', own, 'reason', t.reason);
        when 'contracts.withdraw_termination' then
            before := jsonb_build_object('status', c.status, 'proposedBy', own);
            after := jsonb_build_object('status', c.status);
        else
            before := jsonb_build_object('status', case c.status when 'cancelled' then 'signing' else 'active' end);
            after := jsonb_build_object('status', c.status, 'agreedBy', own, 'reason', t.reason);
    end case;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (other, p_entry, app.user_id(), p_action, 'contract', c.id, p_request, before, after);
end $$;

-- Reasons that the other party reads have an end.
alter table awards add constraint awards_cancel_reason_length check (length(cancel_reason) <= 2000) not valid;
alter table contracts add constraint contracts_cancel_reason_length check (length(cancel_reason) <= 2000) not valid;

-- Enters into a bidder's trail that its award fell in this very transaction, once, as the database finds it.
drop function app.audit_for_bidder(uuid, uuid, uuid, text, jsonb, jsonb, text);
create function app.audit_for_bidder(p_org uuid, p_bid uuid, p_entry uuid, p_request text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    b bids%rowtype;
    a awards%rowtype;
begin
    select * into b from bids x where x.org_id = p_org and x.id = p_bid and x.opened_at is not null;
    if not found or app.org() is distinct from p_org then
        raise exception 'bid % is not open to this organisation', p_bid using errcode = 'insufficient_privilege';
    end if;
    perform app.check_actor();
    select * into a from awards x
        where x.org_id = p_org and x.bid_id = p_bid and x.status = 'cancelled' and x.updated_at = now();
    if not found or b.status not in ('valid', 'forfeited') or exists (select from audit_entries e
        where e.org_id = b.bidder_org_id and e.entity_id = b.id and e.action = 'tenders.award_falls' and e.at >= now()) then
        raise exception 'no award of bid % fell', p_bid using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (b.bidder_org_id, p_entry, app.user_id(), 'tenders.award_falls', 'bid', b.id, p_request,
            jsonb_build_object('status', 'awarded'), jsonb_build_object('status', b.status, 'reason', a.cancel_reason));
end $$;

drop function app.refuse_award(uuid, text, uuid, uuid, jsonb, text);
create function app.refuse_award(p_bid uuid, p_reason text, p_entry uuid, p_event uuid, p_request text) returns text
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
    perform app.check_actor();
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
        values (p_event, t.org_id, 'tenders.award_fell', t.id, jsonb_build_object('tender', t.id, 'bid', p_bid, 'contractor', app.org(),
            'forfeited', true, 'reason', p_reason), p_request);
    notify outbox;
    return 'refused';
end $$;

-- What the platform did with a release because its money came back is told to the contractor in the transaction that posts it.
create or replace function app.tell_contractor(
    p_contract uuid, p_action text, p_type text, p_entity uuid, p_request text, p_before jsonb, p_after jsonb
) returns void language plpgsql security definer set search_path = public, pg_temp
    as $$
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
end $$;

-- A tenant's job runs for that tenant: its envelope says so, and what the job is about is the tenant's own or of an owner with whom it has a
-- contract in force. A key is of one tenant, so that nobody replaces what another one waits for.
create or replace function app.add_job(task text, payload json, run_at timestamptz, job_key text, max_attempts integer) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    tenant uuid := app.org();
    about text := payload -> 'data' ->> 'org';
begin
    if tenant is null then
        if not app.is_platform() then
            raise exception 'only the platform adds a job in nobody''s name' using errcode = 'insufficient_privilege';
        end if;
    elsif payload ->> 'org' is distinct from tenant::text then
        raise exception 'a job runs for the tenant that adds it' using errcode = 'insufficient_privilege';
    elsif about is distinct from tenant::text and about is not null and not exists (select from public.contracts c
        where c.contractor_org_id = tenant and c.org_id = about::uuid and c.activated_at is not null) then
        raise exception 'a job is about the tenant that adds it' using errcode = 'insufficient_privilege';
    end if;
    perform graphile_worker.add_job(identifier => task, payload => payload, run_at => run_at, max_attempts => max_attempts,
        job_key => coalesce(tenant::text, payload ->> 'org', about, 'platform') || ':' || job_key);
end $$;

-- As before; in nobody's name only the platform raises one, and whose it is the platform says last.
create or replace function app.raise_alarm(p_kind text, p_object_type text, p_object_id text, p_org uuid, p_detail text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    at timestamptz := clock_timestamp();
begin
    if app.org() is null and not app.is_platform() then
        raise exception 'only the platform raises an alarm in nobody''s name' using errcode = 'insufficient_privilege';
    end if;
    insert into alarms (id, kind, object_type, object_id, org_id, detail, raised_at, last_seen_at)
        values (gen_random_uuid(), p_kind, p_object_type, p_object_id, coalesce(app.org(), p_org), p_detail, at, at)
        on conflict (kind, object_type, object_id) where settled_at is null
        do update set last_seen_at = greatest(alarms.last_seen_at, excluded.last_seen_at), times = alarms.times + 1,
            detail = case when app.org() is null or alarms.org_id is not distinct from app.org() then excluded.detail else alarms.detail end,
            org_id = case when app.org() is null then coalesce(excluded.org_id, alarms.org_id) else coalesce(alarms.org_id, excluded.org_id) end;
end $$;

grant create on schema app to build14_system;
alter function app.activate_contract owner to build14_system;
alter function app.end_contract owner to build14_system;
alter function app.audit_other_party owner to build14_system;
alter function app.audit_for_bidder owner to build14_system;
alter function app.refuse_award owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.activate_contract, app.end_contract, app.audit_other_party, app.audit_for_bidder, app.refuse_award from public;
grant execute on function app.activate_contract, app.end_contract, app.audit_other_party, app.audit_for_bidder, app.refuse_award to build14_app;
