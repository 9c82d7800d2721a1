-- Mail: what is to be written to whom, until it left and somewhat longer. A mail is left behind in the transaction of what it tells of, through
-- the only door that the serving role has here; all else is the platform's. What a mail says is sealed by a key that the database does not have,
-- together with everything that stands beside it, and erased once nobody needs it: whatever was written here by other statements is not sent.

create table mails (
    id uuid primary key,
    -- HMAC-SHA256 of the event that it tells of: one event, one mail. Nobody takes the place of one without the program's key.
    key_digest bytea not null unique check (octet_length(key_digest) = 32),
    address text not null check (length(address) between 3 and 320),
    template text not null check (template ~ '^[a-z][a-z0-9-]{1,63}$'),
    language text not null check (language ~ '^[a-z]{2}$'),
    content bytea check (octet_length(content) between 41 and 65536),
    state text not null check (state in ('queued', 'sent', 'refused', 'suppressed', 'bounced', 'complained')),
    attempts integer not null default 0 check (attempts >= 0),
    -- The same at each try, whatever is configured meanwhile.
    message_id text check (length(message_id) between 3 and 320),
    provider_id text check (length(provider_id) between 1 and 255),
    reason text check (length(reason) <= 500),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint mails_keep_content_while_queued check ((state = 'queued') = (content is not null))
);
create unique index mails_by_provider on mails (provider_id) where provider_id is not null;
create index mails_queued on mails (created_at) where state = 'queued';
create index mails_by_time on mails (created_at);
create trigger mails_keep before update on mails for each row
    execute function app.keep('id', 'key_digest', 'address', 'template', 'language', 'created_at');
alter table mails enable row level security;
alter table mails force row level security;
call app.open_to_system('mails', 'select, insert, update, delete');

-- Addresses to which nothing is sent any more: they take no mail, or whoever has them does not want ours.
create table mail_suppressions (
    address text primary key check (length(address) between 3 and 320),
    cause text not null check (cause in ('bounced', 'complained')),
    reason text check (length(reason) <= 500),
    created_at timestamptz not null
);
alter table mail_suppressions enable row level security;
alter table mail_suppressions force row level security;
call app.open_to_system('mail_suppressions', 'select, insert, update, delete');

-- The only door of tenants: the mail of an event, once. `p_digests` begins with the one that is kept; the others are those of former keys, under
-- which the event may have been noted. Answers the mail of the event, and whether it is new.
create function app.queue_mail(
    p_id uuid, p_digests bytea[], p_address text, p_template text, p_language text, p_content bytea,
    out mail uuid, out is_new boolean
) language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    is_new := false;
    select m.id into mail from mails m where m.key_digest = any (p_digests) limit 1;
    if mail is not null then
        return;
    end if;
    insert into mails (id, key_digest, address, template, language, content, state, created_at, updated_at)
        values (p_id, p_digests[1], p_address, p_template, p_language, p_content, 'queued', now(), now())
        on conflict (key_digest) do nothing returning id into mail;
    if mail is not null then
        is_new := true;
        return;
    end if;
    -- Somebody else's transaction was faster, and is over.
    select m.id into mail from mails m where m.key_digest = p_digests[1];
end $$;
grant create on schema app to build14_system;
alter function app.queue_mail owner to build14_system;
revoke create on schema app from build14_system;
revoke all on function app.queue_mail from public;
grant execute on function app.queue_mail to build14_app, build14_system;
