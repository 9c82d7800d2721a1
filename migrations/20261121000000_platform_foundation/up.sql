-- What every tenant-owned table stands on: the tenant's entry, the database's clock, protection of tables, outbox, idempotency, jobs.
-- Roles (made by `build14 migrate` before the first migration): build14_owner owns and migrates, build14_app serves, build14_system is the platform.

create schema app;
grant usage on schema app to build14_app, build14_system;

-- The tenant of this transaction; null outside of one, so that policies see nothing.
create function app.org() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.org_id', true), '')::uuid $$;

-- The person of this transaction; null for the platform itself.
create function app.user_id() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.user_id', true), '')::uuid $$;

-- The one door through which a tenant enters. SET LOCAL ends with the transaction (never a session-level SET: it leaks through a
-- transaction-pooling proxy; never set_config: Citus does not propagate it).
create function app.enter(org uuid, person uuid) returns void language plpgsql
    as $$
begin
    execute format('set local app.org_id = %L; set local app.user_id = %L', org, coalesce(person::text, ''));
end $$;

-- The clock that decides deadlines. It shows the server's time; development and tests may move it forward (only the owner role can).
create table app.clock (
    only_row boolean primary key default true check (only_row),
    advance interval not null default '0'
);
insert into app.clock default values;
create function app.now() returns timestamptz language sql volatile
    as $$ select clock_timestamp() + (select advance from app.clock) $$;

alter table app.clock enable row level security;
alter table app.clock force row level security;
create policy everyone_reads on app.clock for select using (true);
create policy owner_moves on app.clock for update to build14_owner using (true) with check (true);
grant select on app.clock to build14_app, build14_system;

-- Row-level security for a table of one tenant: enabled, forced, a policy per command, by its column `org_id`.
create procedure app.protect(tbl regclass) language plpgsql
    as $$
begin
    execute format('alter table %s enable row level security', tbl);
    execute format('alter table %s force row level security', tbl);
    execute format('create policy tenant_select on %s for select to build14_app using (org_id = app.org())', tbl);
    execute format('create policy tenant_insert on %s for insert to build14_app with check (org_id = app.org())', tbl);
    execute format('create policy tenant_update on %s for update to build14_app using (org_id = app.org()) with check (org_id = app.org())', tbl);
    execute format('create policy tenant_delete on %s for delete to build14_app using (org_id = app.org())', tbl);
end $$;

-- Lets the platform's role do `commands` (such as 'select, update') on every row of a table.
create procedure app.open_to_system(tbl regclass, commands text) language plpgsql
    as $$
begin
    execute format('create policy platform on %s for all to build14_system using (true) with check (true)', tbl);
    execute format('grant %s on %s to build14_system', commands, tbl);
end $$;

-- Trigger: the named columns never change once written.
create function app.keep() returns trigger language plpgsql
    as $$
declare
    col text;
begin
    foreach col in array tg_argv loop
        if to_jsonb(old) -> col is distinct from to_jsonb(new) -> col then
            raise exception '%.% never changes', tg_table_name, col using errcode = 'integrity_constraint_violation';
        end if;
    end loop;
    return new;
end $$;

-- Trigger: rows are written once and stay.
create function app.append_only() returns trigger language plpgsql
    as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;

-- Domain events, written in the transaction of what happened, relayed in order per aggregate.
create table outbox (
    seq bigint generated always as identity primary key,
    id uuid not null,
    org_id uuid not null,
    kind text not null,
    aggregate uuid not null,
    payload jsonb not null,
    request_id text not null,
    created_at timestamptz not null default now(),
    delivered_at timestamptz,
    attempts integer not null default 0,
    last_error text,
    retry_at timestamptz,
    unique (org_id, id)
);
create index outbox_undelivered on outbox (aggregate, seq) where delivered_at is null;
create index outbox_delivered on outbox (delivered_at) where delivered_at is not null;
call app.protect('outbox');
call app.open_to_system('outbox', 'select, update, delete');
grant insert on outbox to build14_app;

-- Which subscriber has handled which event: written in the subscriber's own transaction, so that it handles it once.
create table outbox_handled (
    org_id uuid not null,
    event_id uuid not null,
    subscriber text not null,
    handled_at timestamptz not null default now(),
    primary key (org_id, event_id, subscriber)
);
call app.protect('outbox_handled');
call app.open_to_system('outbox_handled', 'select, delete');
grant select, insert on outbox_handled to build14_app;

-- Idempotency keys of HTTP clients: claimed in the transaction of the effect, the answer stored there too.
create table idempotency_keys (
    org_id uuid not null,
    user_id uuid not null,
    key text not null check (length(key) between 1 and 255),
    fingerprint bytea not null check (length(fingerprint) = 32),
    claimed_at timestamptz not null default now(),
    status smallint,
    headers jsonb,
    body bytea,
    primary key (org_id, user_id, key)
);
create index idempotency_keys_age on idempotency_keys (claimed_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy own_select on idempotency_keys for select to build14_app using (org_id = app.org() and user_id = app.user_id());
create policy own_insert on idempotency_keys for insert to build14_app with check (org_id = app.org() and user_id = app.user_id());
create policy own_update on idempotency_keys for update to build14_app using (org_id = app.org() and user_id = app.user_id());
create policy own_delete on idempotency_keys for delete to build14_app using (org_id = app.org() and user_id = app.user_id());
grant select, insert, update on idempotency_keys to build14_app;
call app.open_to_system('idempotency_keys', 'select, delete');

-- Enqueues a job in the caller's transaction. The queue's own tables are closed to the serving role: payloads belong to many tenants.
create function app.add_job(task text, payload json, run_at timestamptz, job_key text, max_attempts integer) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
begin
    perform graphile_worker.add_job(identifier => task, payload => payload, run_at => run_at, job_key => job_key, max_attempts => max_attempts);
end $$;
grant create on schema app to build14_system;
alter function app.add_job owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.add_job from public;
grant execute on function app.add_job to build14_app, build14_system;
