-- A rule that is known to hold needs nothing undone; a statement there must be.
select 1;
