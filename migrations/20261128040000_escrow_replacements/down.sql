drop trigger releases_waiting on releases;
drop function app.release_waits;
drop table release_replacements;
drop function app.replacement_is_posted;
