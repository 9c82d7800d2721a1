-- Functions of contracts as a distributed engine can run them (decision 34): transition tables are gone through in a loop, a door takes the
-- organisation of the row that it opens, no statement joins rows of two organisations, and no signature has a table's row type.

create or replace function app.contract_lines_sum() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in
        select l.org_id, l.contract_id, l.contractor_org_id, sum(l.amount) as amount from touched l where l.counts
        group by 1, 2, 3 order by 1, 2
    loop
        insert into contract_sums as s (org_id, contract_id, contractor_org_id, lines)
            values (part.org_id, part.contract_id, part.contractor_org_id, part.amount)
            on conflict (org_id, contract_id) do update set lines = s.lines + excluded.lines;
    end loop;
    return null;
end $$;

create or replace function app.milestones_sum() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in
        select m.org_id, m.contract_id, m.contractor_org_id, sum(m.amount) as amount from touched m group by 1, 2, 3 order by 1, 2
    loop
        if tg_op = 'DELETE' then
            update contract_sums s set milestones = s.milestones - part.amount
                where s.org_id = part.org_id and s.contract_id = part.contract_id;
        else
            insert into contract_sums as s (org_id, contract_id, contractor_org_id, milestones)
                values (part.org_id, part.contract_id, part.contractor_org_id, part.amount)
                on conflict (org_id, contract_id) do update set milestones = s.milestones + excluded.milestones;
        end if;
    end loop;
    return null;
end $$;

-- As before, in plpgsql.
create or replace function app.coverage() returns table (currency text, money numeric, floated numeric, owed numeric)
    language plpgsql stable
    as $$
#variable_conflict use_column
begin
    return query
        select part.currency, sum(part.money), sum(part.floated), sum(part.owed)
        from (select b.currency, case when b.account < 2000 then b.balance else 0 end as money, 0::bigint as floated,
                     case when b.account >= 2000 then -b.balance else 0 end as owed
              from ledger_balances b where b.account in (1000, 1010, 1020) or b.account between 2000 and 2099
              union all
              select f.currency, 0, f.amount, 0 from platform_float f) as part
        group by part.currency;
end $$;

-- Where the contractor is paid: told to the contractor, and to the owner once the contract is in force, which takes the contractor's signature.
drop function app.payee_of_contract(uuid);
create function app.payee_of_contract(p_org uuid, p_contract uuid, out account text, out status text)
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
begin
    select c.contractor_org_id into contractor from contracts c where c.org_id = p_org and c.id = p_contract
        and (c.contractor_org_id = app.org() or (c.org_id = app.org() and c.activated_at is not null));
    if found then
        select p.account, p.status into account, status from payee_accounts p where p.org_id = contractor;
    end if;
end $$;

-- Whether a contract in force of the tenant stands still until its contractor has an account again.
drop function app.contracts_without_payee(uuid[]);
create function app.lacks_payee(p_org uuid, p_contract uuid) returns boolean
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$
declare
    contractor uuid;
begin
    select c.contractor_org_id into contractor from contracts c where c.org_id = p_org and c.id = p_contract
        and (c.org_id = app.org() or c.contractor_org_id = app.org()) and c.status in ('active', 'practically_complete');
    if not found then
        return false;
    end if;
    return not exists (select from payee_accounts p where p.org_id = contractor and p.status not in ('closed', 'onboarding'));
end $$;

-- What happened to a hold, in the trails of both parties: in one order, in which their chains are locked at commit.
create function app.record_hold(p_org uuid, p_hold uuid, p_action text, p_request text, p_operator text, p_reason text) returns void
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    h holds%rowtype;
    party uuid;
begin
    select * into strict h from holds x where x.org_id = p_org and x.id = p_hold;
    foreach party in array array[least(h.org_id, h.contractor_org_id), greatest(h.org_id, h.contractor_org_id)] loop
        insert into audit_entries (org_id, id, action, entity_type, entity_id, request_id, after)
            values (party, gen_random_uuid(), p_action, case when h.milestone_id is null then 'contract' else 'milestone' end,
                coalesce(h.milestone_id, h.contract_id), p_request,
                jsonb_strip_nulls(jsonb_build_object('holdId', h.id, 'kind', h.kind, 'contractId', h.contract_id,
                    'operator', p_operator, 'reason', case when p_operator is not null then p_reason end)));
    end loop;
end $$;

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
    perform app.record_hold(h.org_id, h.id, 'escrow.hold_placed', p_request, p_operator, p_reason);
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
    perform app.record_hold(h.org_id, h.id, 'escrow.hold_lifted', p_request, p_operator, p_reason);
    return true;
end $function$;

drop function app.record_hold(holds, text, text, text, text);

grant create on schema app to build14_system;
alter function app.payee_of_contract owner to build14_system;
alter function app.lacks_payee owner to build14_system;
alter function app.record_hold owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.payee_of_contract, app.lacks_payee, app.record_hold from public;
grant execute on function app.payee_of_contract, app.lacks_payee to build14_app;
