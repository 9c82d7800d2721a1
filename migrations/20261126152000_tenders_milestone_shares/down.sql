drop trigger never_changed on tender_milestones;
drop trigger one_kind on tender_milestones;
drop function app.tender_milestones_of_one_kind;
drop index tender_milestones_one_remainder;
alter table tender_milestones drop constraint tender_milestones_one_share;
alter table tender_milestones drop column remainder, drop column weight, drop column amount;
alter table tender_milestones alter column percent set not null;
