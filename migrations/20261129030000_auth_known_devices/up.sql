-- Devices on which people have signed in, and the networks from which they did: tries made there are counted apart from those of strangers, who
-- can then keep nobody out at home (docs/decisions/0053). The platform's own, as sessions are. It opens nothing: the password is asked all the same.
create table known_devices (
    -- SHA-256 of the device's cookie, which is known to it alone.
    token_hash bytea primary key check (length(token_hash) = 32),
    user_id uuid not null references users,
    -- SHA-256 of the person and the network of the last sign-in; null if that was not known.
    network_hash bytea check (length(network_hash) = 32),
    created_at timestamptz not null,
    -- The last sign-in.
    last_seen_at timestamptz not null,
    -- Whether the cookie ever came back: who keeps none makes a new row with each sign-in, and pushes out no device that does.
    returned boolean not null default false,
    expires_at timestamptz not null,
    constraint known_devices_end_after_start check (expires_at > created_at)
);
create index known_devices_of_person on known_devices (user_id, returned, last_seen_at desc, token_hash);
create index known_devices_age on known_devices (expires_at);
alter table known_devices enable row level security;
alter table known_devices force row level security;
call app.open_to_system('known_devices', 'select, insert, update, delete');
create trigger known_devices_keep before update on known_devices
    for each row execute function app.keep('token_hash', 'user_id', 'created_at');
