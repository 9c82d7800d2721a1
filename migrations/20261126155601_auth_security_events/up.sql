-- What happens to accounts that somebody should know of. The platform's own: a person sees those of their account through it. No email, no
-- password: of what was tried only whose account it was, from which address.
create table security_events (
    id uuid primary key,
    at timestamptz not null default clock_timestamp(),
    kind text not null check (kind in
        ('sign_in_failed', 'sign_in_limited', 'password_change_failed', 'password_change_limited', 'password_changed')),
    -- Nobody's, if nobody has the email that was tried.
    user_id uuid references users,
    address text check (length(address) <= 45),
    request_id text not null check (length(request_id) between 1 and 64)
);
create index security_events_of_person on security_events (user_id, at desc, id desc) where user_id is not null;
create index security_events_age on security_events (at);
alter table security_events enable row level security;
alter table security_events force row level security;
call app.open_to_system('security_events', 'select, insert, delete');

-- The live sessions of a person, to be counted at each sign-in.
create index sessions_live on sessions (user_id, created_at desc, id desc) where ended_at is null;
