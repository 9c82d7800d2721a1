drop trigger identities_stay_unlinked on identities;
delete from identities where unlinked_at is not null;
alter table identities drop column unlinked_at;
