-- Functions over tables are plpgsql: one of SQL is taken into the statement that calls it, whose rows may be on another node (decision 34).
create or replace function app.now() returns timestamptz language plpgsql volatile
    as $$
begin
    return clock_timestamp() + (select advance from app.clock);
end $$;
