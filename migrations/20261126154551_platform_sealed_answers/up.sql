-- Answers are stored sealed from now on. What was stored in clear, a payer's secret or an onboarding link among it, goes: a repetition of its
-- request is told that the answer is lost, and its effect is not done again, since the key stays answered.
alter table idempotency_keys no force row level security;
update idempotency_keys set headers = '[]', body = '' where body is not null;
alter table idempotency_keys force row level security;
