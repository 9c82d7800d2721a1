drop function app.refuse_award(uuid, uuid, text, uuid, uuid, text);
CREATE OR REPLACE FUNCTION app.refuse_award(p_bid uuid, p_reason text, p_entry uuid, p_event uuid, p_request text)
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
end $function$;

drop function app.complete_tender(uuid, uuid, uuid);
CREATE OR REPLACE FUNCTION app.complete_tender(which uuid, contract uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    t tenders;
    a awards;
begin
    select * into t from tenders where id = which and exists (select from awards w where w.org_id = tenders.org_id
        and w.tender_id = tenders.id and w.contract_id = contract and app.org() in (w.org_id, w.bidder_org_id)) for update;
    if not found or t.status <> 'standstill' or app.now() < t.standstill_until or not exists (select from contracts c
        where c.org_id = t.org_id and c.id = contract and c.tender_id = t.id and c.activated_at is not null) then
        return false;
    end if;
    select * into a from awards where org_id = t.org_id and tender_id = t.id and contract_id = contract and status = 'pending' for update;
    if not found then
        return false;
    end if;
    update awards set status = 'active', updated_at = now() where org_id = a.org_id and id = a.id;
    update tenders set status = 'complete', updated_at = now() where org_id = t.org_id and id = t.id;
    update bids set status = 'unsuccessful', updated_at = now()
        where org_id = t.org_id and tender_id = t.id and status in ('opened', 'valid');
    return true;
end $function$;

drop function app.close_tender(uuid, uuid, boolean);
CREATE OR REPLACE FUNCTION app.close_tender(which uuid, patient boolean DEFAULT true)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    t tenders;
    number integer;
    capacity integer := 64;
    seed bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    level bytea[];
begin
    select * into t from tenders where org_id = app.org() and id = which;
    if not found or t.status <> 'published' or app.now() < t.submission_deadline then
        return null;
    end if;
    -- Whoever waits here holds nothing that the owner could wait for.
    if patient then
        perform pg_advisory_xact_lock(app.tender_gate(t.id));
    end if;
    select * into t from tenders where org_id = app.org() and id = which for no key update;
    if not found or t.status <> 'published' or app.now() < t.submission_deadline then
        return null;
    end if;
    if not patient and not pg_try_advisory_xact_lock(app.tender_gate(t.id)) then
        return null;
    end if;
    update bids set status = 'lapsed', updated_at = now()
        where org_id = t.org_id and tender_id = t.id and status in ('draft', 'needs_reconfirm');
    select count(*) into number from bids where org_id = t.org_id and tender_id = t.id and status = 'submitted';
    while capacity < number loop
        capacity := capacity * 2;
    end loop;
    select array_agg(leaf order by leaf) into level from (
        select sha256('\x00'::bytea || b.receipt_sha256) as leaf from bids b
            where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'submitted'
        union all
        select sha256('\x00'::bytea || sha256('\x02'::bytea || seed || int4send(i))) from generate_series(1, capacity - number) i
    ) leaves;
    insert into tender_seals (org_id, tender_id, leaves) values (t.org_id, t.id, level);
    insert into tender_seal_secrets (org_id, tender_id, decoy_seed, submitted) values (t.org_id, t.id, seed, number);
    while cardinality(level) > 1 loop
        level := (select array_agg(sha256('\x01'::bytea || level[2 * i - 1] || level[2 * i]) order by i)
            from generate_series(1, cardinality(level) / 2) i);
    end loop;
    t.status := case when number < t.min_bids then 'unsuccessful' else 'closed' end;
    update tenders set status = t.status, closed_at = app.now(), seal_root = level[1], updated_at = now()
        where org_id = t.org_id and id = t.id;
    if t.status = 'unsuccessful' then
        update tender_keys set wrapped = null, destroyed_at = now() where org_id = t.org_id and tender_id = t.id;
    end if;
    return t.status;
end $function$;

drop function app.destroy_tender_key(uuid, uuid);
CREATE OR REPLACE FUNCTION app.destroy_tender_key(which uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    update tender_keys k set wrapped = null, destroyed_at = now() from tenders t
        where t.org_id = app.org() and t.id = which and t.status in ('cancelled', 'unsuccessful') and t.opened_at is null
            and k.org_id = t.org_id and k.tender_id = t.id and k.destroyed_at is null;
end $function$;

drop function app.open_bids(uuid, uuid, uuid[]);
CREATE OR REPLACE FUNCTION app.open_bids(which uuid, persons uuid[])
 RETURNS TABLE(bid_id uuid, bidder_org_id uuid, revision integer, sealed bytea, receipt_sha256 bytea, received_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    t tenders;
    secret tender_seal_secrets;
    moment timestamptz := app.now();
begin
    select * into t from tenders where org_id = app.org() and id = which for no key update;
    if not found or t.status <> 'closed' or moment < t.submission_deadline then
        raise exception 'the bids of this tender cannot be opened' using errcode = 'insufficient_privilege';
    end if;
    if cardinality(persons) not between 1 and 2 or (app.user_id() = any (persons)) is not true
        or exists (select from unnest(persons) p (id) where not exists (select from memberships m where m.org_id = t.org_id and m.user_id = p.id)) then
        raise exception 'bids are opened by one or two of this organisation, in their own name' using errcode = 'insufficient_privilege';
    end if;
    if exists (select from app.seal_faults(t.org_id, t.id)) then
        raise exception 'the bids do not agree with what was fixed at closing: nothing is opened'
            using errcode = 'integrity_constraint_violation', constraint = 'tender_seal_intact';
    end if;
    select * into strict secret from tender_seal_secrets s where s.org_id = t.org_id and s.tender_id = t.id;
    if secret.submitted < t.min_bids then
        raise exception 'too few bids: they stay sealed' using errcode = 'insufficient_privilege';
    end if;
    update tenders set status = 'evaluation', opened_at = moment, updated_at = now() where org_id = t.org_id and id = t.id;
    insert into opening_records (org_id, tender_id, root, receipts, decoy_seed, submitted, opened_by, opened_at)
        select t.org_id, t.id, t.seal_root, array_agg(b.receipt_sha256 order by b.receipt_sha256), secret.decoy_seed, secret.submitted,
            persons, moment from bids b where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'submitted';
    update bids set status = 'opened', opened_at = moment, updated_at = now()
        where org_id = t.org_id and tender_id = t.id and status = 'submitted';
    return query select b.id, b.bidder_org_id, b.revision, r.sealed, b.receipt_sha256, b.received_at
        from bids b join bid_revisions r on r.org_id = b.org_id and r.bid_id = b.id and r.revision = b.revision
        where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'opened' order by b.id;
end $function$;

grant create on schema app to build14_system;
alter function app.refuse_award(uuid, text, uuid, uuid, text) owner to build14_system;
alter function app.complete_tender(uuid, uuid) owner to build14_system;
alter function app.close_tender(uuid, boolean) owner to build14_system;
alter function app.destroy_tender_key(uuid) owner to build14_system;
alter function app.open_bids(uuid, uuid[]) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.refuse_award, app.complete_tender, app.close_tender, app.destroy_tender_key, app.open_bids from public;
grant execute on function app.refuse_award, app.complete_tender, app.close_tender, app.destroy_tender_key, app.open_bids to build14_app;
