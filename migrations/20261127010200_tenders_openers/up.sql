-- As before; who opens stands in the record that bidders read: somebody of the organisation, the person of this transaction among them.
create or replace function app.open_bids(which uuid, persons uuid[])
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

-- Likewise who awards.
drop policy owner_insert on awards;
create policy owner_insert on awards for insert to build14_app
    with check (org_id = app.org() and status = 'pending' and contract_id is null and exists (
        select from bids b where b.org_id = awards.org_id and b.id = awards.bid_id and b.tender_id = awards.tender_id
            and b.bidder_org_id = awards.bidder_org_id and b.status = 'awarded' and b.total = awards.amount and b.currency = awards.currency)
        and not exists (select from unnest(awarded_by) p (id) where not exists (
            select from memberships m where m.org_id = awards.org_id and m.user_id = p.id)));
