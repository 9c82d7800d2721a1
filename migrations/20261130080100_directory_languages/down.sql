update directory_users set preferred_language = null where length(preferred_language) > 35;
alter table directory_users
    drop constraint directory_users_preferred_language_check,
    add constraint directory_users_preferred_language_check check (length(preferred_language) between 1 and 35);
