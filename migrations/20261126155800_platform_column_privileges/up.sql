-- The serving role may change what its verbs change, column by column, and nothing else: tests/it/privileges.rs lists it. Where two parties
-- share a row, a trigger keeps each to its own verbs.

do $$
declare
    tbl text;
    cols text;
begin
    for tbl, cols in
        select * from (values
            ('users', 'name, image, updated_at'),
            ('organizations', 'name, kind, categories, approval_threshold_minor, approval_threshold_currency, timezone, updated_at'),
            ('memberships', 'role, granted_by, granter_role, granted_at, taken_up_at'),
            ('approvals', 'first_user, second_user, used_at, voided_at'),
            ('idempotency_keys', 'fingerprint, claimed_at, status, headers, body'),
            ('projects', 'name, description, address, status, currency, budget_minor, starts_on, ends_on, tendered_at, updated_at'),
            ('project_members', 'role, granted_by, granter_role, granted_at, updated_at'),
            ('soqs', 'title, line_count, estimate_total_minor, status, frozen_at, updated_at'),
            ('contracts', 'status, cancel_reason, completed_at, updated_at'),
            ('milestones', 'status, submissions, submitted_by, submitted_at, review_due_at, updated_at'),
            ('payments', 'status, intent, charge, balance_transaction, available_on, funded_at, last_error, next_poll_at, key_no, looks,
                looked_at, updated_at'),
            ('releases', 'status, destination, transfer, attempts, sending_since, maybe_sent_at, last_error, sent_at, resolved_by,
                resolved_reason, updated_at'),
            ('payee_accounts', 'account, status, requirements, disabled_reason, key_no, looks, looked_at, next_look_at, updated_at')) as granted (tbl, cols)
    loop
        execute format('revoke update on %I from build14_app', tbl);
        -- Those of them that there are: some came with migrations of the same days.
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into cols
            from pg_attribute a
            where a.attrelid = tbl::regclass and a.attnum > 0 and not a.attisdropped and a.attname = any (string_to_array(replace(replace(cols, ' ', ''), chr(10), ''), ','));
        execute format('grant update (%s) on %I to build14_app', cols, tbl);
    end loop;
end $$;
-- Made with the contract's activation, by app.activate_contract; nobody else's.
revoke insert, update on escrow_accounts from build14_app;
drop policy owner_insert on escrow_accounts;
drop policy owner_update on escrow_accounts;
drop policy contractor_lock on escrow_accounts;
-- Replaced as a whole, never changed.
revoke update on soq_lines from build14_app;
drop policy tenant_update on soq_lines;

-- What begins, begins at its beginning.
drop policy owner_insert on contracts;
create policy owner_insert on contracts for insert to build14_app
    with check (org_id = app.org() and status = 'signing' and activated_at is null and completed_at is null and cancel_reason is null);
drop policy owner_insert on milestones;
create policy owner_insert on milestones for insert to build14_app
    with check (org_id = app.org() and status = 'planned' and not frozen and submissions = 0 and submitted_by is null and submitted_at is null);
drop policy owner_insert on payments;
create policy owner_insert on payments for insert to build14_app
    with check (org_id = app.org() and status = 'created' and intent is null and charge is null and balance_transaction is null
        and funded_at is null and created_by is not distinct from app.user_id());
drop policy owner_insert on releases;
create policy owner_insert on releases for insert to build14_app
    with check (org_id = app.org() and status = 'approved' and transfer is null and destination is null and attempts = 0
        and sending_since is null and maybe_sent_at is null and sent_at is null);

-- Whoever says something about work, or acts, says it in their own name.
drop policy party_insert on milestone_reviews;
create policy party_insert on milestone_reviews for insert to build14_app with check (
    by_user is not distinct from app.user_id()
    and ((kind = 'submitted' and contractor_org_id = app.org()) or (kind <> 'submitted' and org_id = app.org())));
drop policy tenant_insert on audit_entries;
create policy tenant_insert on audit_entries for insert to build14_app
    with check (org_id = app.org() and actor_id is not distinct from app.user_id());

-- M5 is the contractor's, and it is all of the contractor's: one more submission, by the person who acts.
create function app.contractor_submits() returns trigger language plpgsql
    as $$
begin
    if new.submissions <> old.submissions + 1 or new.submitted_by is distinct from app.user_id() or new.submitted_at is null
        or new.review_due_at is null then
        raise exception 'the contractor submits work in its own name, and nothing else' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger milestones_contractors_verb before update on milestones for each row
    when (current_user = 'build14_app' and new.contractor_org_id = app.org()) execute function app.contractor_submits();
create trigger milestones_owners_verbs before update on milestones for each row
    when (current_user = 'build14_app' and new.org_id = app.org())
    execute function app.keep('title', 'due_on', 'frozen', 'submissions', 'submitted_by', 'submitted_at');

-- A bidder offers, the owner judges: neither writes the other's part.
create trigger bids_bidders_verbs before update on bids for each row
    when (current_user = 'build14_app' and new.bidder_org_id = app.org())
    execute function app.keep('total', 'valid_until', 'note', 'rank', 'disqualified_code', 'disqualified_reason');
create trigger bids_owners_verbs before update on bids for each row
    when (current_user = 'build14_app' and new.org_id = app.org())
    execute function app.keep('revision', 'receipt_sha256', 'received_at', 'withdrawal_document');

-- The second of two persons is the one who acts now; so is who takes the first's place.
create function app.approvals_in_ones_own_name() returns trigger language plpgsql
    as $$
begin
    if (new.second_user is distinct from old.second_user and new.second_user is distinct from app.user_id())
        or (new.first_user is distinct from old.first_user and new.first_user is distinct from app.user_id()) then
        raise exception 'nobody approves in another''s name' using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger approvals_own_name before update on approvals for each row
    when (current_user = 'build14_app') execute function app.approvals_in_ones_own_name();
