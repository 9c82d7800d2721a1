drop trigger releases_attempts_grow on releases;
drop function app.release_attempts_grow();

create or replace function app.note_award(p_org uuid, p_award uuid, p_tender uuid, p_bid uuid, p_reason text, p_standstill_until timestamptz, p_persons uuid[])
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

create or replace function app.tender_part_leaves_a_draft() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in select distinct p.org_id, p.tender_id from touched p order by 1, 2 loop
        if exists (select from tenders t where t.org_id = part.org_id and t.id = part.tender_id and t.status <> 'draft') then
            raise exception 'tender % is no draft', part.tender_id
                using errcode = 'insufficient_privilege', constraint = 'tender_parts_of_drafts';
        end if;
    end loop;
    return null;
end $$;

create or replace function app.tender_part_of_a_draft() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in select distinct p.org_id, p.tender_id from touched p order by 1, 2 loop
        if not exists (select from tenders t where t.org_id = part.org_id and t.id = part.tender_id and t.status = 'draft') then
            raise exception 'tender % is no draft', part.tender_id
                using errcode = 'insufficient_privilege', constraint = 'tender_parts_of_drafts';
        end if;
    end loop;
    return null;
end $$;

create or replace function app.bid_in_time() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    -- What the platform's functions write (closing, opening) and the owner (ranking) has bounds of its own.
    if pg_has_role(current_user, 'build14_system', 'usage') or new.bidder_org_id is distinct from app.org() then
        return new;
    end if;
    if not exists (select from tenders t where t.org_id = new.org_id and t.id = new.tender_id
        and t.status = 'published' and app.now() < t.submission_deadline) then
        raise exception 'the tender takes no bids any more' using errcode = 'check_violation', constraint = 'bid_in_time';
    end if;
    return new;
end $$;

drop function app.hold_tender_gate(uuid, uuid);
