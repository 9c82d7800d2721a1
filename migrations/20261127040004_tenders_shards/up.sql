-- As before; the transition table is gone through in a loop, so that the statement on other rows names their tender (decision 34).
create or replace function app.tender_milestones_of_one_kind() returns trigger language plpgsql
    as $$
declare
    tender record;
begin
    for tender in select distinct t.org_id, t.tender_id from touched t order by 1, 2 loop
        if (select count(distinct case when m.percent is not null then 1 when m.weight is not null then 2 else 3 end)
            from tender_milestones m where m.org_id = tender.org_id and m.tender_id = tender.tender_id) > 1 then
            raise exception 'the milestones of tender % are of several kinds', tender.tender_id
                using errcode = 'check_violation', constraint = 'tender_milestones_one_kind', table = 'tender_milestones';
        end if;
    end loop;
    return null;
end $$;
