// Registers a person (`register`), or clicks through the pages of passkeys (`passkeys`), and says what came of each step. Arguments: those of the driver,
// and what to do.
import { authenticator, call, evaluate, expect, open, press, refusals, say, send, steer } from './driver.mjs';

const EMAIL = 'browser@example.com';
const PASSWORD = 'correct horse battery staple';

async function passkeys() {
  const authenticatorId = await authenticator();
  await open('/auth/passkeys/new');
  say('nobody is signed in', await press());
  await expect(200, await call('POST', '/api/auth/login', { email: EMAIL, password: PASSWORD }));
  say('added', await press());
  say('recovery codes', await evaluate(`document.querySelectorAll('#list li').length`));
  const { credentials } = await send('WebAuthn.getCredentials', { authenticatorId });
  say('resident credentials', credentials.filter((credential) => credential.isResidentCredential).length);
  say('the same authenticator again', await press());
  const [passkey] = (await expect(200, await call('GET', '/api/user/passkeys'))).data;
  await expect(204, await call('POST', '/api/auth/logout'));

  await open('/auth/passkey');
  say('signed in with it', await press());
  say('the password alone', (await call('POST', '/api/auth/login', { email: EMAIL, password: PASSWORD })).status);
  say('as', (await expect(200, await call('GET', '/api/auth/session'))).user.email);
  await send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  say('the person not seen to', await press());
  await send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
  await expect(204, await call('DELETE', `/api/user/passkeys/${passkey.id}`));
  say('after it was removed', await press());

  const ground = () => evaluate(`getComputedStyle(document.body).backgroundColor`);
  await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'light' }] });
  const light = await ground();
  await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
  say('light and dark differ', light !== (await ground()));
  await send('Network.setExtraHTTPHeaders', { headers: { 'Accept-Language': 'de' } });
  await open('/auth/passkeys/new');
  await open('/auth/passkey');
  say('German', await evaluate(`document.documentElement.lang + ' ' + document.querySelector('h1').textContent`));
  say("refused by the page's policy", refusals().length);
}

async function register() {
  await open('/auth/passkey');
  const person = { email: EMAIL, password: PASSWORD, name: 'Browser', organizationName: 'Browser Works' };
  await expect(201, await call('POST', '/api/auth/register', person));
  await expect(204, await call('POST', '/api/auth/logout'));
  console.log('registered');
}

await steer(process.argv[5] === 'register' ? register : passkeys);
