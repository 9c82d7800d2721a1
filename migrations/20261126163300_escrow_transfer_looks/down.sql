drop index releases_to_look;
alter table releases drop column transfer_look_at;
