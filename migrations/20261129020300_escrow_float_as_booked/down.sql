alter table platform_float
    drop constraint platform_float_as_booked,
    drop column booked_fee,
    drop column booked_amount;
