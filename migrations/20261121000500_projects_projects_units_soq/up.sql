-- Projects with their teams, units with their floors, and schedules of quantities (SOQ) in versions.

create table projects (
    org_id uuid not null,
    id uuid not null,
    owner_id uuid not null,
    name text not null check (length(name) between 1 and 200),
    description text check (length(description) <= 4000),
    address text check (length(address) <= 500),
    status text not null default 'planning' check (status in ('planning', 'active', 'completed', 'archived')),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    budget_minor bigint check (budget_minor >= 0),
    starts_on date,
    ends_on date,
    tendered_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    constraint projects_org_id_id_currency_key unique (org_id, id, currency),
    constraint projects_dates_in_order check (ends_on >= starts_on),
    constraint projects_tendered_is_under_way check (tendered_at is null or status <> 'planning')
);
create index projects_newest on projects (org_id, created_at desc, id desc);
create index projects_newest_by_status on projects (org_id, status, created_at desc, id desc);
call app.protect('projects');
grant select, insert, update, delete on projects to build14_app;
create trigger projects_keep before update on projects for each row execute function app.keep('org_id', 'id', 'owner_id', 'created_at');

create function app.projects_tendered_stay() returns trigger language plpgsql
    as $$
begin
    if old.tendered_at is not null then
        if tg_op = 'DELETE' then
            raise exception 'a tendered project stays' using errcode = 'integrity_constraint_violation';
        elsif new.tendered_at is distinct from old.tendered_at then
            raise exception 'projects.tendered_at never changes once set' using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger projects_tendered_stay before update or delete on projects for each row execute function app.projects_tendered_stay();

create table project_members (
    org_id uuid not null,
    project_id uuid not null,
    user_id uuid not null,
    role text not null check (role in ('project_owner', 'in_house_user')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, project_id, user_id),
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade,
    -- Who leaves the organisation leaves its teams, and does not find the old roles when coming back.
    constraint project_members_membership_fkey
        foreign key (org_id, user_id) references memberships (org_id, user_id) on delete cascade
);
create index project_members_of_person on project_members (org_id, user_id);
create index project_members_newest on project_members (org_id, project_id, created_at desc, user_id desc);
call app.protect('project_members');
grant select, insert, update, delete on project_members to build14_app;
-- Sign-in resolves a person's roles before any tenant is entered.
call app.open_to_system('project_members', 'select');
create trigger project_members_keep before update on project_members
    for each row execute function app.keep('org_id', 'project_id', 'user_id', 'created_at');

create table units (
    org_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    unit_number text not null check (length(unit_number) between 1 and 50),
    total_floor_area numeric(18, 4) not null check (total_floor_area > 0),
    number_of_floors integer not null check (number_of_floors between 1 and 210),
    number_of_rooms integer not null check (number_of_rooms between 1 and 10000),
    number_of_bathrooms integer not null check (number_of_bathrooms between 1 and 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id),
    constraint units_org_id_project_id_id_key unique (org_id, project_id, id),
    constraint units_org_id_project_id_unit_number_key unique (org_id, project_id, unit_number),
    foreign key (org_id, project_id) references projects (org_id, id) on delete cascade
);
create index units_newest on units (org_id, project_id, created_at desc, id desc);
call app.protect('units');
grant select, insert on units to build14_app;
create trigger units_keep before update on units for each row execute function app.keep('org_id', 'id', 'project_id', 'created_at');

create table unit_floors (
    org_id uuid not null,
    unit_id uuid not null,
    floor_number integer not null check (floor_number between -9 and 200),
    floor_area numeric(18, 4) not null check (floor_area > 0),
    primary key (org_id, unit_id, floor_number),
    foreign key (org_id, unit_id) references units (org_id, id) on delete cascade
);
call app.protect('unit_floors');
grant select, insert on unit_floors to build14_app;

-- At commit a unit has as many floors as it says, and their areas add up to its own.
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

create table soqs (
    org_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    title text not null check (length(title) between 1 and 200),
    status text not null default 'draft' check (status in ('draft', 'frozen')),
    version integer not null check (version >= 1),
    previous_id uuid,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    line_count integer not null check (line_count between 0 and 20000),
    estimate_total_minor bigint not null check (estimate_total_minor >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    frozen_at timestamptz,
    primary key (org_id, id),
    constraint soqs_org_id_project_id_id_key unique (org_id, project_id, id),
    -- Versions form a chain: one successor at most.
    constraint soqs_org_id_previous_id_key unique (org_id, previous_id),
    constraint soqs_first_has_no_previous check ((version = 1) = (previous_id is null)),
    constraint soqs_frozen_has_date check ((status = 'frozen') = (frozen_at is not null)),
    -- With the currency: it cannot change under the amounts of a schedule.
    constraint soqs_project_currency_fkey
        foreign key (org_id, project_id, currency) references projects (org_id, id, currency) on delete cascade,
    foreign key (org_id, project_id, previous_id) references soqs (org_id, project_id, id)
);
create index soqs_newest on soqs (org_id, created_at desc, id desc);
create index soqs_newest_of_project on soqs (org_id, project_id, created_at desc, id desc);
call app.protect('soqs');
grant select, insert, update, delete on soqs to build14_app;
create trigger soqs_keep before update on soqs
    for each row execute function app.keep('org_id', 'id', 'project_id', 'version', 'previous_id', 'currency', 'created_at');

-- A line's id is its identity through all versions, so the key is the version and the line.
create table soq_lines (
    org_id uuid not null,
    soq_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    position integer not null check (position between 1 and 20000),
    code text not null check (length(code) <= 64),
    description text not null check (length(description) between 1 and 4000),
    kind text not null
        check (kind in ('heading', 'text', 'measured', 'lump_sum', 'provisional_defined', 'provisional_undefined', 'optional')),
    unit_code text check (unit_code ~ '^[A-Z0-9]{2,3}$'),
    unit_text text check (length(unit_text) between 1 and 40),
    quantity numeric(18, 4) check (quantity > 0),
    estimate_rate numeric(18, 4) check (estimate_rate >= 0),
    unit_id uuid,
    primary key (org_id, soq_id, id),
    constraint soq_lines_position_key unique (org_id, soq_id, position),
    constraint soq_lines_text_has_no_price check (
        kind not in ('heading', 'text') or (quantity is null and estimate_rate is null and unit_code is null and unit_text is null)),
    constraint soq_lines_payable_has_quantity check (kind in ('heading', 'text') or quantity is not null),
    constraint soq_lines_sum_is_one check (kind not in ('lump_sum', 'provisional_defined', 'provisional_undefined') or quantity = 1),
    constraint soq_lines_provisional_has_amount
        check (kind not in ('provisional_defined', 'provisional_undefined') or estimate_rate is not null),
    foreign key (org_id, project_id, soq_id) references soqs (org_id, project_id, id) on delete cascade,
    -- Looked at on commit: a project's deletion takes units and lines with it, in whatever order.
    foreign key (org_id, project_id, unit_id) references units (org_id, project_id, id) deferrable initially deferred
);
create index soq_lines_of_unit on soq_lines (org_id, unit_id) where unit_id is not null;
call app.protect('soq_lines');
grant select, insert, update, delete on soq_lines to build14_app;
create trigger soq_lines_keep before update on soq_lines for each row execute function app.keep('org_id', 'soq_id', 'id', 'project_id');

-- A frozen version never changes. It goes only with its whole project (a cascade: trigger depth above 1), as long as that was never tendered.
create function app.soqs_frozen_stay() returns trigger language plpgsql
    as $$
begin
    if old.status = 'frozen' and (tg_op = 'UPDATE' or pg_trigger_depth() = 1) then
        raise exception 'a frozen schedule of quantities never changes' using errcode = 'integrity_constraint_violation';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger soqs_frozen_stay before update or delete on soqs for each row execute function app.soqs_frozen_stay();

create function app.soq_lines_frozen_stay() returns trigger language plpgsql
    as $$
begin
    if exists (select from touched t join soqs s on s.org_id = t.org_id and s.id = t.soq_id where s.status = 'frozen') then
        raise exception 'a line of a frozen schedule of quantities never changes' using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
create trigger soq_lines_frozen_insert after insert on soq_lines referencing new table as touched
    for each statement execute function app.soq_lines_frozen_stay();
create trigger soq_lines_frozen_update after update on soq_lines referencing old table as touched
    for each statement execute function app.soq_lines_frozen_stay();
create trigger soq_lines_frozen_delete after delete on soq_lines referencing old table as touched
    for each statement execute function app.soq_lines_frozen_stay();
