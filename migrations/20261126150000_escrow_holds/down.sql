drop function app.lift_hold, app.place_hold, app.check_hold_of;
drop function app.record_hold;
drop table holds;
drop function app.freeze_by_holds;
revoke update (frozen, updated_at) on milestones from build14_system;
