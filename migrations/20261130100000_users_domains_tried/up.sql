-- When it was last tried to look at what proves a domain, answered or not: whoever waits longest is tried first, so that name servers that do not answer
-- keep nobody else's domain from being looked at. looked_at is when there was an answer, as before.
alter table organization_domains add column tried_at timestamptz;
