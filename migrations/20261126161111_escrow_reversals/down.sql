drop function app.tell_contractor;
create or replace function app.release_fees_add_up() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    shown record;
    so_far record;
begin
    select p.amount, p.fee into shown from payments p where p.org_id = new.org_id and p.id = new.payment_id;
    select sum(r.gross) as gross, sum(r.fee) as fee into so_far
        from releases r where r.org_id = new.org_id and r.payment_id = new.payment_id and r.status <> 'failed';
    -- Fees that were once rounded part by part may exceed it: then nothing more is taken.
    if so_far.gross > shown.amount or (new.fee > 0 and so_far.fee > shown.fee) or (so_far.gross = shown.amount and so_far.fee < shown.fee) then
        raise exception 'payment % of % with a fee of % would be released as % with a fee of %',
            new.payment_id, shown.amount, shown.fee, so_far.gross, so_far.fee
            using errcode = 'check_violation', constraint = 'releases_fees_add_up';
    end if;
    return null;
end $$;
create or replace function app.milestone_moves() returns trigger language plpgsql
    as $$
begin
    if old.status <> new.status and (old.status, new.status) not in (
        ('planned', 'funding'), ('planned', 'cancelled'), ('funding', 'planned'), ('funding', 'funded'), ('funded', 'in_review'),
        ('in_review', 'funded'), ('in_review', 'escalated'), ('in_review', 'approved'), ('escalated', 'funded'), ('escalated', 'approved'),
        ('approved', 'released'), ('approved', 'funded')) then
        raise exception 'a milestone never moves from % to %', old.status, new.status using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
drop index releases_reversal_open, ledger_transactions_of_source;
alter table releases drop constraint releases_reversed, drop column reversed, drop column reversal_settled,
    drop column returned, drop column returned_fee;
