-- What an email looks like (the skeleton of UTS 39, for what is not of ASCII), where its key does not tell: of one look there is one account.
-- Keys of before are their own look.
alter table users add column email_look text check (length(email_look) between 3 and 1000);
create unique index users_email_look_unique on users ((coalesce(email_look, email_key)));
