drop trigger audit_entries_note_chain on audit_entries;
drop function app.audit_note_chain();

create or replace function app.audit_link() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    zeros constant bytea := decode(repeat('00', 32), 'hex');
    head audit_heads;
begin
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
