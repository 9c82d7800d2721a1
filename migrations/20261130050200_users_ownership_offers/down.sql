drop policy platform on approvals;
revoke select, update on approvals from build14_system;
drop table ownership_offers;
