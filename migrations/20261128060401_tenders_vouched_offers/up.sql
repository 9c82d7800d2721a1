-- An opened bid takes the offer that the program read under its seal, once and in no other words (docs/decisions/0042).
create function app.write_offer(p_org uuid, p_bid uuid, p_offer text, p_proof bytea) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    o constant jsonb := p_offer::jsonb;
    revision integer;
begin
    if not app.is_vouched('offer', p_offer, p_proof) or app.org() is distinct from p_org
        or ((o ->> 'org')::uuid, (o ->> 'bid')::uuid) is distinct from (p_org, p_bid) then
        raise exception 'nobody vouches for this offer' using errcode = 'insufficient_privilege';
    end if;
    select b.revision into revision from bids b
        where b.org_id = p_org and b.id = p_bid and b.status = 'opened' and b.total is null for no key update;
    if not found or revision is distinct from (o ->> 'revision')::integer then
        raise exception 'bid % takes no offer', p_bid using errcode = 'insufficient_privilege';
    end if;
    update bids b set total = (o ->> 'total')::bigint, valid_until = (o ->> 'valid_until')::date, note = o ->> 'note',
            rank = (o ->> 'rank')::integer
        where b.org_id = p_org and b.id = p_bid;
    insert into bid_lines (org_id, bid_id, soq_line_id, bidder_org_id, position, rate, amount)
        select b.org_id, b.id, l.soq_line_id, b.bidder_org_id, l.position, l.rate, l.amount
        from bids b cross join jsonb_to_recordset(o -> 'lines') as l (soq_line_id uuid, position integer, rate numeric, amount bigint)
        where b.org_id = p_org and b.id = p_bid;
end $$;
revoke update (total, valid_until, note, rank) on bids from build14_app;
revoke insert on bid_lines from build14_app;
drop policy owner_insert on bid_lines;
drop trigger of_an_opened_bid on bid_lines;
drop function app.bid_line_is_of_an_opened_bid;
call app.open_to_system('bid_lines', 'insert');

-- Whoever bids keeps a member: the organisation stands still for a bid as it does for a member who leaves (app.keep_an_owner), so that one of
-- the two sees the other.
create or replace function app.hold_tender_for_bid(p_org uuid, which uuid)
    returns table (org_id uuid, status text, submission_deadline timestamptz, currency text, server_time timestamptz)
    language plpgsql security definer set search_path = public, pg_temp
    as $$
#variable_conflict use_column
declare
    t tenders;
begin
    perform from organizations o where o.org_id = app.org() for share;
    if found and not exists (select from memberships m where m.org_id = app.org()) then
        raise exception 'the organisation % has nobody who could bid', app.org() using errcode = 'serialization_failure';
    end if;
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

-- Whoever asks is somebody of the owner: a person of a bidder's whom statements merely name tells nothing.
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
    if p_person is distinct from app.user_id() or not exists (select from memberships m where m.org_id = p_org and m.user_id = p_person) then
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
    if p_person is distinct from app.user_id() or not exists (select from memberships m where m.org_id = p_org and m.user_id = p_person) then
        raise exception 'this is answered about oneself alone' using errcode = 'insufficient_privilege';
    end if;
    return exists (select from memberships m where m.org_id = bidder and m.user_id = p_person);
end $$;

grant create on schema app to build14_system;
alter function app.write_offer owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.write_offer from public;
grant execute on function app.write_offer to build14_app;
