drop trigger releases_first_attempt_stays on releases;
create trigger releases_first_attempt_stays before update on releases for each row
    when (not pg_has_role(current_user, 'build14_system', 'usage') and old.maybe_sent_at is not null and new.maybe_sent_at is not null)
    execute function app.keep('maybe_sent_at');
revoke update (maybe_sent_at) on releases from build14_system;

revoke insert on contracts, contract_lines, milestones from build14_system;
create policy owner_insert on milestones for insert to build14_app
    with check (org_id = app.org() and status = 'planned' and not frozen and submissions = 0 and submitted_by is null and submitted_at is null);
create policy owner_insert on contract_lines for insert to build14_app with check (org_id = app.org());
create policy owner_insert on contracts for insert to build14_app
    with check (org_id = app.org() and status = 'signing' and activated_at is null and completed_at is null and cancel_reason is null and exists (
        select from bids b where b.org_id = contracts.org_id and b.id = contracts.bid_id and b.tender_id = contracts.tender_id
            and b.bidder_org_id = contracts.contractor_org_id and b.status = 'awarded' and b.total = contracts.total
            and b.currency = contracts.currency));
grant insert on contracts, contract_lines, milestones to build14_app;
drop function app.open_contract, app.release_has_not_left;
