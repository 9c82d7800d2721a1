-- What a provider names has at most 255 bytes, as the program asks of every event that it keeps. Rows of before are looked at by the next migration.
alter table webhook_events add constraint webhook_events_bounded check (octet_length(id) <= 255 and octet_length(type) <= 255
    and octet_length(object_id) <= 255 and octet_length(account) <= 255 and octet_length(intent) <= 255) not valid;
