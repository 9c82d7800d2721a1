-- Triggers of projects as every shard can run them (decision 34): none asks what its table is called, and a transition table is gone through in
-- a loop, other tables being touched by the keys of its rows.

create function app.unit_agrees() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if exists (select from units u join unit_sums s on s.org_id = u.org_id and s.unit_id = u.id
        where u.org_id = new.org_id and u.id = new.id and (s.floors <> u.number_of_floors or abs(s.area - u.total_floor_area) > 0.01)) then
        raise exception 'the floors of unit % do not add up', new.id using errcode = 'check_violation', constraint = 'units_floors_add_up';
    end if;
    return null;
end $$;

create or replace function app.unit_sums_agree() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    if exists (select from units u join unit_sums s on s.org_id = u.org_id and s.unit_id = u.id
        where u.org_id = new.org_id and u.id = new.unit_id and (s.floors <> u.number_of_floors or abs(s.area - u.total_floor_area) > 0.01)) then
        raise exception 'the floors of unit % do not add up', new.unit_id using errcode = 'check_violation', constraint = 'units_floors_add_up';
    end if;
    return null;
end $$;

create or replace function app.unit_floors_less() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in
        select f.org_id, f.unit_id, count(*) as floors, sum(f.floor_area) as area from less f group by 1, 2 order by 1, 2
    loop
        update unit_sums s set floors = s.floors - part.floors, area = s.area - part.area
            where s.org_id = part.org_id and s.unit_id = part.unit_id;
    end loop;
    return null;
end $$;

create or replace function app.unit_floors_more() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    part record;
begin
    for part in
        select f.org_id, f.unit_id, count(*) as floors, sum(f.floor_area) as area from more f group by 1, 2 order by 1, 2
    loop
        insert into unit_sums as s (org_id, unit_id, floors, area) values (part.org_id, part.unit_id, part.floors, part.area)
            on conflict (org_id, unit_id) do update set floors = s.floors + excluded.floors, area = s.area + excluded.area;
    end loop;
    return null;
end $$;

create or replace function app.soq_lines_frozen_stay() returns trigger language plpgsql
    as $$
declare
    version record;
begin
    for version in select distinct t.org_id, t.soq_id from touched t loop
        if exists (select from soqs s where s.org_id = version.org_id and s.id = version.soq_id and s.status = 'frozen') then
            raise exception 'a line of a frozen schedule of quantities never changes' using errcode = 'integrity_constraint_violation';
        end if;
    end loop;
    return null;
end $$;

grant create on schema app to build14_system;
alter function app.unit_agrees owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.unit_agrees from public;

drop trigger units_floors_add_up on units;
create constraint trigger units_floors_add_up after update on units deferrable initially deferred
    for each row execute function app.unit_agrees();
