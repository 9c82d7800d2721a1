grant execute on function app.place_hold, app.lift_hold to build14_app;
create or replace function app.acts_for_a_bidder(p_org uuid, p_tender uuid, p_person uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is distinct from p_org or not exists (select from tenders t where t.org_id = p_org and t.id = p_tender) then
        raise exception 'tender % is not of this organisation', p_tender using errcode = 'insufficient_privilege';
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
    return exists (select from memberships m where m.org_id = bidder and m.user_id = p_person);
end $$;
create or replace function app.raise_alarm(p_kind text, p_object_type text, p_object_id text, p_org uuid, p_detail text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    at timestamptz := clock_timestamp();
begin
    insert into alarms (id, kind, object_type, object_id, org_id, detail, raised_at, last_seen_at)
        values (gen_random_uuid(), p_kind, p_object_type, p_object_id, coalesce(app.org(), p_org), p_detail, at, at)
        on conflict (kind, object_type, object_id) where settled_at is null
        do update set last_seen_at = greatest(alarms.last_seen_at, excluded.last_seen_at), times = alarms.times + 1,
            detail = excluded.detail, org_id = coalesce(alarms.org_id, excluded.org_id);
end $$;
