-- What whole statements of the serving role may not do either (docs/decisions/0029).

-- No temporary table stands before ours in a function: its own path comes first. The two of SQL that read no table stay as they are, so that
-- they are inlined into policies.
do $$
declare
    name text;
begin
    for name in
        select p.oid::regprocedure::text from pg_proc p join pg_language l on l.oid = p.prolang
        where p.pronamespace in ('public'::regnamespace, 'app'::regnamespace) and p.prokind = 'f' and l.lanname = 'plpgsql'
          and p.proowner = current_user::regrole
          and not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%pg_temp')
    loop
        execute format('alter function %s set search_path = public, pg_temp', name);
    end loop;
end $$;

-- The order of events, and how far they are delivered, is the platform's: nobody names a number.
revoke insert on outbox from build14_app;
grant insert (id, org_id, kind, aggregate, payload, request_id) on outbox to build14_app;

-- When it was, the database says.
revoke insert on audit_entries from build14_app;
grant insert (org_id, id, actor_id, action, denied, entity_type, entity_id, request_id, before, after) on audit_entries to build14_app;

-- The first of two persons asks in their own name, and nothing begins as approved.
drop policy tenant_insert on approvals;
create policy tenant_insert on approvals for insert to build14_app
    with check (org_id = app.org() and first_user = app.user_id() and second_user is null and used_at is null and voided_at is null);

-- A bid is its latest revision, with the receipt that this one has; of a withdrawn one the receipt is the withdrawal's. At the commit, for the
-- revision follows its bid.
create function app.bid_is_its_revision() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    bid record;
    latest record;
begin
    select b.status, b.revision, b.receipt_sha256, b.received_at into bid from bids b where b.org_id = new.org_id and b.id = new.id;
    if not found then
        return null;
    end if;
    select r.revision, r.receipt_sha256, r.received_at into latest
        from bid_revisions r where r.org_id = new.org_id and r.bid_id = new.id order by r.revision desc limit 1;
    if bid.revision is distinct from latest.revision
        or (bid.status <> 'withdrawn'
            and (bid.receipt_sha256, bid.received_at) is distinct from (latest.receipt_sha256, latest.received_at)) then
        raise exception 'a bid has the receipt of its latest revision'
            using errcode = 'integrity_constraint_violation', constraint = 'bids_latest_revision';
    end if;
    return null;
end $$;

-- And a revision was received when it is stored: earlier would win a tie.
create function app.bid_is_received_now() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    if new.received_at not between app.now() - interval '2 minutes' and app.now() + interval '2 minutes' then
        raise exception 'a bid is received when it is stored' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;

grant create on schema app to build14_system;
alter function app.bid_is_its_revision owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.bid_is_its_revision from public;

create constraint trigger bids_latest_revision after insert or update on bids deferrable initially deferred for each row
    when (new.opened_at is null and not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.bid_is_its_revision();
create trigger received_now before insert on bid_revisions for each row
    when (new.received_at is not null and not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.bid_is_received_now();

-- Who serves tenants under a login of its own keeps to the verbs as well.
drop trigger milestones_contractors_verb on milestones;
create trigger milestones_contractors_verb before update on milestones for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage') and new.contractor_org_id = app.org())
    execute function app.contractor_submits();
drop trigger milestones_owners_verbs on milestones;
create trigger milestones_owners_verbs before update on milestones for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage') and new.org_id = app.org())
    execute function app.keep('title', 'due_on', 'frozen', 'submissions', 'submitted_by', 'submitted_at');
drop trigger bids_bidders_verbs on bids;
create trigger bids_bidders_verbs before update on bids for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage') and new.bidder_org_id = app.org())
    execute function app.keep('total', 'valid_until', 'note', 'rank', 'disqualified_code', 'disqualified_reason');
drop trigger bids_owners_verbs on bids;
create trigger bids_owners_verbs before update on bids for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage') and new.org_id = app.org())
    execute function app.keep('revision', 'receipt_sha256', 'received_at', 'withdrawal_document');
drop trigger approvals_own_name on approvals;
create trigger approvals_own_name before update on approvals for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage')) execute function app.approvals_in_ones_own_name();

-- What the opening wrote down, the owner does not write again.
create trigger bids_offer_stays before update on bids for each row
    when (old.total is not null and not pg_has_role(current_user, 'build14_system', 'usage'))
    execute function app.keep('total', 'valid_until', 'note', 'rank');

-- What bidders were told does not change under them.
create trigger tenders_text_stays before update on tenders for each row
    when (old.status <> 'draft' and not pg_has_role(current_user, 'build14_system', 'usage'))
    execute function app.keep('title', 'description', 'questions_until');

-- Before the opening whoever was invited counts, so that the answer does not say whether they bid.
create or replace function app.acts_for_a_bidder(p_org uuid, p_tender uuid, p_person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    tender record;
begin
    select t.status, t.opened_at into tender from tenders t where t.org_id = p_org and t.id = p_tender;
    if not found or app.org() is distinct from p_org then
        raise exception 'tender % is not of this organisation', p_tender using errcode = 'insufficient_privilege';
    end if;
    if p_person is distinct from app.user_id() then
        raise exception 'this is answered about oneself alone' using errcode = 'insufficient_privilege';
    end if;
    if tender.status in ('draft', 'published') then
        return false;
    end if;
    if tender.opened_at is null and exists (select from memberships m
        join tender_invitations i on i.org_id = p_org and i.tender_id = p_tender and i.sent_at is not null
            and (i.invited_org_id = m.org_id or (i.invited_org_id is null and exists (select from memberships c join users u on u.id = c.user_id
                where c.org_id = m.org_id and u.email_key = i.email_key)))
        where m.user_id = p_person and m.org_id <> p_org and m.taken_up_at is not null) then
        return true;
    end if;
    return exists (select from bids b join memberships m on m.org_id = b.bidder_org_id and m.user_id = p_person
        where b.org_id = p_org and b.tender_id = p_tender and b.status not in ('draft', 'withdrawn', 'lapsed') and m.taken_up_at is not null);
end $$;
