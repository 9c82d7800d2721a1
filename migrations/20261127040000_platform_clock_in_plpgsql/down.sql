create or replace function app.now() returns timestamptz language sql volatile
    as $$ select clock_timestamp() + (select advance from app.clock) $$;
