-- What was there before keeps these rules as well.
alter table sessions validate constraint sessions_device_short;
alter table sessions validate constraint sessions_address_short;
alter table sessions validate constraint sessions_method_check;
alter table sessions validate constraint sessions_authenticated_before_end;
