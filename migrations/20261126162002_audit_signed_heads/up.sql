-- The trail is verified page by page, compared with the organisations, and its heads are signed by a key that is not in the database.

-- Heads as they were signed. A chain that was cut or rewritten together with its head no longer holds them; nor can whoever did that sign
-- others.
create table audit_checkpoints (
    org_id uuid not null,
    sequence bigint not null check (sequence >= 1),
    hash bytea not null check (length(hash) = 32),
    round bigint not null,
    signed_at timestamptz not null,
    key_id text not null,
    signature bytea not null check (length(signature) = 64),
    primary key (org_id, sequence)
);
create index audit_checkpoints_round on audit_checkpoints (round, org_id);
call app.protect('audit_checkpoints');
grant select on audit_checkpoints to build14_app;
call app.open_to_system('audit_checkpoints', 'select, insert');

-- What was signed at one time, for all organisations together: each digest is over the one before and the heads of the round, so that the
-- newest line in the log vouches for all of them.
create table audit_rounds (
    round bigint primary key check (round >= 1),
    heads integer not null check (heads >= 1),
    digest bytea not null check (length(digest) = 32),
    signed_at timestamptz not null,
    key_id text not null,
    signature bytea not null check (length(signature) = 64)
);
alter table audit_rounds enable row level security;
alter table audit_rounds force row level security;
call app.open_to_system('audit_rounds', 'select, insert');

create trigger audit_checkpoints_stay before update or delete on audit_checkpoints for each row execute function app.append_only();
create trigger audit_checkpoints_stay_whole before truncate on audit_checkpoints for each statement execute function app.append_only();
create trigger audit_rounds_stay before update or delete on audit_rounds for each row execute function app.append_only();
create trigger audit_rounds_stay_whole before truncate on audit_rounds for each statement execute function app.append_only();

drop function app.audit_verify;

-- Verifies up to `most` links behind the link `behind`, which must have that hash (zeros behind 0). At the end also whether the chain ends
-- where its head says; and no organisation has an empty one, since to be founded is an entry. One snapshot: the caller's.
create function app.audit_verify_links(organization uuid, behind bigint, behind_hash bytea, most integer)
    returns table (looked bigint, last_hash bytea, ended boolean, length bigint, head_hash bytea, broken_at bigint)
    language plpgsql stable set search_path = public, pg_temp
    as $$
declare
    zeros constant bytea := decode(repeat('00', 32), 'hex');
    head audit_heads;
begin
    select * into head from audit_heads h where h.org_id = organization;
    length := coalesce(head.sequence, 0);
    head_hash := coalesce(head.hash, zeros);
    select count(*), (array_agg(c.hash order by c.sequence desc))[1], behind + min(c.position) filter (where c.sound is not true)
        into looked, last_hash, broken_at
    from (
        select l.sequence, l.hash, row_number() over place as position,
               l.sequence = behind + row_number() over place
                   and e.id is not null
                   and l.previous_hash = coalesce(lag(l.hash) over place, behind_hash)
                   and l.hash = app.audit_hash(e, l.previous_hash) as sound
        from (select * from audit_links k where k.org_id = organization and k.sequence > behind order by k.sequence limit most) l
            left join audit_entries e on e.org_id = l.org_id and e.id = l.entry_id
        window place as (order by l.sequence)
    ) c;
    last_hash := coalesce(last_hash, behind_hash);
    ended := looked < most;
    if behind = 0 and behind_hash <> zeros or behind > 0 and not exists (select from audit_links k
        where k.org_id = organization and k.sequence = behind and k.hash = behind_hash) then
        broken_at := behind;
    elsif broken_at is null and ended then
        broken_at := case
            when length <> behind + looked then least(length, behind + looked) + 1
            when length > 0 and head_hash <> last_hash then length
            when length = 0 and exists (select from organizations o where o.org_id = organization) then 1
        end;
    end if;
    return next;
end $$;

-- Looks at up to `most` entries with ids behind `behind` for such as have no place in the chain.
create function app.audit_verify_entries(organization uuid, behind uuid, most integer)
    returns table (looked bigint, last_id uuid, strays bigint, length bigint, head_hash bytea)
    language plpgsql stable set search_path = public, pg_temp
    as $$
begin
    select count(*), (array_agg(e.id order by e.id desc))[1], count(*) filter (where not exists (
            select from audit_links l where l.org_id = organization and l.entry_id = e.id))
        into looked, last_id, strays
    from (select n.id from audit_entries n where n.org_id = organization and n.id > behind order by n.id limit most) e;
    select h.sequence, h.hash into length, head_hash from audit_heads h where h.org_id = organization;
    length := coalesce(length, 0);
    head_hash := coalesce(head_hash, decode(repeat('00', 32), 'hex'));
    return next;
end $$;
