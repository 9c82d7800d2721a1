// Clicks through the pages to which mails and links lead: an address is proven, somebody signs up by mail, accepts an invitation, sets up an authenticator
// and a passkey, signs in with each as second factor, and sets a new password. Says what came of each step. Arguments: those of the driver.
import { createHmac } from 'node:crypto';

import { authenticator, call, evaluate, expect, heading, open, press, refusals, say, steer, submit, until } from './driver.mjs';

const OWNER = 'owner@example.com';
const GRACE = 'grace@example.com';
const PASSWORD = 'correct horse battery staple';

/** What an authenticator with this secret shows so many half minutes from now (RFC 6238). */
function shown(secret, later) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const moment = Buffer.alloc(8);
  moment.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const digest = createHmac('sha1', key).update(moment).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

const followed = new Set();

/** Looks into the mailbox of the development server for a mail to somebody that leads to a page and was not followed yet; where it leads. */
const mailed = (address, page) =>
  until(`a mail to ${address} leads to ${page}`, async () => {
    await open('/dev/mailbox');
    const rows = `[...document.querySelectorAll('tbody tr')].filter((row) => row.cells[1].textContent.includes('${address}'))`;
    for (const mail of await evaluate(`${rows}.map((row) => row.querySelector('a').getAttribute('href'))`)) {
      await open(mail);
      const link = (await evaluate('document.body.textContent')).match(new RegExp(`${page}\\?[a-z]+=[0-9A-Za-z_-]+`))?.[0];
      if (link && !followed.has(link)) {
        followed.add(link);
        return link;
      }
    }
  });

/** A page from which the API can be called. */
const anywhere = () => open('/auth/passkey');

/** Asks for a link that signs somebody in, and opens it. */
async function magicLink(address) {
  await anywhere();
  await expect(202, await call('POST', '/api/auth/magic-link', { email: address }));
  await open(await mailed(address, '/auth/magic'));
}

/** Who is signed in. */
async function session() {
  await anywhere();
  const { status, body } = await call('GET', '/api/auth/session');
  return status === 200 ? body.user.email : status;
}

async function signedOut() {
  await anywhere();
  await expect(204, await call('POST', '/api/auth/logout'));
}

await steer(async () => {
  await anywhere();
  await expect(201, await call('POST', '/api/auth/register', { email: OWNER, password: PASSWORD, name: 'Owner', organizationName: 'Owner Works' }));
  await open(await mailed(OWNER, '/auth/verify'));
  say('is this your address', await heading());
  say('confirmed', await submit());
  say('still signed in as', await session());
  const { path } = await expect(201, await call('POST', '/api/organization/invitation-links', {}));
  const second = await expect(201, await call('POST', '/api/organizations', { name: 'Second Works' }));
  await expect(200, await call('POST', '/api/auth/switch-organization', { organizationId: second.id }));
  await expect(201, await call('POST', '/api/users', { email: GRACE }));
  await signedOut();

  await magicLink(GRACE);
  say('the link alone', await heading());
  say('signed up by mail', await submit());
  say('as', await session());
  await open(await mailed(GRACE, '/invitation'));
  say('invited by mail', await heading());
  say('accepted by mail', await submit());
  await open(path);
  say('invited', await heading());
  say('accepted', await submit());
  await anywhere();
  const organizations = (await expect(200, await call('GET', '/api/organizations'))).data;
  say('member of', organizations.map(({ name }) => name).sort().join(', '));

  const { secret, qr } = await expect(200, await call('POST', '/api/user/factors/totp', {}));
  // As an application shows it: the image is one of a page's own.
  say('the code to scan is an image', await evaluate(`new DOMParser().parseFromString(${JSON.stringify(qr)}, 'image/svg+xml').documentElement.nodeName`));
  const { recoveryCodes } = await expect(200, await call('POST', '/api/user/factors/totp/confirm', { code: shown(secret, 0) }));
  say('recovery codes', recoveryCodes.length);
  await signedOut();

  await magicLink(GRACE);
  say('behind the link', await submit());
  say('a wrong code', await submit({ code: 'wrong' }));
  say('it says what is wrong', await evaluate(`document.querySelectorAll('[role="alert"]').length`));
  say('by the authenticator', await submit({ code: shown(secret, 1) }));
  say('as with a second factor', await session());

  await authenticator();
  await open('/auth/passkeys/new');
  say('a passkey was added', await press());
  await signedOut();
  await magicLink(GRACE);
  await submit();
  say('the passkey is offered', await evaluate(`!document.getElementById('act').hidden && !document.querySelector('form[method="post"]').hidden`));
  say('by the passkey', await press());
  say('no code is asked for any more', await evaluate(`document.querySelector('form[method="post"]').hidden`));
  say('as with a passkey', await session());
  await signedOut();

  await expect(202, await call('POST', '/api/auth/password-reset', { email: OWNER }));
  await open(await mailed(OWNER, '/auth/reset'));
  say('a common password', await submit({ password: 'password' }));
  say('a new password', await submit({ password: 'incorrect zebra capacitor paperclip' }));
  await anywhere();
  say('the old password', (await call('POST', '/api/auth/login', { email: OWNER, password: PASSWORD })).status);
  await expect(200, await call('POST', '/api/auth/login', { email: OWNER, password: 'incorrect zebra capacitor paperclip' }));
  say('as with another password', await session());
  say("refused by the pages' policies", refusals().length);
});
