-- When a record was made and changed is told by whoever writes it, once for the whole statement.
alter table directory_users alter column created_at drop default, alter column updated_at drop default;
alter table directory_groups alter column created_at drop default, alter column updated_at drop default;
