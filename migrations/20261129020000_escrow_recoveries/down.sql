drop trigger platform_float_within_loss on platform_float;
drop function app.recovery_within_loss;
drop index platform_float_taken_back;
alter table platform_float
    drop constraint platform_float_recovery,
    drop column takes_back;
