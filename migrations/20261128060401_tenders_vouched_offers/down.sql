drop function app.write_offer;
drop policy platform on bid_lines;
revoke insert on bid_lines from build14_system;
create policy owner_insert on bid_lines for insert to build14_app with check (org_id = app.org());
grant insert on bid_lines to build14_app;
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
grant update (total, valid_until, note, rank) on bids to build14_app;

create or replace function app.hold_tender_for_bid(p_org uuid, which uuid)
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

create or replace function app.is_of_the_bidder(p_org uuid, p_bid uuid, p_person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    bidder uuid;
begin
    select b.bidder_org_id into bidder from bids b where b.org_id = p_org and b.id = p_bid and b.opened_at is not null;
    if not found or app.org() is distinct from p_org then
        raise exception 'bid % is not open to this organisation', p_bid using errcode = 'insufficient_privilege';
    end if;
    if p_person is distinct from app.user_id() then
        raise exception 'this is answered about oneself alone' using errcode = 'insufficient_privilege';
    end if;
    return exists (select from memberships m where m.org_id = bidder and m.user_id = p_person);
end $$;
