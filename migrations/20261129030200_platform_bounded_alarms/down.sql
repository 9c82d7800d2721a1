create or replace function app.raise_alarm(p_kind text, p_object_type text, p_object_id text, p_org uuid, p_detail text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    at timestamptz := clock_timestamp();
begin
    if app.org() is null and not app.is_platform() then
        raise exception 'only the platform raises an alarm in nobody''s name' using errcode = 'insufficient_privilege';
    end if;
    insert into alarms (id, kind, object_type, object_id, org_id, detail, raised_at, last_seen_at)
        values (gen_random_uuid(), p_kind, p_object_type, p_object_id, coalesce(app.org(), p_org), p_detail, at, at)
        on conflict (coalesce(org_id, '00000000-0000-0000-0000-000000000000'), kind, object_type, object_id) where settled_at is null
        do update set last_seen_at = greatest(alarms.last_seen_at, excluded.last_seen_at), times = alarms.times + 1, detail = excluded.detail;
end $$;
