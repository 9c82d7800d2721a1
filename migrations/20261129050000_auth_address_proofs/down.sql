drop table address_proofs;
