drop function app.revoke_keys_of_leaver;
drop table api_key_settings, api_keys;
