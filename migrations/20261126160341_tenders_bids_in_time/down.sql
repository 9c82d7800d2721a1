drop trigger in_time on bid_revisions;
drop trigger in_time on bids;
drop function app.bid_in_time;
