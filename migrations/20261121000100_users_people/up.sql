-- People. A person belongs to no organisation: this table is global (on Citus a reference table), and row-level security shows each
-- organisation its own members only (policy `colleagues`, made with the memberships).

create table users (
    id uuid primary key,
    email text not null check (length(email) between 3 and 254),
    -- Normalised by the application (trimmed, lower case): what makes an email the same email.
    email_key text not null constraint users_email_key_unique unique check (length(email_key) between 3 and 320),
    name text not null check (length(name) between 1 and 200),
    image text check (length(image) <= 2000),
    email_verified boolean not null default false,
    -- Set when the person removed the account: what is left is an anonymous mark for the trails that name its id.
    removed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table users enable row level security;
alter table users force row level security;
create policy self_select on users for select to build14_app using (id = app.user_id());
create policy self_update on users for update to build14_app using (id = app.user_id()) with check (id = app.user_id());
grant select, update on users to build14_app;
call app.open_to_system('users', 'select, insert, update');
create trigger users_keep before update on users for each row execute function app.keep('id', 'created_at');
