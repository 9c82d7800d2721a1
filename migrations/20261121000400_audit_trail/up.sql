-- The audit trail: entries are written by the verbs, the hash chain of each organisation by the database at commit.
-- No foreign keys: the trail outlives what it tells of.

create table audit_entries (
    org_id uuid not null,
    id uuid not null,
    -- When it was recorded; the order of the chain is that of the commits.
    at timestamptz not null default clock_timestamp(),
    actor_id uuid,
    action text not null check (length(action) between 1 and 200),
    denied boolean not null default false,
    entity_type text not null check (length(entity_type) between 1 and 100),
    entity_id uuid not null,
    request_id text not null check (length(request_id) between 1 and 64),
    before jsonb,
    after jsonb,
    primary key (org_id, id)
);
create index audit_entries_list on audit_entries (org_id, at desc, id desc);
create index audit_entries_entity on audit_entries (org_id, entity_id, at desc, id desc);
call app.protect('audit_entries');
grant select, insert on audit_entries to build14_app;
call app.open_to_system('audit_entries', 'select, insert');

create table audit_links (
    org_id uuid not null,
    sequence bigint not null check (sequence >= 1),
    entry_id uuid not null,
    previous_hash bytea not null check (length(previous_hash) = 32),
    hash bytea not null check (length(hash) = 32),
    primary key (org_id, sequence),
    constraint audit_links_entry_once unique (org_id, entry_id)
);
call app.protect('audit_links');
grant select on audit_links to build14_app;
call app.open_to_system('audit_links', 'select, insert');

-- The newest link of each chain: what was cut off its end is missed here.
create table audit_heads (
    org_id uuid primary key,
    sequence bigint not null,
    previous_hash bytea not null,
    hash bytea not null
);
call app.protect('audit_heads');
grant select on audit_heads to build14_app;
call app.open_to_system('audit_heads', 'select, insert, update');

create trigger audit_entries_stay before update or delete on audit_entries for each row execute function app.append_only();
create trigger audit_entries_stay_whole before truncate on audit_entries for each statement execute function app.append_only();
create trigger audit_links_stay before update or delete on audit_links for each row execute function app.append_only();
create trigger audit_links_stay_whole before truncate on audit_links for each statement execute function app.append_only();

-- The hash of an entry in its place: over the canonical text of every column, then the hash before.
create function app.audit_hash(e audit_entries, previous bytea) returns bytea language sql stable
    as $$
    select sha256(convert_to(jsonb_build_array(
        e.org_id, e.id, to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), e.actor_id, e.action, e.denied,
        e.entity_type, e.entity_id, e.request_id, e.before, e.after
    )::text, 'UTF8') || previous)
$$;

-- At commit each new entry gets its place. The organisation's head row is locked here, at the very end, so writers hardly wait.
create function app.audit_link() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    zeros constant bytea := decode(repeat('00', 32), 'hex');
    head audit_heads;
begin
    insert into audit_heads as h (org_id, sequence, previous_hash, hash)
        values (new.org_id, 1, zeros, app.audit_hash(new, zeros))
        on conflict (org_id) do update
            set sequence = h.sequence + 1, previous_hash = h.hash, hash = app.audit_hash(new, h.hash)
        returning h.* into head;
    insert into audit_links (org_id, sequence, entry_id, previous_hash, hash)
        values (new.org_id, head.sequence, new.id, head.previous_hash, head.hash);
    return null;
end $$;
create constraint trigger audit_entries_link after insert on audit_entries deferrable initially deferred
    for each row execute function app.audit_link();

-- Recomputes a chain: how many entries it has, its head, and the first place at which something was changed, removed, added or moved.
create function app.audit_verify(organization uuid) returns table (entries bigint, head_hash bytea, broken_at bigint)
    language sql stable
    as $$
    with chain as (
        select l.sequence,
               row_number() over place as position,
               l.sequence = row_number() over place
                   and e.id is not null
                   and l.previous_hash = coalesce(lag(l.hash) over place, decode(repeat('00', 32), 'hex'))
                   and l.hash = app.audit_hash(e, l.previous_hash) as sound,
               l.hash
        from audit_links l left join audit_entries e on e.org_id = l.org_id and e.id = l.entry_id
        where l.org_id = organization
        window place as (order by l.sequence)
    ),
    found as (
        select coalesce(max(sequence), 0) as length,
               count(*) as links,
               min(position) filter (where sound is not true) as broken_at
        from chain
    ),
    head as (select sequence, hash from audit_heads where org_id = organization)
    select found.links,
           coalesce((select hash from head), decode(repeat('00', 32), 'hex')),
           case
               when found.broken_at is not null then found.broken_at
               when coalesce((select sequence from head), 0) <> found.length then least(coalesce((select sequence from head), 0), found.length) + 1
               when (select hash from head) is distinct from (select hash from chain order by sequence desc limit 1) then found.length
               when (select count(*) from audit_entries where org_id = organization) <> found.links then found.length + 1
           end
    from found
$$;

grant create on schema app to build14_system;
alter function app.audit_link owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.audit_link from public;
