drop trigger approvals_own_name on approvals;
drop function app.approvals_in_ones_own_name;
drop trigger bids_owners_verbs on bids;
drop trigger bids_bidders_verbs on bids;
drop trigger milestones_owners_verbs on milestones;
drop trigger milestones_contractors_verb on milestones;
drop function app.contractor_submits;
drop policy tenant_insert on audit_entries;
create policy tenant_insert on audit_entries for insert to build14_app with check (org_id = app.org());
drop policy party_insert on milestone_reviews;
create policy party_insert on milestone_reviews for insert to build14_app with check (
    (kind = 'submitted' and contractor_org_id = app.org()) or (kind <> 'submitted' and org_id = app.org()));
drop policy owner_insert on releases;
create policy owner_insert on releases for insert to build14_app with check (org_id = app.org());
drop policy owner_insert on payments;
create policy owner_insert on payments for insert to build14_app with check (org_id = app.org());
drop policy owner_insert on milestones;
create policy owner_insert on milestones for insert to build14_app with check (org_id = app.org());
drop policy owner_insert on contracts;
create policy owner_insert on contracts for insert to build14_app with check (org_id = app.org());
create policy tenant_update on soq_lines for update to build14_app using (org_id = app.org()) with check (org_id = app.org());
create policy contractor_lock on escrow_accounts for update to build14_app using (contractor_org_id = app.org()) with check (false);
create policy owner_update on escrow_accounts for update to build14_app using (org_id = app.org()) with check (org_id = app.org());
create policy owner_insert on escrow_accounts for insert to build14_app with check (org_id = app.org());
grant insert, update on escrow_accounts to build14_app;
do $$
declare
    tbl text;
begin
    foreach tbl in array array['users', 'organizations', 'memberships', 'approvals', 'idempotency_keys', 'projects', 'project_members', 'soqs',
                               'contracts', 'milestones', 'payments', 'releases', 'payee_accounts'] loop
        -- What was granted on single columns goes with it.
        execute format('revoke update on %I from build14_app', tbl);
        execute format('grant update on %I to build14_app', tbl);
    end loop;
end $$;
grant update on soq_lines to build14_app;
