create or replace function app.audit_other_party(p_org uuid, p_contract uuid, p_entry uuid, p_action text, p_request text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    c contracts%rowtype;
    t contract_terminations%rowtype;
    own text;
    other uuid;
    before jsonb;
    after jsonb;
begin
    select * into c from contracts x where x.org_id = p_org and x.id = p_contract and app.org() in (x.org_id, x.contractor_org_id);
    if not found then
        raise exception 'contract % is not of this organisation', p_contract using errcode = 'insufficient_privilege';
    end if;
    perform app.check_actor();
    own := case when app.org() = c.org_id then 'owner' else 'contractor' end;
    other := case own when 'owner' then c.contractor_org_id else c.org_id end;
    select * into t from contract_terminations x where x.org_id = c.org_id and x.contract_id = c.id and case p_action
        when 'contracts.propose_termination' then
            x.party = own and x.proposed_by = app.user_id() and x.proposed_at = now() and x.agreed_at is null and x.withdrawn_at is null
        when 'contracts.withdraw_termination' then x.party = own and x.withdrawn_by = app.user_id() and x.withdrawn_at = now()
        when 'contracts.terminate' then x.party <> own and x.agreed_by = app.user_id() and x.agreed_at = now()
        else false end;
    if not found or exists (select from audit_entries e
        where e.org_id = other and e.entity_id = c.id and e.action = p_action and e.at >= now()) then
        raise exception 'nothing happened to contract % that the other party is told as %', p_contract, p_action
            using errcode = 'insufficient_privilege';
    end if;
    case p_action
        when 'contracts.propose_termination' then
            before := jsonb_build_object('status', c.status);
            after := jsonb_build_object('status', c.status, 'proposedBy', own, 'reason', t.reason);
        when 'contracts.withdraw_termination' then
            before := jsonb_build_object('status', c.status, 'proposedBy', own);
            after := jsonb_build_object('status', c.status);
        else
            before := jsonb_build_object('status', case c.status when 'cancelled' then 'signing' else 'active' end);
            after := jsonb_build_object('status', c.status, 'agreedBy', own, 'reason', t.reason);
    end case;
    insert into audit_entries (org_id, id, actor_id, action, entity_type, entity_id, request_id, before, after)
        values (other, p_entry, app.user_id(), p_action, 'contract', c.id, p_request, before, after);
end $$;
