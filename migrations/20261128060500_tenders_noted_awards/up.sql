-- An award is noted by a function of the platform: of the bid that was awarded, with its bidder and its total, by persons of the organisation
-- (decision 34). A policy asked for both, row by row and across domains; the function is told the organisation and asks once.
create function app.note_award(p_org uuid, p_award uuid, p_tender uuid, p_bid uuid, p_reason text, p_standstill_until timestamptz, p_persons uuid[])
    returns void language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    b record;
begin
    select x.bidder_org_id, x.total, x.currency into b from bids x
        where x.org_id = p_org and app.org() = p_org and x.id = p_bid and x.tender_id = p_tender and x.status = 'awarded';
    if not found then
        raise exception 'bid % is not awarded', p_bid using errcode = 'insufficient_privilege';
    end if;
    if exists (select from unnest(p_persons) p (id) where not exists (select from memberships m where m.org_id = p_org and m.user_id = p.id)) then
        raise exception 'bids are awarded by persons of this organisation' using errcode = 'insufficient_privilege';
    end if;
    insert into awards (org_id, id, tender_id, bid_id, bidder_org_id, status, amount, currency, reason, standstill_until, awarded_by)
        values (p_org, p_award, p_tender, p_bid, b.bidder_org_id, 'pending', b.total, b.currency, p_reason, p_standstill_until, p_persons);
end $$;
revoke insert on awards from build14_app;
drop policy owner_insert on awards;
grant insert on awards to build14_system;

grant create on schema app to build14_system;
alter function app.note_award owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.note_award from public;
grant execute on function app.note_award to build14_app;
