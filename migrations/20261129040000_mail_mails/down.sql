drop function app.queue_mail;
drop table mail_suppressions;
drop table mails;
