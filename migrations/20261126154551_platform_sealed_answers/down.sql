-- What went does not come back.
select 1;
