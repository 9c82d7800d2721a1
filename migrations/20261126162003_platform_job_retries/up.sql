-- Dead jobs that an operator gave another life: who, and what had become of them.
create table job_retries (
    id bigint generated always as identity primary key,
    job_id bigint not null,
    task text not null,
    -- Whose it is, if not the platform's own.
    for_org uuid,
    operator text not null check (length(operator) between 1 and 200),
    reason text,
    attempts smallint not null,
    last_error text,
    at timestamptz not null default now()
);
alter table job_retries enable row level security;
alter table job_retries force row level security;
call app.open_to_system('job_retries', 'select, insert');
create trigger job_retries_stay before update or delete on job_retries for each row execute function app.append_only();
create trigger job_retries_stay_whole before truncate on job_retries for each statement execute function app.append_only();
