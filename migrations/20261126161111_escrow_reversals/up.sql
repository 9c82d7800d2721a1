-- A transfer that was reversed at the provider: how much of it came back, and how much of that a person has settled.

alter table releases
    add column reversed bigint not null default 0,
    add column reversal_settled bigint not null default 0,
    -- Of what is settled, what is held for the milestone again, its fee in it: it was not released after all.
    add column returned bigint not null default 0,
    add column returned_fee bigint not null default 0,
    add constraint releases_reversed check (
        reversal_settled between 0 and reversed and returned_fee between 0 and fee and returned - returned_fee between 0 and reversal_settled
        and (returned_fee = 0 or returned > returned_fee)
        and case status when 'reversed' then reversed = net when 'part_reversed' then reversed > 0 and reversed < net else reversed = 0 end);
grant update (reversed, reversal_settled, returned, returned_fee) on releases to build14_app;
create index releases_reversal_open on releases (contract_id) where reversed > reversal_settled;

-- Whether a transfer is known, whoever's it is.
create index ledger_transactions_of_source on ledger_transactions (source_object) where source_kind = 'transfer';

-- Money that came back may be held for its milestone again: what was released is funded once more.
create or replace function app.milestone_moves() returns trigger language plpgsql
    as $$
begin
    if old.status <> new.status and (old.status, new.status) not in (
        ('planned', 'funding'), ('planned', 'cancelled'), ('funding', 'planned'), ('funding', 'funded'), ('funded', 'in_review'),
        ('in_review', 'funded'), ('in_review', 'escalated'), ('in_review', 'approved'), ('escalated', 'funded'), ('escalated', 'approved'),
        ('approved', 'released'), ('approved', 'funded'), ('released', 'funded')) then
        raise exception 'a milestone never moves from % to %', old.status, new.status using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;

-- As before, less what came back and is held again.
create or replace function app.release_fees_add_up() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    shown record;
    so_far record;
begin
    select p.amount, p.fee into shown from payments p where p.org_id = new.org_id and p.id = new.payment_id;
    select sum(r.gross - r.returned) as gross, sum(r.fee - r.returned_fee) as fee into so_far
        from releases r where r.org_id = new.org_id and r.payment_id = new.payment_id and r.status <> 'failed';
    -- Fees that were once rounded part by part may exceed it: then nothing more is taken.
    if so_far.gross > shown.amount or (new.fee > 0 and so_far.fee > shown.fee) or (so_far.gross = shown.amount and so_far.fee < shown.fee) then
        raise exception 'payment % of % with a fee of % would be released as % with a fee of %',
            new.payment_id, shown.amount, shown.fee, so_far.gross, so_far.fee
            using errcode = 'check_violation', constraint = 'releases_fees_add_up';
    end if;
    return null;
end $$;

-- What the platform did with a contract of the tenant whose transaction this is, told to the contractor's side too, in its own trail. Never in
-- a person's name.
create function app.tell_contractor(p_contract uuid, p_action text, p_type text, p_entity uuid, p_request text, p_before jsonb, p_after jsonb)
    returns void language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
begin
    select contractor_org_id into contractor from contracts where org_id = app.org() and id = p_contract;
    if not found or app.user_id() is not null then
        raise exception 'contract % is not the tenant''s, or a person asks', p_contract using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, before, after)
        values (contractor, gen_random_uuid(), p_action, p_type, p_entity, p_request, p_before, p_after);
end $$;
grant create on schema app to build14_system;
alter function app.tell_contractor owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.tell_contractor from public;
grant execute on function app.tell_contractor to build14_app;
