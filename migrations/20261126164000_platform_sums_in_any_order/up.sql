-- Running sums begin with whatever comes first: in one statement, lines may be there before their contract and floors before their unit.

create or replace function app.contract_sums_begin() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into contract_sums (org_id, contract_id, contractor_org_id) values (new.org_id, new.id, new.contractor_org_id)
        on conflict (org_id, contract_id) do nothing;
    return null;
end $$;

create or replace function app.contract_lines_sum() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into contract_sums as s (org_id, contract_id, contractor_org_id, lines)
        select l.org_id, l.contract_id, l.contractor_org_id, sum(l.amount) from touched l where l.counts group by 1, 2, 3
        on conflict (org_id, contract_id) do update set lines = s.lines + excluded.lines;
    return null;
end $$;

create or replace function app.milestones_sum() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
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
end $$;

create or replace function app.unit_sums_begin() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into unit_sums (org_id, unit_id) values (new.org_id, new.id) on conflict (org_id, unit_id) do nothing;
    return null;
end $$;

create or replace function app.unit_floors_more() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into unit_sums as s (org_id, unit_id, floors, area)
        select f.org_id, f.unit_id, count(*), sum(f.floor_area) from more f group by 1, 2
        on conflict (org_id, unit_id) do update set floors = s.floors + excluded.floors, area = s.area + excluded.area;
    return null;
end $$;
