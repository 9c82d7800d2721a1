drop trigger tenders_time_zone_stays on tenders;
alter table tenders drop constraint tenders_time_zone_short, drop column time_zone;
