drop table sign_ins_elsewhere;
drop table identities;
