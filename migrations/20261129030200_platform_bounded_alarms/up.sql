-- An organisation has so many open alarms at most: what a tenant's statements raise beyond it, under whatever kinds and objects, is one more alarm that
-- tells so and counts. One that is open already is seen again as before.
create or replace function app.raise_alarm(p_kind text, p_object_type text, p_object_id text, p_org uuid, p_detail text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    at timestamptz := clock_timestamp();
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    tenant uuid := app.org();
begin
    if tenant is null and not app.is_platform() then
        raise exception 'only the platform raises an alarm in nobody''s name' using errcode = 'insufficient_privilege';
    end if;
    if tenant is not null
        and not exists (select from alarms a where coalesce(a.org_id, nobody) = tenant and a.kind = p_kind and a.object_type = p_object_type
            and a.object_id = p_object_id and a.settled_at is null)
        and (select count(*) from (select from alarms a where coalesce(a.org_id, nobody) = tenant and a.settled_at is null limit 1000) o) >= 1000 then
        p_detail := left(format('more than 1000 alarms of this organisation are open; the last that is not listed: %s of %s %s: %s',
            p_kind, p_object_type, p_object_id, p_detail), 2000);
        p_kind := 'alarms_flooded';
        p_object_type := 'organization';
        p_object_id := tenant::text;
    end if;
    insert into alarms (id, kind, object_type, object_id, org_id, detail, raised_at, last_seen_at)
        values (gen_random_uuid(), p_kind, p_object_type, p_object_id, coalesce(tenant, p_org), p_detail, at, at)
        on conflict (coalesce(org_id, '00000000-0000-0000-0000-000000000000'), kind, object_type, object_id) where settled_at is null
        do update set last_seen_at = greatest(alarms.last_seen_at, excluded.last_seen_at), times = alarms.times + 1, detail = excluded.detail;
end $$;
