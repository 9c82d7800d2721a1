create function app.audit_hash(e audit_entries, previous bytea) returns bytea language sql stable
    as $$
    select sha256(convert_to(jsonb_build_array(
        e.org_id, e.id, to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), e.actor_id, e.action, e.denied,
        e.entity_type, e.entity_id, e.request_id, e.before, e.after
    )::text, 'UTF8') || previous)
$$;

create or replace function app.audit_link() returns trigger
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

create or replace function app.audit_verify_links(organization uuid, behind bigint, behind_hash bytea, most integer)
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

drop function app.audit_hash(uuid, uuid, timestamptz, uuid, text, boolean, text, uuid, text, jsonb, jsonb, bytea);
