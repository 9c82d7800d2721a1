-- Who moved the platform's money, and who settled a release that nobody knew about: by name, with the reason.

-- Floats of before this was asked for keep an unknown operator; from now on there is none without.
alter table platform_float
    add column operator text check (length(operator) between 1 and 200),
    add column reason text check (length(reason) between 1 and 1000),
    add constraint platform_float_operator check (operator is not null) not valid;

alter table releases
    add column resolved_by text check (length(resolved_by) between 1 and 200),
    add column resolved_reason text check (length(resolved_reason) between 1 and 1000);
