drop function app.audit_verify_entries;
drop function app.audit_verify_links;
drop table audit_rounds, audit_checkpoints;

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
