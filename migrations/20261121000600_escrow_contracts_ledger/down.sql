drop function app.activate_contract;
drop function app.payee_of_contract;
drop function app.coverage_is_short;
drop function app.coverage;
drop function app.post_ledger;
drop table platform_coverage, platform_float;
drop table ledger_balances, ledger_entries, ledger_transactions, ledger_accounts, webhook_events, payee_accounts, releases, payments, escrow_accounts,
    milestone_reviews, milestones, contract_signatures, contract_lines, contracts;
drop function app.contract_sums_agree;
drop function app.ledger_sums_to_zero;
drop function app.milestone_moves;
drop procedure app.protect_contract_rows;
revoke insert on outbox from build14_system;
