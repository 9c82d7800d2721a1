drop table mail_counts;
drop table mailed_proofs;
