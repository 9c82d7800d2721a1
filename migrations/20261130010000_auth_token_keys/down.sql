drop table token_keys;
