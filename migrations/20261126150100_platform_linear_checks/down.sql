drop index memberships_owners;

drop trigger unit_floors_more on unit_floors;
drop trigger unit_floors_less on unit_floors;
drop trigger unit_floors_changed_more on unit_floors;
drop trigger unit_floors_changed_less on unit_floors;
drop trigger units_sums on units;
drop trigger units_floors_add_up on units;
drop table unit_sums;
drop function app.unit_sums_begin;
drop function app.unit_floors_more;
drop function app.unit_floors_less;
drop function app.unit_sums_agree;
drop policy platform on units;
drop policy platform on unit_floors;
revoke select on units, unit_floors from build14_system;
create function app.units_floors_add_up() returns trigger language plpgsql
    as $$
declare
    unit units;
    floors bigint;
    area numeric;
begin
    if tg_table_name = 'units' then
        select u.* into unit from units u where u.org_id = new.org_id and u.id = new.id;
    elsif tg_op = 'DELETE' then
        select u.* into unit from units u where u.org_id = old.org_id and u.id = old.unit_id;
    else
        select u.* into unit from units u where u.org_id = new.org_id and u.id = new.unit_id;
    end if;
    if found then
        select count(*), coalesce(sum(f.floor_area), 0) into floors, area
            from unit_floors f where f.org_id = unit.org_id and f.unit_id = unit.id;
        if floors <> unit.number_of_floors or abs(area - unit.total_floor_area) > 0.01 then
            raise exception 'the floors of unit % do not add up', unit.id using errcode = 'check_violation';
        end if;
    end if;
    return null;
end $$;
create constraint trigger units_floors_add_up after insert or update on units
    deferrable initially deferred for each row execute function app.units_floors_add_up();
create constraint trigger unit_floors_add_up after insert or update or delete on unit_floors
    deferrable initially deferred for each row execute function app.units_floors_add_up();

drop trigger ledger_entries_balance on ledger_entries;
drop function app.ledger_entries_balance;
create or replace function app.ledger_sums_to_zero() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    org uuid;
    tx uuid;
    parts bigint;
    total numeric;
begin
    org := new.org_id;
    tx := case tg_table_name when 'ledger_entries' then (to_jsonb(new) ->> 'transaction_id')::uuid else (to_jsonb(new) ->> 'id')::uuid end;
    select count(*), coalesce(sum(e.amount), 0) into parts, total
        from ledger_entries e where e.org_id = org and e.transaction_id = tx;
    if parts < 2 or total <> 0 then
        raise exception 'ledger transaction % has % entries that sum to %', tx, parts, total
            using errcode = 'check_violation', constraint = 'ledger_sums_to_zero';
    end if;
    return null;
end $$;
create constraint trigger ledger_entries_zero after insert on ledger_entries deferrable initially deferred for each row
    execute function app.ledger_sums_to_zero();

drop trigger contracts_sums on contracts;
drop trigger contract_lines_sums on contract_lines;
drop trigger milestones_sums on milestones;
drop trigger milestones_sums_less on milestones;
drop table contract_sums;
drop function app.contract_sums_begin;
drop function app.contract_lines_sum;
drop function app.milestones_sum;
create or replace function app.contract_sums_agree() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    row_now jsonb := to_jsonb(coalesce(new, old));
    org uuid := (row_now ->> 'org_id')::uuid;
    contract uuid := (case tg_table_name when 'contracts' then row_now ->> 'id' else row_now ->> 'contract_id' end)::uuid;
    sum_wanted bigint;
    sum_lines numeric;
    sum_milestones numeric;
begin
    select c.total into sum_wanted from contracts c where c.org_id = org and c.id = contract;
    select coalesce(sum(l.amount), 0) into sum_lines from contract_lines l where l.org_id = org and l.contract_id = contract and l.counts;
    select coalesce(sum(m.amount), 0) into sum_milestones from milestones m where m.org_id = org and m.contract_id = contract;
    if sum_wanted is not null and (sum_lines <> sum_wanted or sum_milestones <> sum_wanted) then
        raise exception 'contract % is over %, but its lines sum to % and its milestones to %', contract, sum_wanted, sum_lines, sum_milestones
            using errcode = 'check_violation', constraint = 'contract_sums_agree';
    end if;
    return null;
end $$;
create constraint trigger contracts_sums after insert on contracts deferrable initially deferred for each row
    execute function app.contract_sums_agree();
create constraint trigger contract_lines_sums after insert on contract_lines deferrable initially deferred for each row
    execute function app.contract_sums_agree();
create constraint trigger milestones_sums after insert or delete on milestones deferrable initially deferred for each row
    execute function app.contract_sums_agree();

create or replace function app.keep() returns trigger language plpgsql
    as $$
declare
    col text;
begin
    foreach col in array tg_argv loop
        if to_jsonb(old) -> col is distinct from to_jsonb(new) -> col then
            raise exception '%.% never changes', tg_table_name, col using errcode = 'integrity_constraint_violation';
        end if;
    end loop;
    return new;
end $$;
