drop function app.note_award;
revoke insert on awards from build14_system;
create policy owner_insert on awards for insert to build14_app with check (org_id = app.org() and status = 'pending' and contract_id is null
    and exists (select from bids b where b.org_id = awards.org_id and b.id = awards.bid_id and b.tender_id = awards.tender_id
        and b.bidder_org_id = awards.bidder_org_id and b.status = 'awarded' and b.total = awards.amount and b.currency = awards.currency)
    and not exists (select from unnest(awards.awarded_by) p (id)
        where not exists (select from memberships m where m.org_id = awards.org_id and m.user_id = p.id)));
grant insert on awards to build14_app;
