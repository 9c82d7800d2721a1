alter table directory_groups alter column created_at set default clock_timestamp(), alter column updated_at set default clock_timestamp();
alter table directory_users alter column created_at set default clock_timestamp(), alter column updated_at set default clock_timestamp();
