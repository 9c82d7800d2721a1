alter table member_invitations
    drop constraint member_invitations_few_mails,
    drop column mailed,
    drop column mailed_at;
drop table invitation_links;
