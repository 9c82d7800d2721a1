drop index member_invitations_of_email;
create index member_invitations_of_email on member_invitations (email_key) where status = 'pending';
