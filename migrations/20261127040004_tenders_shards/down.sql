CREATE OR REPLACE FUNCTION app.tender_milestones_of_one_kind()
 returns trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;
