-- The time zone in which the days of a tender are reckoned: that of the organisation that tenders, as it was at publication. Null in a draft, and of what
-- was published before: UTC.
alter table tenders add column time_zone text;
alter table tenders add constraint tenders_time_zone_short check (length(time_zone) between 1 and 64) not valid;
grant update (time_zone) on tenders to build14_app;
create trigger tenders_time_zone_stays before update of time_zone on tenders
    for each row when (old.time_zone is not null and new.time_zone is distinct from old.time_zone) execute function app.append_only();
