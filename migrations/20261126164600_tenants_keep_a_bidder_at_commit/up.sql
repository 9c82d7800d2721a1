-- At commit: the removal of an account takes the memberships away first and asks for what binds the organisation afterwards, to tell it.
drop trigger memberships_keep_a_bidder on memberships;
create constraint trigger memberships_keep_a_bidder after delete on memberships deferrable initially deferred
    for each row execute function app.keep_a_bidder();
