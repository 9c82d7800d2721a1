//! Mail: nobody's but the platform's, and told of by its provider.

use super::Domain;

/// It calls nobody: who has something to say calls it.
pub const DOMAIN: Domain = Domain {
    rows: "insert into mails (id, key_digest, address, template, language, state, created_at, updated_at)
            values (gen_random_uuid(), sha256('test'), 'ada@example.com', 'test', 'en', 'sent', now(), now());
        insert into mail_suppressions values ('eve@example.com', 'complained', null, now())",
    ..Domain::named("mail")
};
