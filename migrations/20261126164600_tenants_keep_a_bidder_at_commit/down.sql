drop trigger memberships_keep_a_bidder on memberships;
create trigger memberships_keep_a_bidder after delete on memberships for each row execute function app.keep_a_bidder();
