CREATE OR REPLACE FUNCTION app.contract_lines_sum()
 returns trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    insert into contract_sums as s (org_id, contract_id, contractor_org_id, lines)
        select l.org_id, l.contract_id, l.contractor_org_id, sum(l.amount) from touched l where l.counts group by 1, 2, 3
        on conflict (org_id, contract_id) do update set lines = s.lines + excluded.lines;
    return null;
end $function$;

CREATE OR REPLACE FUNCTION app.milestones_sum()
 returns trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    if tg_op = 'DELETE' then
        update contract_sums s set milestones = s.milestones - t.amount
            from (select m.org_id, m.contract_id, sum(m.amount) as amount from touched m group by 1, 2) t
            where s.org_id = t.org_id and s.contract_id = t.contract_id;
    else
        insert into contract_sums as s (org_id, contract_id, contractor_org_id, milestones)
            select m.org_id, m.contract_id, m.contractor_org_id, sum(m.amount) from touched m group by 1, 2, 3
            on conflict (org_id, contract_id) do update set milestones = s.milestones + excluded.milestones;
    end if;
    return null;
end $function$;

CREATE OR REPLACE FUNCTION app.coverage()
 returns TABLE(currency text, money numeric, floated numeric, owed numeric)
 LANGUAGE sql
 STABLE
AS $function$
    select part.currency, sum(part.money), sum(part.floated), sum(part.owed)
    from (select b.currency, case when b.account < 2000 then b.balance else 0 end as money, 0 as floated,
                 case when b.account >= 2000 then -b.balance else 0 end as owed
          from ledger_balances b where b.account in (1000, 1010, 1020) or b.account between 2000 and 2099
          union all
          select f.currency, 0, f.amount, 0 from platform_float f) as part
    group by part.currency
$function$;

drop function app.payee_of_contract(uuid, uuid);
CREATE OR REPLACE FUNCTION app.payee_of_contract(p_contract uuid, OUT account text, OUT status text)
 returns record
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
    select p.account, p.status
    from contracts c join payee_accounts p on p.org_id = c.contractor_org_id
    where c.id = p_contract and (c.contractor_org_id = app.org() or (c.org_id = app.org() and c.activated_at is not null))
$function$;

drop function app.lacks_payee(uuid, uuid);
CREATE OR REPLACE FUNCTION app.contracts_without_payee(p_contracts uuid[])
 returns SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    return query
        select c.id from contracts c left join payee_accounts p on p.org_id = c.contractor_org_id
        where c.id = any (p_contracts) and (c.org_id = app.org() or c.contractor_org_id = app.org())
          and c.status in ('active', 'practically_complete') and coalesce(p.status, 'closed') in ('closed', 'onboarding');
end $function$;

CREATE OR REPLACE FUNCTION app.record_hold(h holds, p_action text, p_request text, p_operator text, p_reason text)
 returns void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, after)
        select party, gen_random_uuid(), p_action, case when h.milestone_id is null then 'contract' else 'milestone' end,
               coalesce(h.milestone_id, h.contract_id), p_request,
               jsonb_strip_nulls(jsonb_build_object('holdId', h.id, 'kind', h.kind, 'contractId', h.contract_id,
                   'operator', p_operator, 'reason', case when p_operator is not null then p_reason end))
        from unnest(array[h.org_id, h.contractor_org_id]) as party order by party;
end $function$;

CREATE OR REPLACE FUNCTION app.place_hold(p_org uuid, p_id uuid, p_contract uuid, p_milestone uuid, p_kind text, p_object text, p_reason text, p_operator text, p_request text)
 returns boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    c contracts%rowtype;
    h holds%rowtype;
begin
    select * into c from contracts where org_id = p_org and id = p_contract for share;
    if not found then
        raise exception 'there is no contract % of %', p_contract, p_org using errcode = 'no_data_found';
    end if;
    perform app.check_hold_of(c.org_id, c.contractor_org_id);
    perform from milestones
        where org_id = p_org and contract_id = p_contract and (p_milestone is null or id = p_milestone) order by position for update;
    if not found then
        raise exception 'there is no milestone % of contract %', p_milestone, p_contract using errcode = 'no_data_found';
    end if;
    insert into holds (org_id, id, contract_id, contractor_org_id, milestone_id, kind, object, reason, placed_by)
        values (c.org_id, p_id, c.id, c.contractor_org_id, p_milestone, p_kind, p_object, p_reason, p_operator)
        on conflict (org_id, contract_id, milestone_id, kind, object) where lifted_at is null do nothing
        returning * into h;
    if not found then
        return false;
    end if;
    perform app.record_hold(h, 'escrow.hold_placed', p_request, p_operator, p_reason);
    return true;
end $function$;

CREATE OR REPLACE FUNCTION app.lift_hold(p_org uuid, p_id uuid, p_operator text, p_reason text, p_request text)
 returns boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    h holds%rowtype;
begin
    if app.user_id() is not null then
        raise exception 'a hold is lifted by the platform alone' using errcode = 'insufficient_privilege';
    end if;
    select * into h from holds where org_id = p_org and id = p_id;
    if not found then
        raise exception 'there is no hold % of %', p_id, p_org using errcode = 'no_data_found';
    end if;
    perform app.check_hold_of(h.org_id, h.contractor_org_id);
    perform from contracts where org_id = h.org_id and id = h.contract_id for share;
    perform from milestones
        where org_id = h.org_id and contract_id = h.contract_id and (h.milestone_id is null or id = h.milestone_id) order by position for update;
    update holds set lifted_at = now(), lifted_by = p_operator, lift_reason = p_reason
        where org_id = p_org and id = p_id and lifted_at is null returning * into h;
    if not found then
        return false;
    end if;
    perform app.record_hold(h, 'escrow.hold_lifted', p_request, p_operator, p_reason);
    return true;
end $function$;

drop function app.record_hold(uuid, uuid, text, text, text, text);

grant create on schema app to build14_system;
alter function app.payee_of_contract(uuid) owner to build14_system;
alter function app.contracts_without_payee(uuid[]) owner to build14_system;
alter function app.record_hold(holds, text, text, text, text) owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.payee_of_contract, app.contracts_without_payee, app.record_hold from public;
grant execute on function app.payee_of_contract, app.contracts_without_payee to build14_app;
