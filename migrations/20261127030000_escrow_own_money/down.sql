drop trigger platform_float_payout_is_own on platform_float;
drop function app.payout_is_own;
drop index platform_float_by_booking;
alter table platform_float
    drop constraint platform_float_direction,
    drop constraint platform_float_seen,
    drop column balance_transaction,
    drop column provider_status;
