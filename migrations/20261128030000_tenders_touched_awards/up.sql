-- What a transaction changed bears the instant of the change, which is its beginning or later: before, it was the beginning, and servers of
-- the version before still write that (decision 40). Told twice nothing is: the bidder's trail is asked, as before.

create or replace function app.audit_for_bidder(p_org uuid, p_bid uuid, p_entry uuid, p_request text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    b bids%rowtype;
    a awards%rowtype;
begin
    select * into b from bids x where x.org_id = p_org and x.id = p_bid and x.opened_at is not null;
    if not found or app.org() is distinct from p_org then
        raise exception 'bid % is not open to this organisation', p_bid using errcode = 'insufficient_privilege';
    end if;
    perform app.check_actor();
    select * into a from awards x
        where x.org_id = p_org and x.bid_id = p_bid and x.status = 'cancelled' and x.updated_at >= now();
    if not found or b.status not in ('valid', 'forfeited') or exists (select from audit_entries e
        where e.org_id = b.bidder_org_id and e.entity_id = b.id and e.action = 'tenders.award_falls' and e.at >= now()) then
        raise exception 'no award of bid % fell', p_bid using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (b.bidder_org_id, p_entry, app.user_id(), 'tenders.award_falls', 'bid', b.id, p_request,
            jsonb_build_object('status', 'awarded'), jsonb_build_object('status', b.status, 'reason', a.cancel_reason));
end $$;
