// Verifies tokens as another service does, with jose of npm: node verify_token.mjs <base URL> <issuer> <audience> <seconds from now> <token>…
// One line for each: what it says, or why it is not believed.
import { createRemoteJWKSet, jwtVerify } from "jose";

const [base, issuer, audience, later, ...tokens] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", base));
const currentDate = new Date(Date.now() + Number(later) * 1000);
for (const token of tokens) {
  try {
    const told = await jwtVerify(token, keys, { issuer, audience, currentDate, algorithms: ["EdDSA"], typ: "JWT" });
    console.log(JSON.stringify({ kid: told.protectedHeader.kid, claims: told.payload }));
  } catch (error) {
    console.log(JSON.stringify({ refused: error.code }));
  }
}
