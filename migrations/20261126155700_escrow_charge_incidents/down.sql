drop function app.widen_holds;
drop table charge_watch, charge_incidents;
drop function app.incidents_only_grow;
drop index payments_by_charge;
