drop table passkey_challenges;
drop table passkeys;
drop function app.passkey_counter_rises;
