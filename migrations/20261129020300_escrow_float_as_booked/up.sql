-- What is posted of the platform's own money is what the provider's booking did to the balance, or of a dispute's its fee alone, whoever posts it: the sweep
-- as well as a person. What the booking says is kept beside it. Rows of before have neither.
alter table platform_float
    add column booked_amount bigint,
    add column booked_fee bigint,
    add constraint platform_float_as_booked check (source_provider <> 'stripe' or coalesce(amount = booked_amount - booked_fee
        or amount = -booked_fee and booked_fee > 0, false)) not valid;
