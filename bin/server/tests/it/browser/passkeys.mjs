// Steers Chromium by its DevTools protocol: registers a person (`register`), or clicks through the pages of passkeys (`passkeys`), and says what came of
// each step. Arguments: the server's base URL, the browser, a folder for its profile, what to do.
import { spawn } from 'node:child_process';

const [base, program, profile, task] = process.argv.slice(2);
const EMAIL = 'browser@example.com';
const PASSWORD = 'correct horse battery staple';

const arguments_ = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-port=0'];
const chromium = spawn(program, [...arguments_, `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
let ended = false;
chromium.on('exit', () => (ended = true));

/** Where the browser listens. */
const listening = () =>
  new Promise((resolve, reject) => {
    let said = '';
    // Whatever it says later is read, too, so that it never waits.
    chromium.stderr.on('data', (piece) => {
      said += piece;
      const found = said.match(/DevTools listening on ws:\/\/([^/]+)\//);
      if (found) resolve(found[1]);
    });
    chromium.on('exit', () => reject(new Error(`the browser does not listen: ${said}`)));
  });

/** The protocol's commands and events for one page. */
async function page(address) {
  const targets = await (await fetch(`http://${address}/json/list`)).json();
  const socket = new WebSocket(targets.find((target) => target.type === 'page').webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('the browser is gone'));
  });
  const waiting = new Map();
  const heard = [];
  let last = 0;
  socket.onmessage = ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(data);
    if (id) {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      error ? reject(new Error(JSON.stringify(error))) : resolve(result);
    } else heard.push({ method, params });
  };
  const send = (method, params = {}) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  return { send, heard, close: () => socket.close() };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Waits until something yields a value. */
async function until(what, condition) {
  // Beside everything else that the tests run at once, two processors take long over a browser.
  const end = Date.now() + 120_000;
  for (;;) {
    if (ended) throw new Error(`the browser ended before ${what}`);
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never came to pass that ${what}`);
    await pause();
  }
}

const { send, heard, close } = await page(await listening());

/** What an expression of the page comes to. */
async function evaluate(expression) {
  const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

async function open(path) {
  await send('Page.navigate', { url: base + path });
  // While one page goes and the other comes there is none to ask.
  const there = () => evaluate(`document.readyState === 'complete' && location.pathname === '${path}'`).catch(() => false);
  await until(`${path} is open`, there);
}

/** Calls the API from the page, as its own scripts do. */
const call = (method, path, body) =>
  evaluate(`fetch('${path}', { method: '${method}', headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    credentials: 'same-origin', body: ${body ? `'${JSON.stringify(body)}'` : 'undefined'} })
    .then(async (answer) => ({ status: answer.status, body: answer.status === 204 ? null : await answer.json() }))`);

async function expect(status, answer) {
  if (answer.status !== status) throw new Error(`${answer.status}, not ${status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Presses the button of the page; what it says then. */
async function press() {
  await evaluate(`delete document.body.dataset.said, document.getElementById('go').click()`);
  return until('the page says what came of it', () => evaluate(`document.body.dataset.said ?? ''`));
}

const say = (step, outcome) => console.log(`${step}: ${outcome}`);

async function passkeys() {
  await send('Log.enable');
  await send('Network.enable');
  await send('WebAuthn.enable');
  const { authenticatorId } = await send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
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
  const refused = heard.filter(({ method, params }) => method === 'Log.entryAdded' && params.entry.source === 'security');
  say("refused by the page's policy", refused.length);
}

async function register() {
  await open('/auth/passkey');
  const person = { email: EMAIL, password: PASSWORD, name: 'Browser', organizationName: 'Browser Works' };
  await expect(201, await call('POST', '/api/auth/register', person));
  await expect(204, await call('POST', '/api/auth/logout'));
  console.log('registered');
}

try {
  await send('Page.enable');
  await send('Runtime.enable');
  await (task === 'register' ? register() : passkeys());
} finally {
  await send('Browser.close').catch(() => {});
  close();
  await until('the browser has ended', () => ended).catch(() => chromium.kill('SIGKILL'));
}
