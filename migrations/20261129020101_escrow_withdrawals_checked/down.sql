-- A constraint that was looked at stays so.
select true;
