drop function app.revoke_keys_of_member(uuid, uuid, timestamptz);
