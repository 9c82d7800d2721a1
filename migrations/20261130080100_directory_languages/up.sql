-- What a user likes to be written in is a list of tags, as in `Accept-Language` (RFC 7643), and not one tag.
alter table directory_users
    drop constraint directory_users_preferred_language_check,
    add constraint directory_users_preferred_language_check check (length(preferred_language) between 1 and 200);
