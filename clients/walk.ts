// The walk of the README over HTTP, by a client whose types are made from the OpenAPI document: two parties sign up, one tenders, the other
// bids, the contract is signed, its first milestone is funded, approved and released. `node walk.js http://127.0.0.1:8080`

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

type Schemas = components["schemas"];

const base = process.argv[2] ?? "http://127.0.0.1:8080";

/** A client of the API, signed in if it has a token. Every POST has a key of its own, under which it could be repeated. */
function client(token?: string) {
  const api = createClient<paths>({ baseUrl: base });
  api.use({
    onRequest({ request }) {
      if (token !== undefined) request.headers.set("Authorization", `Bearer ${token}`);
      if (request.method === "POST") request.headers.set("Idempotency-Key", randomUUID());
      return request;
    },
  });
  return api;
}

/** What an operation answered, or what its problem says. */
function done<T>(what: string, answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${what}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data;
}

/** Asks again until there is an answer, for a minute. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await ask();
    if (found !== undefined) return found;
    await pause(200);
  }
  throw new Error(`${what}: not within a minute`);
}

/** The first of what must not be empty. */
function first<T>(what: string, list: readonly T[]): T {
  const [one] = list;
  if (one === undefined) throw new Error(`${what}: there is none`);
  return one;
}

const money = ({ amount, currency }: Schemas["Money"]) => `${amount} ${currency}`;

/** A person with an organisation of their own, signed in. */
async function signUp(name: string, organizationName: string) {
  const email = `${randomUUID()}@example.com`;
  const password = randomUUID();
  done("sign up", await client().POST("/api/auth/register", { body: { email, password, name, organizationName } }));
  const signedIn = done("sign in", await client().POST("/api/auth/login", { body: { email, password } }));
  // Nobody here has a second factor, which the other answer (202) asks for.
  if (!("accessToken" in signedIn)) throw new Error("sign in: a second factor is wanted");
  return client(signedIn.accessToken);
}

const owner = await signUp("Ada Owner", "Nordbau GmbH");
const builder = await signUp("Ben Builder", "Acme Construction");

// The contractor onboards for payouts, at the provider's page; the sandbox's has one button.
const { onboardingUrl } = done("onboard", await builder.POST("/api/payee-account"));
const sandbox = new URL(onboardingUrl).origin;
await fetch(onboardingUrl, { method: "POST", redirect: "manual" });

// The owner: project, schedule of quantities, tender.
const project = done("project", await owner.POST("/api/projects", { body: { name: "Villa am See", currency: "EUR" } }));
const soq = done(
  "schedule",
  await owner.POST("/api/soq", {
    body: {
      projectId: project.id,
      title: "Masonry",
      lines: [{ code: "03.1", description: "External walls", kind: "measured", unitCode: "m2", quantity: "410", estimateRate: "46.90" }],
    },
  }),
);
done("freeze", await owner.POST("/api/soq/{id}/freeze", { params: { path: { id: soq.id } } }));
const tender = done(
  "tender",
  await owner.POST("/api/tenders", {
    body: {
      projectId: project.id,
      soqId: soq.id,
      title: "Masonry of the villa",
      procurementMethod: "open",
      minBids: 1,
      submissionDeadline: new Date(Date.now() + 5_000).toISOString(),
      milestones: [
        { title: "Ground floor", percent: "60" },
        { title: "Upper floor", percent: "40" },
      ],
    },
  }),
);
const ofTender = { params: { path: { id: tender.id } } };
done("publish", await owner.POST("/api/tenders/{id}/publish", ofTender));

// The contractor bids under seal; the owner sees nothing.
const rates = [{ soqLineId: first("lines", soq.lines).id, rate: "44.25" }];
const bid = done(
  "bid",
  await builder.POST("/api/tenders/{id}/bids", { ...ofTender, body: { draft: false, lines: rates, validUntil: "2099-01-01" } }),
);
const sealed = done("sealed bids", await owner.GET("/api/tenders/{id}/bids", ofTender));
if (!sealed.sealed || sealed.data.length > 0) throw new Error("the owner sees bids before they are opened");
console.log(`bid under seal: ${bid.status}`);

// After the deadline: open, award, both sign the same document.
await until("open", async () => (await owner.POST("/api/tenders/{id}/open", ofTender)).data);
const awarded = done("award", await owner.POST("/api/tenders/{id}/award", { ...ofTender, body: { bidId: bid.id } }));
if (awarded.contract === null) throw new Error("the award made no contract");
const ofContract = { params: { path: { id: awarded.contract.id } } };
const { documentSha256: sha256, milestones } = done("contract", await owner.GET("/api/contracts/{id}", ofContract));
for (const party of [owner, builder]) {
  const signed = done("sign", await party.POST("/api/contracts/{id}/sign", { ...ofContract, body: { sha256 } }));
  console.log(`signed: ${signed.status}`);
}

// Fund the first milestone with a test card, at the provider, as the payer's browser does.
const milestone = first("milestones", milestones);
const ofMilestone = { params: { path: { id: milestone.id } } };
const { escrow, paymentIntent } = done("fund", await owner.POST("/api/escrow", { body: { milestoneId: milestone.id } }));
if (paymentIntent.clientSecret === null) throw new Error("nothing is left to pay");
const paid = await fetch(`${sandbox}/v1/payment_intents/${paymentIntent.id}/confirm`, {
  method: "POST",
  headers: { Authorization: `Basic ${btoa("pk_test_sandbox:")}` },
  body: new URLSearchParams({ payment_method: "pm_card_bypassPending", client_secret: paymentIntent.clientSecret }),
});
if (!paid.ok) throw new Error(`pay: ${paid.status} ${await paid.text()}`);
await until("funded", async () => {
  const { status } = done("milestone", await builder.GET("/api/milestones/{id}", ofMilestone));
  return status === "funded" ? status : undefined;
});

// Work, approve, release.
done("submit", await builder.POST("/api/milestones/{id}/submit", { ...ofMilestone, body: { note: "Walls are up" } }));
done("approve", await owner.POST("/api/milestones/{id}/approve", { ...ofMilestone, body: {} }));
const ofEscrow = { params: { path: { id: escrow.id } } };
const { release } = done("release", await owner.POST("/api/escrow/{id}/release", ofEscrow));
console.log(`released: ${money(release.gross)}, of which the contractor gets ${money(release.net)}`);
const statement = await until("sent", async () => {
  const { transactions } = done("statement", await builder.GET("/api/contracts/{id}/statement", ofContract));
  return transactions.some(({ kind }) => kind === "release_sent") ? transactions : undefined;
});
for (const { kind, entries } of statement) {
  console.log(`${kind}: ${entries.map(({ name, amount }) => `${name} ${amount.amount}`).join(", ")}`);
}
const audit = done("audit", await owner.GET("/api/audit/verify"));
if (!audit.valid) throw new Error("the audit trail does not hold");
console.log("audit: valid");
