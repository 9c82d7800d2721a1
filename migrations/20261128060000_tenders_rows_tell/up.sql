-- Policies of tenders ask nothing but the row (decision 34). That a bid comes in time, and that what belongs to a draft or an opened bid is
-- written while it is one, triggers of the same tables see to: they run for whoever serves, before the row is there. Who may read an opening
-- record is written on it when it is made. Left are the policies that ask who is invited and who bids: the owner's rows must not say it.

-- `in_time` refuses what is late, on bids and on their revisions.
alter policy bidder_insert on bids with check (bidder_org_id = app.org() and opened_at is null);
alter policy bidder_update on bids with check (bidder_org_id = app.org() and opened_at is null);

-- Before the row, so that the answer is one, whether such a bid is there or not.
create function app.bid_revision_is_of_its_bid() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    if not exists (select from bids b where b.org_id = new.org_id and b.id = new.bid_id and b.tender_id = new.tender_id
        and b.bidder_org_id = new.bidder_org_id) then
        raise exception 'a revision is of a bid of its bidder' using errcode = 'insufficient_privilege', constraint = 'bid_revisions_of_their_bid';
    end if;
    return new;
end $$;
create trigger of_its_bid before insert on bid_revisions for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.bid_revision_is_of_its_bid();
alter policy bidder_insert on bid_revisions with check (bidder_org_id = app.org());

create function app.bid_line_is_of_an_opened_bid() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    if not exists (select from bids b where b.org_id = new.org_id and b.id = new.bid_id and b.bidder_org_id = new.bidder_org_id
        and b.opened_at is not null) then
        raise exception 'a bid has lines once it is opened' using errcode = 'insufficient_privilege', constraint = 'bid_lines_of_opened_bids';
    end if;
    return new;
end $$;
create trigger of_an_opened_bid before insert on bid_lines for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.bid_line_is_of_an_opened_bid();
alter policy owner_insert on bid_lines with check (org_id = app.org());

-- The schedule, the milestones and the key of a tender are written while it is a draft: once per statement and tender.
create function app.tender_part_of_a_draft() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in select distinct p.org_id, p.tender_id from touched p order by 1, 2 loop
        if not exists (select from tenders t where t.org_id = part.org_id and t.id = part.tender_id and t.status = 'draft') then
            raise exception 'tender % is no draft', part.tender_id
                using errcode = 'insufficient_privilege', constraint = 'tender_parts_of_drafts';
        end if;
    end loop;
    return null;
end $$;
create trigger of_a_draft after insert on tender_lines referencing new table as touched for each statement
    when (not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.tender_part_of_a_draft();
create trigger of_a_draft after insert on tender_milestones referencing new table as touched for each statement
    when (not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.tender_part_of_a_draft();
create trigger of_a_draft after insert on tender_keys referencing new table as touched for each statement
    when (not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.tender_part_of_a_draft();

-- With the draft itself its milestones go: then there is no tender any more.
create function app.tender_part_leaves_a_draft() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in select distinct p.org_id, p.tender_id from touched p order by 1, 2 loop
        if exists (select from tenders t where t.org_id = part.org_id and t.id = part.tender_id and t.status <> 'draft') then
            raise exception 'tender % is no draft', part.tender_id
                using errcode = 'insufficient_privilege', constraint = 'tender_parts_of_drafts';
        end if;
    end loop;
    return null;
end $$;
create trigger leave_a_draft after delete on tender_milestones referencing old table as touched for each statement
    when (not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.tender_part_leaves_a_draft();

alter policy draft_insert on tender_lines with check (org_id = app.org());
alter policy draft_insert on tender_milestones with check (org_id = app.org());
alter policy draft_insert on tender_keys with check (org_id = app.org());
alter policy draft_delete on tender_milestones using (org_id = app.org());

-- What belongs to a tender of one's own is seen without asking for the tender.
alter policy parties_select on tender_lines using (org_id = app.org()
    or exists (select from tenders t where t.org_id = tender_lines.org_id and t.id = tender_lines.tender_id));
alter policy parties_select on tender_milestones using (org_id = app.org()
    or exists (select from tenders t where t.org_id = tender_milestones.org_id and t.id = tender_milestones.tender_id));
alter policy parties_select on tender_keys using (org_id = app.org()
    or exists (select from tenders t where t.org_id = tender_keys.org_id and t.id = tender_keys.tender_id));
alter policy parties_select on tender_seals using (org_id = app.org()
    or exists (select from tenders t where t.org_id = tender_seals.org_id and t.id = tender_seals.tender_id));

-- Whoever has a receipt reads the record, also who withdrew. Who they are, the serving role cannot select: neither the owner nor another
-- bidder learns it.
alter table opening_records add column readers uuid[] not null default '{}';
alter table opening_records no force row level security;
alter table bid_revisions no force row level security;
alter table opening_records disable trigger written_once;
update opening_records o set readers = coalesce((select array_agg(distinct r.bidder_org_id order by r.bidder_org_id) from bid_revisions r
    where r.org_id = o.org_id and r.tender_id = o.tender_id and r.receipt_sha256 is not null), '{}');
alter table opening_records enable trigger written_once;
alter table bid_revisions force row level security;
alter table opening_records force row level security;
alter table opening_records alter column readers drop default;
revoke select on opening_records from build14_app;
grant select (org_id, tender_id, root, receipts, decoy_seed, submitted, opened_by, opened_at) on opening_records to build14_app;
alter policy parties_select on opening_records using (org_id = app.org() or app.org() = any (readers));

-- As before, and the readers.
create or replace function app.open_bids(p_org uuid, which uuid, persons uuid[])
    returns table (bid_id uuid, bidder_org_id uuid, revision integer, sealed bytea, receipt_sha256 bytea, received_at timestamptz)
    language plpgsql security definer set search_path = public, pg_temp
    as $$
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
    insert into opening_records (org_id, tender_id, root, receipts, decoy_seed, submitted, opened_by, opened_at, readers)
        select t.org_id, t.id, t.seal_root, array_agg(b.receipt_sha256 order by b.receipt_sha256), secret.decoy_seed, secret.submitted,
            persons, moment, (select array_agg(distinct r.bidder_org_id order by r.bidder_org_id) from bid_revisions r
                where r.org_id = t.org_id and r.tender_id = t.id and r.receipt_sha256 is not null)
            from bids b where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'submitted';
    update bids set status = 'opened', opened_at = moment, updated_at = now()
        where org_id = t.org_id and tender_id = t.id and status = 'submitted';
    return query select b.id, b.bidder_org_id, b.revision, r.sealed, b.receipt_sha256, b.received_at
        from bids b join bid_revisions r on r.org_id = b.org_id and r.bid_id = b.id and r.revision = b.revision
        where b.org_id = t.org_id and b.tender_id = t.id and b.status = 'opened' order by b.id;
end $$;

-- The bidder has seen the tender, and tells whose it is: the way to its rows. Who may bid is asked as before.
drop function app.hold_tender_for_bid(uuid);
create function app.hold_tender_for_bid(p_org uuid, which uuid)
    returns table (org_id uuid, status text, submission_deadline timestamptz, currency text, server_time timestamptz)
    language plpgsql security definer set search_path = public, pg_temp
    as $$
#variable_conflict use_column
declare
    t tenders;
begin
    select * into t from tenders where org_id = p_org and id = which and (org_id = app.org() or (published_at is not null
        and (procurement_method = 'open'
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
end $$;
grant create on schema app to build14_system;
alter function app.hold_tender_for_bid(uuid, uuid) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.hold_tender_for_bid(uuid, uuid) from public;
grant execute on function app.hold_tender_for_bid(uuid, uuid) to build14_app;
