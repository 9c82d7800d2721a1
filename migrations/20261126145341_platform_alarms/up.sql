-- Alarms: what a person must look at, as a row that stays until somebody did. Raised by whoever's transaction it happens in, read by the
-- platform alone.

create table alarms (
    id uuid primary key,
    kind text not null check (kind ~ '^[a-z][a-z0-9_]{1,63}$'),
    object_type text not null check (object_type ~ '^[a-z][a-z0-9_]{1,63}$'),
    object_id text not null check (length(object_id) <= 255),
    org_id uuid,
    detail text not null check (length(detail) <= 2000),
    raised_at timestamptz not null,
    last_seen_at timestamptz not null check (last_seen_at >= raised_at),
    times bigint not null default 1 check (times > 0),
    settled_at timestamptz check (settled_at >= raised_at),
    settled_by text check (length(settled_by) between 1 and 200),
    note text check (length(note) between 1 and 1000),
    check ((settled_at is null) = (settled_by is null) and (settled_at is null) = (note is null))
);
create unique index alarms_open on alarms (kind, object_type, object_id) where settled_at is null;
create index alarms_by_time on alarms (raised_at, id);
create trigger alarms_keep before update on alarms for each row
    execute function app.keep('id', 'kind', 'object_type', 'object_id', 'raised_at');
create trigger alarms_settled_stay before update on alarms for each row when (old.settled_at is not null) execute function app.append_only();
create trigger alarms_stay before delete on alarms for each row execute function app.append_only();
create trigger alarms_never_emptied before truncate on alarms execute function app.append_only();
alter table alarms enable row level security;
alter table alarms force row level security;
call app.open_to_system('alarms', 'select, insert, update');

-- The only door of tenants: it takes and tells nothing. One open alarm per kind and object, whoever sees it again.
create function app.raise_alarm(p_kind text, p_object_type text, p_object_id text, p_org uuid, p_detail text) returns void
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
grant create on schema app to build14_system;
alter function app.raise_alarm owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.raise_alarm from public;
grant execute on function app.raise_alarm to build14_app, build14_system;
