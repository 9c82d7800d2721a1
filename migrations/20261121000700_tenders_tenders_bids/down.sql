drop trigger tenders_unpublished_go on projects;
drop function app.drop_unpublished_tenders;
drop function app.complete_tender, app.destroy_tender_key, app.open_bids, app.close_tender, app.hold_tender_for_bid,
    app.resolve_invitations, app.lock_project_of_tender;
drop table awards, opening_records, bid_lines, bid_revisions, bids, tender_seal_secrets, tender_seals, tender_keys, tender_lines,
    tender_milestones, tender_invitations, tenders;
drop function app.guard_tender;
