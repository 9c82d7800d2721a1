drop function app.hold_tender_for_bid(uuid, uuid);
CREATE OR REPLACE FUNCTION app.hold_tender_for_bid(which uuid)
 RETURNS TABLE(org_id uuid, status text, submission_deadline timestamp with time zone, currency text, server_time timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
    t tenders;
begin
    select * into t from tenders where id = which and (org_id = app.org() or (published_at is not null and (procurement_method = 'open'
        or exists (select from tender_invitations i where i.org_id = tenders.org_id and i.tender_id = tenders.id and i.sent_at is not null
            and (i.invited_org_id = app.org() or (i.invited_org_id is null
                and i.email_key = (select u.email_key from users u where u.id = app.user_id()))))
        or exists (select from bids b where b.org_id = tenders.org_id and b.tender_id = tenders.id and b.bidder_org_id = app.org()))));
    if not found then
        return;
    end if;
    perform pg_advisory_xact_lock_shared(app.tender_gate(t.id));
    -- A statement of its own: it sees what was closed, cancelled or extended while the gate was waited for.
    return query select o.org_id, o.status, o.submission_deadline, o.currency, app.now() from tenders o
        where o.org_id = t.org_id and o.id = t.id;
end $function$

;
grant create on schema app to build14_system;
alter function app.hold_tender_for_bid(uuid) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.hold_tender_for_bid(uuid) from public;
grant execute on function app.hold_tender_for_bid(uuid) to build14_app;

CREATE OR REPLACE FUNCTION app.open_bids(p_org uuid, which uuid, persons uuid[])
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
    select * into t from tenders where org_id = p_org and app.org() = p_org and id = which for no key update;
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
end $function$

;

alter policy parties_select on opening_records using (org_id = app.org() or exists (select from bid_revisions r
    where r.org_id = opening_records.org_id and r.tender_id = opening_records.tender_id and r.bidder_org_id = app.org()
      and r.receipt_sha256 is not null));
alter table opening_records drop column readers;
revoke select on opening_records from build14_app;
grant select on opening_records to build14_app;

alter policy parties_select on tender_seals using (exists (select from tenders t where t.org_id = tender_seals.org_id and t.id = tender_seals.tender_id));
alter policy parties_select on tender_keys using (exists (select from tenders t where t.org_id = tender_keys.org_id and t.id = tender_keys.tender_id));
alter policy parties_select on tender_milestones using (exists (select from tenders t
    where t.org_id = tender_milestones.org_id and t.id = tender_milestones.tender_id));
alter policy parties_select on tender_lines using (exists (select from tenders t where t.org_id = tender_lines.org_id and t.id = tender_lines.tender_id));

alter policy draft_delete on tender_milestones using (org_id = app.org() and exists (select from tenders t
    where t.org_id = tender_milestones.org_id and t.id = tender_milestones.tender_id and t.status = 'draft'));
alter policy draft_insert on tender_keys with check (org_id = app.org() and exists (select from tenders t
    where t.org_id = tender_keys.org_id and t.id = tender_keys.tender_id and t.status = 'draft'));
alter policy draft_insert on tender_milestones with check (org_id = app.org() and exists (select from tenders t
    where t.org_id = tender_milestones.org_id and t.id = tender_milestones.tender_id and t.status = 'draft'));
alter policy draft_insert on tender_lines with check (org_id = app.org() and exists (select from tenders t
    where t.org_id = tender_lines.org_id and t.id = tender_lines.tender_id and t.status = 'draft'));
drop trigger leave_a_draft on tender_milestones;
drop trigger of_a_draft on tender_keys;
drop trigger of_a_draft on tender_milestones;
drop trigger of_a_draft on tender_lines;
drop function app.tender_part_leaves_a_draft, app.tender_part_of_a_draft;

alter policy owner_insert on bid_lines with check (org_id = app.org() and exists (select from bids b
    where b.org_id = bid_lines.org_id and b.id = bid_lines.bid_id and b.bidder_org_id = bid_lines.bidder_org_id and b.opened_at is not null));
drop trigger of_an_opened_bid on bid_lines;
alter policy bidder_insert on bid_revisions with check (bidder_org_id = app.org() and exists (select
    from bids b join tenders t on t.org_id = b.org_id and t.id = b.tender_id
    where b.org_id = bid_revisions.org_id and b.id = bid_revisions.bid_id and b.bidder_org_id = app.org() and b.tender_id = bid_revisions.tender_id
      and t.status = 'published' and app.now() < t.submission_deadline));
drop trigger of_its_bid on bid_revisions;
drop function app.bid_line_is_of_an_opened_bid, app.bid_revision_is_of_its_bid;
alter policy bidder_update on bids with check (bidder_org_id = app.org() and opened_at is null and exists (select from tenders t
    where t.org_id = bids.org_id and t.id = bids.tender_id and t.status = 'published' and app.now() < t.submission_deadline));
alter policy bidder_insert on bids with check (bidder_org_id = app.org() and opened_at is null and exists (select from tenders t
    where t.org_id = bids.org_id and t.id = bids.tender_id and t.status = 'published' and app.now() < t.submission_deadline));
