create or replace function app.audit_link() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    zeros constant bytea := decode(repeat('00', 32), 'hex');
    noted constant text := coalesce(current_setting('app.audit_chains', true), '');
    chain uuid;
    head audit_heads;
begin
    if noted <> '' then
        if strpos(noted, ',') > 0 then
            for chain in select one::uuid from unnest(string_to_array(noted, ',')) as one order by 1 loop
                perform from audit_heads h where h.org_id = chain for update;
            end loop;
        end if;
        perform set_config('app.audit_chains', '', true);
    end if;
    insert into audit_heads as h (org_id, sequence, previous_hash, hash)
        values (new.org_id, 1, zeros, app.audit_hash(new.org_id, new.id, new.at, new.actor_id, new.action, new.denied, new.entity_type,
            new.entity_id, new.request_id, new.before, new.after, zeros))
        on conflict (org_id) do update
            set sequence = h.sequence + 1, previous_hash = h.hash, hash = app.audit_hash(new.org_id, new.id, new.at, new.actor_id, new.action,
                new.denied, new.entity_type, new.entity_id, new.request_id, new.before, new.after, h.hash)
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
                   and l.hash = app.audit_hash(e.org_id, e.id, e.at, e.actor_id, e.action, e.denied, e.entity_type, e.entity_id,
                       e.request_id, e.before, e.after, l.previous_hash) as sound
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

drop function app.audit_hash(uuid, uuid, timestamptz, uuid, text, boolean, text, uuid, text, jsonb, jsonb, uuid, bytea);
alter table audit_entries drop column api_key_id;
