-- What a stranger's statements do about time (decision 42): a transaction that is held open, or that looks at what was, is refused like any other.

-- A bid takes the gate of its tender, behind which the closing waits, whoever writes it: none is committed after its tender was closed. In a
-- transaction that keeps its first view of the tender the state could not be read again.
create function app.hold_tender_gate(p_org uuid, which uuid) returns void language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if exists (select from tenders t where t.org_id = p_org and t.id = which) then
        perform pg_advisory_xact_lock_shared(app.tender_gate(which));
    end if;
end $$;
grant create on schema app to build14_system;
alter function app.hold_tender_gate owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.hold_tender_gate from public;
grant execute on function app.hold_tender_gate to build14_app;

create or replace function app.bid_in_time() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    -- What the platform's functions write (closing, opening) and the owner (ranking) has bounds of its own.
    if pg_has_role(current_user, 'build14_system', 'usage') or new.bidder_org_id is distinct from app.org() then
        return new;
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'bids are written in transactions that read what is committed' using errcode = 'insufficient_privilege';
    end if;
    perform app.hold_tender_gate(new.org_id, new.tender_id);
    if not exists (select from tenders t where t.org_id = new.org_id and t.id = new.tender_id
        and t.status = 'published' and app.now() < t.submission_deadline) then
        raise exception 'the tender takes no bids any more' using errcode = 'check_violation', constraint = 'bid_in_time';
    end if;
    return new;
end $$;

-- The tender is held while its parts are written: what was a draft once is looked at as it is now.
create or replace function app.tender_part_of_a_draft() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in select distinct p.org_id, p.tender_id from touched p order by 1, 2 loop
        perform from tenders t where t.org_id = part.org_id and t.id = part.tender_id and t.status = 'draft' for share;
        if not found then
            raise exception 'tender % is no draft', part.tender_id
                using errcode = 'insufficient_privilege', constraint = 'tender_parts_of_drafts';
        end if;
    end loop;
    return null;
end $$;
create or replace function app.tender_part_leaves_a_draft() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
declare
    part record;
    state text;
begin
    for part in select distinct p.org_id, p.tender_id from touched p order by 1, 2 loop
        state := null;
        select t.status into state from tenders t where t.org_id = part.org_id and t.id = part.tender_id for share;
        -- With the draft itself its milestones go: then there is no tender any more.
        if state <> 'draft' then
            raise exception 'tender % is no draft', part.tender_id
                using errcode = 'insufficient_privilege', constraint = 'tender_parts_of_drafts';
        end if;
    end loop;
    return null;
end $$;

-- By how many attempts a release was tried only grows: what the program vouched for of one attempt serves for no later one.
create function app.release_attempts_grow() returns trigger language plpgsql set search_path = public, pg_temp
    as $$
begin
    raise exception 'the attempts of release % only grow', old.id using errcode = 'insufficient_privilege', constraint = 'releases_attempts_grow';
end $$;
create trigger releases_attempts_grow before update on releases for each row
    when (new.attempts < old.attempts) execute function app.release_attempts_grow();

-- An award is made by one or two of the organisation, one of whom asks, and from now on.
create or replace function app.note_award(p_org uuid, p_award uuid, p_tender uuid, p_bid uuid, p_reason text, p_standstill_until timestamptz,
    p_persons uuid[]) returns void language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    b record;
begin
    select x.bidder_org_id, x.total, x.currency into b from bids x
        where x.org_id = p_org and app.org() = p_org and x.id = p_bid and x.tender_id = p_tender and x.status = 'awarded';
    if not found then
        raise exception 'bid % is not awarded', p_bid using errcode = 'insufficient_privilege';
    end if;
    if cardinality(p_persons) not between 1 and 2 or (app.user_id() = any (p_persons)) is not true
        or exists (select from unnest(p_persons) p (id) where not exists (select from memberships m where m.org_id = p_org and m.user_id = p.id)) then
        raise exception 'bids are awarded by one or two of this organisation, in their own name' using errcode = 'insufficient_privilege';
    end if;
    -- Computed a moment ago, by whichever clock runs.
    if p_standstill_until < least(now(), app.now()) - interval '5 minutes' then
        raise exception 'a standstill does not end before it begins' using errcode = 'insufficient_privilege';
    end if;
    insert into awards (org_id, id, tender_id, bid_id, bidder_org_id, status, amount, currency, reason, standstill_until, awarded_by)
        values (p_org, p_award, p_tender, p_bid, b.bidder_org_id, 'pending', b.total, b.currency, p_reason, p_standstill_until, p_persons);
end $$;
