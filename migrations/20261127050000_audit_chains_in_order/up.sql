-- A transaction that writes in the trails of several organisations locks their chains at commit. Entry by entry, two such transactions could
-- wait for each other in a circle. So whose trails a transaction wrote in is noted, and the first link locks all their chains in the order of
-- the organisations. (An organisation has its first entry from its own founding, so its head is there.)

create function app.audit_note_chain() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    noted constant text := coalesce(current_setting('app.audit_chains', true), '');
begin
    if strpos(noted, new.org_id::text) = 0 then
        perform set_config('app.audit_chains', concat_ws(',', nullif(noted, ''), new.org_id), true);
    end if;
    return null;
end $$;
create trigger audit_entries_note_chain after insert on audit_entries for each row execute function app.audit_note_chain();

-- As before, behind that lock.
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

grant create on schema app to build14_system;
alter function app.audit_note_chain owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.audit_note_chain from public;
