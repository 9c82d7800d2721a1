drop function app.tell_sessions, app.send_sessions;

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
        on conflict (kind, object_type, object_id) where settled_at is null
        do update set last_seen_at = greatest(alarms.last_seen_at, excluded.last_seen_at), times = alarms.times + 1,
            detail = case when app.org() is null or alarms.org_id is not distinct from app.org() then excluded.detail else alarms.detail end,
            org_id = case when app.org() is null then coalesce(excluded.org_id, alarms.org_id) else coalesce(alarms.org_id, excluded.org_id) end;
end $$;
drop index alarms_open;
create unique index alarms_open on alarms (kind, object_type, object_id) where settled_at is null;

create or replace function app.add_job(task text, payload json, run_at timestamptz, job_key text, max_attempts integer) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    tenant uuid := app.org();
    about text := payload -> 'data' ->> 'org';
begin
    if tenant is null then
        if not app.is_platform() then
            raise exception 'only the platform adds a job in nobody''s name' using errcode = 'insufficient_privilege';
        end if;
    elsif payload ->> 'org' is distinct from tenant::text then
        raise exception 'a job runs for the tenant that adds it' using errcode = 'insufficient_privilege';
    elsif about is distinct from tenant::text and about is not null and not exists (select from public.contracts c
        where c.contractor_org_id = tenant and c.org_id = about::uuid and c.activated_at is not null) then
        raise exception 'a job is about the tenant that adds it' using errcode = 'insufficient_privilege';
    end if;
    perform graphile_worker.add_job(identifier => task, payload => payload, run_at => run_at, max_attempts => max_attempts,
        job_key => coalesce(tenant::text, payload ->> 'org', about, 'platform') || ':' || job_key);
end $$;
drop table app.job_tasks;
drop function app.is_vouched;
