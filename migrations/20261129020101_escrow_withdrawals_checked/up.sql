-- Every posting that there is has one of the kinds: read along, without a lock that others wait for.
alter table ledger_transactions validate constraint ledger_transactions_kind_check;
