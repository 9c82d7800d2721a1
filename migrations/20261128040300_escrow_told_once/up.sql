-- That somebody gave back what waited is told once per refund, however soon after its posting it is told.
create or replace function app.tell_contractor(p_org uuid, p_contract uuid, p_action text, p_type text, p_entity uuid, p_request text,
    p_before jsonb, p_after jsonb) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
begin
    select contractor_org_id into contractor from contracts
        where org_id = p_org and app.org() = p_org and id = p_contract;
    if not found or app.user_id() is not null then
        raise exception 'contract % is not the tenant''s, or a person asks', p_contract using errcode = 'insufficient_privilege';
    end if;
    if (p_type, p_action) not in (('release', 'escrow.release_reversed'), ('release', 'escrow.reversal_settled'),
            ('escrow', 'escrow.suspense_refunded'))
        or p_before - array['status', 'reversed', 'settled', 'waiting'] <> '{}'
        or p_after - array['status', 'reversed', 'settled', 'transfer', 'paidWith', 'paidOutside', 'waiting', 'refunds', 'operator', 'reason'] <> '{}'
        or octet_length(p_before::text) + octet_length(p_after::text) > 20000
        or p_type = 'escrow' and not exists (select from payments p
            where p.org_id = p_org and p.contract_id = p_contract and p.id = p_entity and p.status = 'suspense')
        or not exists (select from ledger_entries e join ledger_transactions x on x.org_id = e.org_id and x.id = e.transaction_id
            where e.org_id = p_org and e.contract_id = p_contract and e.account = 2090
                and case p_type
                    when 'release' then e.subject = p_entity and x.created_at = now()
                        and x.kind in ('transfer_reversed', 'reversal_held_again', 'reversal_paid_again', 'reversal_paid_outside')
                    -- An event may have posted it while the person's command was under way, whose name is told then, and once.
                    else e.subject is null and x.kind in ('suspense_refunded', 'suspense_refund_failed')
                        and (x.created_at = now() or x.created_at > now() - interval '1 hour' and p_after ->> 'operator' is not null
                            and not exists (select from audit_entries n where n.org_id = contractor and n.entity_id = p_entity
                                and n.action = p_action and n.at >= x.created_at and n.after ->> 'operator' is not null)) end)
        or exists (select from audit_entries e
            where e.org_id = contractor and e.entity_id = p_entity and e.action = p_action and e.at >= now()) then
        raise exception 'nothing happened to % % that the contractor is told as %', p_type, p_entity, p_action
            using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, before, after)
        values (contractor, gen_random_uuid(), p_action, p_type, p_entity, p_request, p_before, p_after);
end $$;
