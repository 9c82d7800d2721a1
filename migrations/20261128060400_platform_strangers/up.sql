-- What a stranger's statements do not do to the queue, to alarms and to sessions that servers keep (docs/decisions/0042).

-- Whether the program vouches for a text: with the key of postings, and the word that says what it is for, so that no proof serves twice.
create function app.is_vouched(p_what text, p_text text, p_proof bytea) returns boolean language plpgsql stable set search_path = public, pg_temp
    as $$
begin
    -- Compared by their digests: how much of a guess is right takes no time.
    return coalesce(sha256(p_proof) = sha256(app.ledger_proof(p_what || ' ' || p_text)), false);
end $$;
revoke all on function app.is_vouched from public;
grant execute on function app.is_vouched to build14_system;

-- Which tasks there are: told by each program that starts. Until one has told, whatever looks like a task is one.
create table app.job_tasks (
    name text primary key check (name ~ '^[a-z][a-z0-9_.]{0,99}$')
);
alter table app.job_tasks enable row level security;
alter table app.job_tasks force row level security;
call app.open_to_system('app.job_tasks', 'select, insert');

-- As before; what a tenant adds is a task that somebody does, of bounded size, tried no more often than any task, and neither before its turn
-- nor in another age.
create or replace function app.add_job(task text, payload json, run_at timestamptz, job_key text, max_attempts integer) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    tenant uuid := app.org();
    about text := payload -> 'data' ->> 'org';
    due timestamptz := run_at;
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
    else
        if task is null or task !~ '^[a-z][a-z0-9_.]{0,99}$'
            or (exists (select from app.job_tasks) and not exists (select from app.job_tasks t where t.name = task)) then
            raise exception 'nobody does the task %', left(task, 100) using errcode = 'insufficient_privilege';
        end if;
        if max_attempts is null or max_attempts not between 1 and 25 then
            raise exception 'a job is tried 1 to 25 times, not %', max_attempts using errcode = 'insufficient_privilege';
        end if;
        if octet_length(payload::text) > 65536 or length(job_key) > 400 then
            raise exception 'a job of the task % is too large', task using errcode = 'insufficient_privilege';
        end if;
        -- The queue goes by this time: an early one would stand before all others.
        if run_at is not null then
            due := least(greatest(run_at, now()), now() + interval '10 years');
        end if;
    end if;
    perform graphile_worker.add_job(identifier => task, payload => payload, run_at => due, max_attempts => max_attempts,
        job_key => coalesce(tenant::text, payload ->> 'org', about, 'platform') || ':' || job_key);
end $$;

-- An alarm is open once for each organisation: whoever raises one about another's object first neither takes its place nor is counted with it.
drop index alarms_open;
create unique index alarms_open on alarms (coalesce(org_id, '00000000-0000-0000-0000-000000000000'), kind, object_type, object_id)
    where settled_at is null;

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

-- Tells every server to forget what it keeps of sessions, with a proof, without which servers obey nobody: a tenant of those in its own organisation
-- alone, of one person or of the role in one team.
create function app.tell_sessions(p_org uuid, p_person uuid, p_project uuid) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if app.org() is null then
        if not app.is_platform() then
            raise exception 'only the platform tells of sessions in nobody''s name' using errcode = 'insufficient_privilege';
        end if;
    elsif app.org() is distinct from p_org then
        raise exception 'a tenant tells of its own sessions' using errcode = 'insufficient_privilege';
    end if;
    perform app.send_sessions(case
        when p_org is null then p_person::text
        when p_project is null then 'member:' || p_person || ':' || p_org
        else 'role:' || p_person || ':' || p_org || ':' || p_project end);
end $$;

-- The same of whatever the platform says.
create function app.send_sessions(p_payload text) returns void language plpgsql set search_path = public, pg_temp
    as $$
begin
    perform pg_notify('sessions', p_payload || ' ' || encode(app.ledger_proof('sessions ' || p_payload), 'hex'));
end $$;
revoke all on function app.send_sessions from public;
grant execute on function app.send_sessions to build14_system;

grant create on schema app to build14_system;
alter function app.tell_sessions owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.tell_sessions from public;
grant execute on function app.tell_sessions to build14_app, build14_system;
