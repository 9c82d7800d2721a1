-- A milestone is a percentage of the contract sum, an exact amount, the rest that the amounts leave, or a weight.

alter table tender_milestones alter column percent drop not null;
alter table tender_milestones add column amount bigint check (amount > 0);
alter table tender_milestones add column weight numeric(14, 4) check (weight > 0 and weight <= 1000000);
alter table tender_milestones add column remainder boolean not null default false;
alter table tender_milestones add constraint tender_milestones_one_share check (num_nonnulls(percent, amount, weight) + remainder::integer = 1);
create unique index tender_milestones_one_remainder on tender_milestones (org_id, tender_id) where remainder;

-- All milestones of a tender are of one kind; what takes the rest goes with amounts.
create function app.tender_milestones_of_one_kind() returns trigger language plpgsql
    as $$
declare
    tender uuid;
begin
    select m.tender_id into tender
        from (select distinct t.org_id, t.tender_id from touched t) d
        join tender_milestones m on m.org_id = d.org_id and m.tender_id = d.tender_id
        group by m.org_id, m.tender_id
        having count(distinct case when m.percent is not null then 1 when m.weight is not null then 2 else 3 end) > 1
        limit 1;
    if found then
        raise exception 'the milestones of tender % are of several kinds', tender
            using errcode = 'check_violation', constraint = 'tender_milestones_one_kind', table = 'tender_milestones';
    end if;
    return null;
end $$;
create trigger one_kind after insert on tender_milestones referencing new table as touched
    for each statement execute function app.tender_milestones_of_one_kind();
create trigger never_changed before update on tender_milestones for each row execute function app.append_only();
