drop index users_email_look_unique;
alter table users drop column email_look;
