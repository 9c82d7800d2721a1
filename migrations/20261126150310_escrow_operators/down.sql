alter table releases drop column resolved_by, drop column resolved_reason;
alter table platform_float drop constraint platform_float_operator, drop column operator, drop column reason;
