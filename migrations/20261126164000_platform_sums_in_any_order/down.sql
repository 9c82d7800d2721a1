create or replace function app.contract_sums_begin() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into contract_sums (org_id, contract_id, contractor_org_id) values (new.org_id, new.id, new.contractor_org_id);
    return null;
end $$;

create or replace function app.contract_lines_sum() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update contract_sums s set lines = s.lines + t.amount
        from (select l.org_id, l.contract_id, sum(l.amount) as amount from touched l where l.counts group by 1, 2) t
        where s.org_id = t.org_id and s.contract_id = t.contract_id;
    return null;
end $$;

create or replace function app.milestones_sum() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update contract_sums s set milestones = s.milestones + case tg_op when 'DELETE' then -t.amount else t.amount end
        from (select m.org_id, m.contract_id, sum(m.amount) as amount from touched m group by 1, 2) t
        where s.org_id = t.org_id and s.contract_id = t.contract_id;
    return null;
end $$;

create or replace function app.unit_sums_begin() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    insert into unit_sums (org_id, unit_id) values (new.org_id, new.id);
    return null;
end $$;

create or replace function app.unit_floors_more() returns trigger language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    update unit_sums s set floors = s.floors + t.floors, area = s.area + t.area
        from (select f.org_id, f.unit_id, count(*) as floors, sum(f.floor_area) as area from more f group by 1, 2) t
        where s.org_id = t.org_id and s.unit_id = t.unit_id;
    return null;
end $$;
