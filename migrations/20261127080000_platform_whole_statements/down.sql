create or replace function app.acts_for_a_bidder(p_org uuid, p_tender uuid, p_person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is distinct from p_org or not exists (select from tenders t where t.org_id = p_org and t.id = p_tender) then
        raise exception 'tender % is not of this organisation', p_tender using errcode = 'insufficient_privilege';
    end if;
    if p_person is distinct from app.user_id() then
        raise exception 'this is answered about oneself alone' using errcode = 'insufficient_privilege';
    end if;
    if exists (select from tenders t where t.org_id = p_org and t.id = p_tender and t.status in ('draft', 'published')) then
        return false;
    end if;
    return exists (select from bids b join memberships m on m.org_id = b.bidder_org_id and m.user_id = p_person
        where b.org_id = p_org and b.tender_id = p_tender and b.status not in ('draft', 'withdrawn', 'lapsed') and m.taken_up_at is not null);
end $$;

drop trigger tenders_text_stays on tenders;
drop trigger bids_offer_stays on bids;

drop trigger approvals_own_name on approvals;
create trigger approvals_own_name before update on approvals for each row
    when (current_user = 'build14_app') execute function app.approvals_in_ones_own_name();
drop trigger bids_owners_verbs on bids;
create trigger bids_owners_verbs before update on bids for each row
    when (current_user = 'build14_app' and new.org_id = app.org())
    execute function app.keep('revision', 'receipt_sha256', 'received_at', 'withdrawal_document');
drop trigger bids_bidders_verbs on bids;
create trigger bids_bidders_verbs before update on bids for each row
    when (current_user = 'build14_app' and new.bidder_org_id = app.org())
    execute function app.keep('total', 'valid_until', 'note', 'rank', 'disqualified_code', 'disqualified_reason');
drop trigger milestones_owners_verbs on milestones;
create trigger milestones_owners_verbs before update on milestones for each row
    when (current_user = 'build14_app' and new.org_id = app.org())
    execute function app.keep('title', 'due_on', 'frozen', 'submissions', 'submitted_by', 'submitted_at');
drop trigger milestones_contractors_verb on milestones;
create trigger milestones_contractors_verb before update on milestones for each row
    when (current_user = 'build14_app' and new.contractor_org_id = app.org()) execute function app.contractor_submits();

drop trigger received_now on bid_revisions;
drop function app.bid_is_received_now;
drop trigger bids_latest_revision on bids;
drop function app.bid_is_its_revision;

drop policy tenant_insert on approvals;
create policy tenant_insert on approvals for insert to build14_app with check (org_id = app.org());

revoke insert (org_id, id, actor_id, action, denied, entity_type, entity_id, request_id, before, after) on audit_entries from build14_app;
grant insert on audit_entries to build14_app;
revoke insert (id, org_id, kind, aggregate, payload, request_id) on outbox from build14_app;
grant insert on outbox to build14_app;

do $$
declare
    name text;
begin
    foreach name in array array[
        'app.append_only()',
        'app.approvals_in_ones_own_name()',
        'app.approver_grant(uuid,uuid,uuid)',
        'app.audit_hash(uuid,uuid,timestamp with time zone,uuid,text,boolean,text,uuid,text,jsonb,jsonb,bytea)',
        'app.check_actor()',
        'app.check_hold_of(uuid,uuid)',
        'app.contract_moves()',
        'app.contractor_submits()',
        'app.coverage()',
        'app.destination_stays()',
        'app.drop_unpublished_tenders()',
        'app.enter(uuid,uuid)',
        'app.guard_tender()',
        'app.incidents_only_grow()',
        'app.is_platform()',
        'app.keep()',
        'app.keep_an_owner()',
        'app.ledger_proof(text)',
        'app.lock_project_of_tender(uuid)',
        'app.membership_founds()',
        'app.merkle_root(bytea[])',
        'app.milestone_moves()',
        'app.note_grant()',
        'app.now()',
        'app.payee_account_is_not_retired()',
        'app.posting_agrees(uuid,uuid,text,text,jsonb)',
        'app.projects_tendered_stay()',
        'app.soq_lines_frozen_stay()',
        'app.soqs_frozen_stay()',
        'app.tender_milestones_of_one_kind()'
    ] loop
        execute format('alter function %s reset search_path', name);
    end loop;
end $$;
