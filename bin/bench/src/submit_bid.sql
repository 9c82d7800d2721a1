\set n :n + 1
\set bidder 2 + (:n + :client_id * $apart) % $bidders
\if :n = 1
BEGIN READ ONLY;
SELECT app.enter($org, $user);
SELECT id AS tender, org_id AS owner FROM tenders WHERE title = 'Bid here ' || :client_id::text \gset
COMMIT;
\endif
BEGIN;
SELECT app.enter($org, $user);
insert into idempotency_keys as k (org_id, user_id, key, fingerprint) values ($org, $user, $id::text, $sha256) on conflict (org_id, user_id, key) do update set fingerprint = excluded.fingerprint, claimed_at = now(), status = null, headers = null, body = null where k.claimed_at < now() - interval '24 hours' or (k.status is null and k.fingerprint = excluded.fingerprint and k.claimed_at < now() - interval '60 seconds');
SELECT "tenders"."org_id", "tenders"."id", "tenders"."project_id", "tenders"."soq_id", "tenders"."soq_version", "tenders"."title", "tenders"."description", "tenders"."procurement_method", "tenders"."status", "tenders"."currency", "tenders"."submission_deadline", "tenders"."questions_until", "tenders"."min_bids", "tenders"."related_tender_id", "tenders"."published_at", "tenders"."closed_at", "tenders"."opened_at", "tenders"."seal_root", "tenders"."standstill_until", "tenders"."cancel_reason", "tenders"."created_by", "tenders"."created_at", "tenders"."updated_at", app.now() FROM "tenders" WHERE ("tenders"."id" = $tender) LIMIT 1;
SELECT $bid FROM "bids" WHERE ((("bids"."org_id" = $owner) AND ("bids"."bidder_org_id" = $org)) AND ("bids"."tender_id" = $tender)) ORDER BY ("bids"."status" = 'withdrawn'), "bids"."created_at" DESC, "bids"."id" DESC LIMIT 1;
SELECT "tender_lines"."soq_line_id", "tender_lines"."position", "tender_lines"."code", "tender_lines"."description", "tender_lines"."kind", "tender_lines"."unit_code", "tender_lines"."unit_text", "tender_lines"."quantity", "tender_lines"."fixed_rate", "tender_lines"."unit_id" FROM "tender_lines" WHERE (("tender_lines"."org_id" = $owner) AND ("tender_lines"."tender_id" = $tender)) ORDER BY "tender_lines"."position";
SELECT "tender_keys"."key_id", "tender_keys"."wrapped" FROM "tender_keys" WHERE (("tender_keys"."org_id" = $owner) AND ("tender_keys"."tender_id" = $tender)) LIMIT 1;
SELECT "tender_milestones"."title", "tender_milestones"."percent", "tender_milestones"."amount", "tender_milestones"."weight", "tender_milestones"."due_on" FROM "tender_milestones" WHERE (("tender_milestones"."org_id" = $owner) AND ("tender_milestones"."tender_id" = $tender)) ORDER BY "tender_milestones"."position";
select * from app.hold_tender_for_bid($owner, $tender);
SELECT $bid FROM "bids" WHERE ((("bids"."org_id" = $owner) AND ("bids"."bidder_org_id" = $org)) AND ("bids"."tender_id" = $tender)) ORDER BY ("bids"."status" = 'withdrawn'), "bids"."created_at" DESC, "bids"."id" DESC LIMIT 1 FOR UPDATE;
INSERT INTO "bids" ("org_id", "id", "tender_id", "bidder_org_id", "status", "revision", "receipt_sha256", "received_at", "currency") VALUES ($owner, $id, $tender, $org, 'submitted', 1, $sha256, now(), 'EUR') ON CONFLICT DO NOTHING RETURNING $bid;
INSERT INTO "bid_revisions" ("org_id", "bid_id", "revision", "tender_id", "bidder_org_id", "sealed", "receipt_sha256", "received_at") VALUES ($owner, $id, 1, $tender, $org, $sealed, $sha256, now());
INSERT INTO "audit_entries" ("org_id", "id", "actor_id", "action", "denied", "entity_type", "entity_id", "request_id", "before", "after") VALUES ($org, $id, $user, 'bids.submit', false, 'bid', $id, '01a21b5a084a761db6922834417482bf', null, $after);
insert into outbox (id, org_id, kind, aggregate, payload, request_id) values ($id, $org, 'tenders.bid_submitted', $id, $payload, '01a21b5a084a761db6922834417482bf');
NOTIFY outbox;
UPDATE "idempotency_keys" SET "status" = 201, "headers" = '[]', "body" = $answer, "claimed_at" = CURRENT_TIMESTAMP WHERE (("idempotency_keys"."org_id" = $org) AND (("idempotency_keys"."user_id" = $user) AND ("idempotency_keys"."key" = $id::text)));
COMMIT;
