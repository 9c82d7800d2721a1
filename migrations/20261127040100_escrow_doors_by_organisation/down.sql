drop function app.activate_contract(uuid, uuid, uuid, text);
CREATE OR REPLACE FUNCTION app.activate_contract(p_contract uuid, p_event uuid, p_request text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    c contracts%rowtype;
begin
    select * into c from contracts where id = p_contract and (org_id = app.org() or contractor_org_id = app.org()) for update;
    if not found or c.status <> 'signing' then
        return 'not_signing';
    end if;
    if (select count(*) from contract_signatures s
        where s.org_id = c.org_id and s.contract_id = c.id and s.sha256 = c.document_sha256) < 2 then
        return 'waiting';
    end if;
    if not exists (select from payee_accounts p where p.org_id = c.contractor_org_id and p.status = 'active') then
        return 'payee_not_active';
    end if;
    update contracts set status = 'active', activated_at = now(), updated_at = now() where org_id = c.org_id and id = c.id;
    insert into escrow_accounts (org_id, contract_id, contractor_org_id, currency) values (c.org_id, c.id, c.contractor_org_id, c.currency);
    insert into outbox (id, org_id, kind, aggregate, payload, request_id)
        values (p_event, c.org_id, 'escrow.contract_activated', c.id,
            jsonb_build_object('contract', c.id, 'tender', c.tender_id, 'bid', c.bid_id), p_request);
    notify outbox;
    return 'active';
end $function$;

drop function app.tell_contractor(uuid, uuid, text, text, uuid, text, jsonb, jsonb);
CREATE OR REPLACE FUNCTION app.tell_contractor(p_contract uuid, p_action text, p_type text, p_entity uuid, p_request text, p_before jsonb, p_after jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    contractor uuid;
begin
    select contractor_org_id into contractor from contracts where org_id = app.org() and id = p_contract;
    if not found or app.user_id() is not null then
        raise exception 'contract % is not the tenant''s, or a person asks', p_contract using errcode = 'insufficient_privilege';
    end if;
    if p_type <> 'release' or p_action not in ('escrow.release_reversed', 'escrow.reversal_settled')
        or p_before - array['status', 'reversed', 'settled'] <> '{}'
        or p_after - array['status', 'reversed', 'settled', 'transfer', 'paidWith', 'operator', 'reason'] <> '{}'
        or octet_length(p_before::text) + octet_length(p_after::text) > 20000
        or not exists (select from ledger_entries e join ledger_transactions x on x.org_id = e.org_id and x.id = e.transaction_id
            where e.org_id = app.org() and e.contract_id = p_contract and e.account = 2090 and e.subject = p_entity
                and x.kind = 'E5' and x.created_at = now())
        or exists (select from audit_entries e
            where e.org_id = contractor and e.entity_id = p_entity and e.action = p_action and e.at >= now()) then
        raise exception 'nothing came back of release % that the contractor is told as %', p_entity, p_action
            using errcode = 'insufficient_privilege';
    end if;
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, before, after)
        values (contractor, gen_random_uuid(), p_action, p_type, p_entity, p_request, p_before, p_after);
end $function$;

grant create on schema app to build14_system;
alter function app.activate_contract(uuid, uuid, text) owner to build14_system;
alter function app.tell_contractor(uuid, text, text, uuid, text, jsonb, jsonb) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.activate_contract, app.tell_contractor from public;
grant execute on function app.activate_contract, app.tell_contractor to build14_app;
