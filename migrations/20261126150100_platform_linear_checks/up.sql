-- Checks at commit cost what was written, not its square: no trigger asks once per row about all the siblings of that row.
--
-- Where rows must add up to what their parent says, a table of running sums is kept per statement, and what is compared at commit is one row
-- per parent. The sums follow every insert and delete there may ever be; nobody but these functions writes them.

-- Renders a row once, not once per column: a contract carries its whole document.
create or replace function app.keep() returns trigger language plpgsql
    as $$
declare
    before jsonb := to_jsonb(old);
    after jsonb := to_jsonb(new);
    col text;
begin
    foreach col in array tg_argv loop
        if before -> col is distinct from after -> col then
            raise exception '%.% never changes', tg_table_name, col using errcode = 'integrity_constraint_violation';
        end if;
    end loop;
    return new;
end $$;

-- The counting lines and the milestones of each contract.
create table contract_sums (
    org_id uuid not null,
    contract_id uuid not null,
    contractor_org_id uuid not null,
    lines numeric not null default 0,
    milestones numeric not null default 0,
    primary key (org_id, contract_id),
    foreign key (org_id, contract_id, contractor_org_id) references contracts (org_id, id, contractor_org_id) on delete cascade
);
alter table contract_sums enable row level security;
alter table contract_sums force row level security;
call app.open_to_system('contract_sums', 'select, insert, update');

create function app.contract_sums_begin() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into contract_sums (org_id, contract_id, contractor_org_id) values (new.org_id, new.id, new.contractor_org_id);
    return null;
end $$;

create function app.contract_lines_sum() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update contract_sums s set lines = s.lines + t.amount
        from (select l.org_id, l.contract_id, sum(l.amount) as amount from touched l where l.counts group by 1, 2) t
        where s.org_id = t.org_id and s.contract_id = t.contract_id;
    return null;
end $$;

create function app.milestones_sum() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update contract_sums s set milestones = s.milestones + case tg_op when 'DELETE' then -t.amount else t.amount end
        from (select m.org_id, m.contract_id, sum(m.amount) as amount from touched m group by 1, 2) t
        where s.org_id = t.org_id and s.contract_id = t.contract_id;
    return null;
end $$;

drop trigger contracts_sums on contracts;
drop trigger contract_lines_sums on contract_lines;
drop trigger milestones_sums on milestones;

-- I5, once per contract and statement: its counting lines and its milestones each sum to its total.
create or replace function app.contract_sums_agree() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    wanted bigint;
    found_sums contract_sums%rowtype;
begin
    select c.total into wanted from contracts c where c.org_id = new.org_id and c.id = new.contract_id;
    select s.* into found_sums from contract_sums s where s.org_id = new.org_id and s.contract_id = new.contract_id;
    if wanted is not null and (found_sums.lines is distinct from wanted or found_sums.milestones is distinct from wanted) then
        raise exception 'contract % is over %, but its lines sum to % and its milestones to %',
            new.contract_id, wanted, found_sums.lines, found_sums.milestones
            using errcode = 'check_violation', constraint = 'contract_sums_agree';
    end if;
    return null;
end $$;

set local role build14_system;
insert into contract_sums (org_id, contract_id, contractor_org_id, lines, milestones)
    select c.org_id, c.id, c.contractor_org_id, coalesce(l.amount, 0), coalesce(m.amount, 0)
    from contracts c
    left join (select org_id, contract_id, sum(amount) as amount from contract_lines where counts group by 1, 2) l
        on l.org_id = c.org_id and l.contract_id = c.id
    left join (select org_id, contract_id, sum(amount) as amount from milestones group by 1, 2) m
        on m.org_id = c.org_id and m.contract_id = c.id;
reset role;

create trigger contracts_sums after insert on contracts for each row execute function app.contract_sums_begin();
create trigger contract_lines_sums after insert on contract_lines referencing new table as touched
    for each statement execute function app.contract_lines_sum();
create trigger milestones_sums after insert on milestones referencing new table as touched
    for each statement execute function app.milestones_sum();
create trigger milestones_sums_less after delete on milestones referencing old table as touched
    for each statement execute function app.milestones_sum();
create constraint trigger contract_sums_agree after insert or update on contract_sums deferrable initially deferred
    for each row execute function app.contract_sums_agree();

-- I1: whatever entries one statement adds to a ledger transaction sum to zero, so that all of them always do. That there are any is still
-- looked at when the transaction is committed, once per ledger transaction.
create function app.ledger_entries_balance() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    wrong record;
begin
    select e.transaction_id, count(*) as parts, sum(e.amount) as total into wrong
        from touched e group by e.org_id, e.transaction_id having sum(e.amount) <> 0 limit 1;
    if found then
        raise exception 'ledger transaction % has % entries that sum to %', wrong.transaction_id, wrong.parts, wrong.total
            using errcode = 'check_violation', constraint = 'ledger_sums_to_zero';
    end if;
    return null;
end $$;
drop trigger ledger_entries_zero on ledger_entries;
create trigger ledger_entries_balance after insert on ledger_entries referencing new table as touched
    for each statement execute function app.ledger_entries_balance();
create or replace function app.ledger_sums_to_zero() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    parts bigint;
    total numeric;
begin
    select count(*), coalesce(sum(e.amount), 0) into parts, total
        from ledger_entries e where e.org_id = new.org_id and e.transaction_id = new.id;
    if parts < 2 or total <> 0 then
        raise exception 'ledger transaction % has % entries that sum to %', new.id, parts, total
            using errcode = 'check_violation', constraint = 'ledger_sums_to_zero';
    end if;
    return null;
end $$;

-- The floors of each unit.
create table unit_sums (
    org_id uuid not null,
    unit_id uuid not null,
    floors bigint not null default 0,
    area numeric not null default 0,
    primary key (org_id, unit_id),
    foreign key (org_id, unit_id) references units (org_id, id) on delete cascade
);
alter table unit_sums enable row level security;
alter table unit_sums force row level security;
call app.open_to_system('unit_sums', 'select, insert, update');
call app.open_to_system('units', 'select');
call app.open_to_system('unit_floors', 'select');

create function app.unit_sums_begin() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into unit_sums (org_id, unit_id) values (new.org_id, new.id);
    return null;
end $$;

create function app.unit_floors_more() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update unit_sums s set floors = s.floors + t.floors, area = s.area + t.area
        from (select f.org_id, f.unit_id, count(*) as floors, sum(f.floor_area) as area from more f group by 1, 2) t
        where s.org_id = t.org_id and s.unit_id = t.unit_id;
    return null;
end $$;

create function app.unit_floors_less() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update unit_sums s set floors = s.floors - t.floors, area = s.area - t.area
        from (select f.org_id, f.unit_id, count(*) as floors, sum(f.floor_area) as area from less f group by 1, 2) t
        where s.org_id = t.org_id and s.unit_id = t.unit_id;
    return null;
end $$;

drop trigger units_floors_add_up on units;
drop trigger unit_floors_add_up on unit_floors;
drop function app.units_floors_add_up;

-- At commit a unit has as many floors as it says, and their areas add up to its own; once per unit and statement.
create function app.unit_sums_agree() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    org uuid := new.org_id;
    unit uuid := case tg_table_name when 'units' then to_jsonb(new) ->> 'id' else to_jsonb(new) ->> 'unit_id' end;
begin
    if exists (select from units u join unit_sums s on s.org_id = u.org_id and s.unit_id = u.id
        where u.org_id = org and u.id = unit and (s.floors <> u.number_of_floors or abs(s.area - u.total_floor_area) > 0.01)) then
        raise exception 'the floors of unit % do not add up', unit using errcode = 'check_violation', constraint = 'units_floors_add_up';
    end if;
    return null;
end $$;

set local role build14_system;
insert into unit_sums (org_id, unit_id, floors, area)
    select u.org_id, u.id, count(f.unit_id), coalesce(sum(f.floor_area), 0)
    from units u left join unit_floors f on f.org_id = u.org_id and f.unit_id = u.id group by 1, 2;
reset role;

create trigger units_sums after insert on units for each row execute function app.unit_sums_begin();
create constraint trigger units_floors_add_up after update on units deferrable initially deferred
    for each row execute function app.unit_sums_agree();
create trigger unit_floors_more after insert on unit_floors referencing new table as more
    for each statement execute function app.unit_floors_more();
create trigger unit_floors_less after delete on unit_floors referencing old table as less
    for each statement execute function app.unit_floors_less();
create trigger unit_floors_changed_more after update on unit_floors referencing new table as more
    for each statement execute function app.unit_floors_more();
create trigger unit_floors_changed_less after update on unit_floors referencing old table as less
    for each statement execute function app.unit_floors_less();
create constraint trigger unit_sums_agree after insert or update on unit_sums deferrable initially deferred
    for each row execute function app.unit_sums_agree();

-- Whether an organisation still has an owner is one look, however many members it has.
create index memberships_owners on memberships (org_id) where role = 'owner';

grant create on schema app to build14_system;
alter function app.contract_sums_begin owner to build14_system;
alter function app.contract_lines_sum owner to build14_system;
alter function app.milestones_sum owner to build14_system;
alter function app.ledger_entries_balance owner to build14_system;
alter function app.unit_sums_begin owner to build14_system;
alter function app.unit_floors_more owner to build14_system;
alter function app.unit_floors_less owner to build14_system;
alter function app.unit_sums_agree owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.contract_sums_begin, app.contract_lines_sum, app.milestones_sum, app.ledger_entries_balance,
    app.unit_sums_begin, app.unit_floors_more, app.unit_floors_less, app.unit_sums_agree from public;
