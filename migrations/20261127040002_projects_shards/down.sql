drop trigger units_floors_add_up on units;
drop function app.unit_agrees;

CREATE OR REPLACE FUNCTION app.unit_sums_agree()
 returns trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
    org uuid := new.org_id;
    unit uuid := case tg_table_name when 'units' then to_jsonb(new) ->> 'id' else to_jsonb(new) ->> 'unit_id' end;
begin
    if exists (select from units u join unit_sums s on s.org_id = u.org_id and s.unit_id = u.id
        where u.org_id = org and u.id = unit and (s.floors <> u.number_of_floors or abs(s.area - u.total_floor_area) > 0.01)) then
        raise exception 'the floors of unit % do not add up', unit using errcode = 'check_violation', constraint = 'units_floors_add_up';
    end if;
    return null;
end $function$;

CREATE OR REPLACE FUNCTION app.unit_floors_less()
 returns trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    update unit_sums s set floors = s.floors - t.floors, area = s.area - t.area
        from (select f.org_id, f.unit_id, count(*) as floors, sum(f.floor_area) as area from less f group by 1, 2) t
        where s.org_id = t.org_id and s.unit_id = t.unit_id;
    return null;
end $function$;

CREATE OR REPLACE FUNCTION app.unit_floors_more()
 returns trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
    insert into unit_sums as s (org_id, unit_id, floors, area)
        select f.org_id, f.unit_id, count(*), sum(f.floor_area) from more f group by 1, 2
        on conflict (org_id, unit_id) do update set floors = s.floors + excluded.floors, area = s.area + excluded.area;
    return null;
end $function$;

CREATE OR REPLACE FUNCTION app.soq_lines_frozen_stay()
 returns trigger
 LANGUAGE plpgsql
AS $function$
begin
    if exists (select from touched t join soqs s on s.org_id = t.org_id and s.id = t.soq_id where s.status = 'frozen') then
        raise exception 'a line of a frozen schedule of quantities never changes' using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $function$;

create constraint trigger units_floors_add_up after update on units deferrable initially deferred
    for each row execute function app.unit_sums_agree();
