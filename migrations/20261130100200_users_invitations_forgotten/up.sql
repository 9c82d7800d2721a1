-- Invitations of an address go with the account that has proven it, and those that were answered after a while: what finds them.
create index if not exists member_invitations_of_address on member_invitations (email_key);
create index if not exists member_invitations_decided on member_invitations (decided_at) where status <> 'pending';
