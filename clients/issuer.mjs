// An OpenID Connect provider for tests: `oidc-provider` at a port of this machine, at which one person signs in without being asked. It says when it listens.
//
// node issuer.mjs <port> <redirect URI> <client id> <client secret>

import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, redirect, id, secret] = process.argv.slice(2);
const person = { sub: "ada", email: "ada@example.com", email_verified: true, name: "Ada Lovelace" };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: id, client_secret: secret, redirect_uris: [redirect] }],
  claims: { email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for tests"] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => person }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();

createServer((request, response) => {
  if (request.url.startsWith("/interaction/")) {
    provider.interactionFinished(request, response, { login: { accountId: person.sub } }, { mergeWithLastSubmission: false });
  } else {
    answer(request, response);
  }
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));
