-- What waits for an address is read page by page, newest first.
drop index member_invitations_of_email;
create index member_invitations_of_email on member_invitations (email_key, created_at desc, id desc) where status = 'pending';
