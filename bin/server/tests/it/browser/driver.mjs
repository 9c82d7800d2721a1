// Steers Chromium by its DevTools protocol. Arguments of whoever imports it: the server's base URL, the browser, a folder for its profile.
import { spawn } from 'node:child_process';

const [base, program, profile] = process.argv.slice(2);

/** However slow the machine: what is waited for this long does not come. */
const PATIENCE = 180_000;

const arguments_ = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-port=0'];
const chromium = spawn(program, [...arguments_, `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
let ended = false;
chromium.on('exit', () => (ended = true));
// However this ends: also where it fails before there is a page to steer.
process.on('exit', () => chromium.kill('SIGKILL'));

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

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Waits until something yields a value. */
export async function until(what, condition) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    if (ended) throw new Error(`the browser ended before ${what}`);
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it never came to pass that ${what}`);
    await pause();
  }
}

/** The protocol's commands and events for one page. */
async function page(address) {
  // The browser listens before it has opened its first page.
  const target = await until('there is a page', async () => {
    const targets = await (await fetch(`http://${address}/json/list`)).json();
    return targets.find((target) => target.type === 'page');
  });
  const socket = new WebSocket(target.webSocketDebuggerUrl);
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
  // Who waits for a browser that is gone is told.
  socket.onclose = () => waiting.forEach(({ reject }) => reject(new Error('the browser is gone')));
  const send = (method, params = {}) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  return { send, heard, close: () => socket.close() };
}

const { send, heard, close } = await page(await listening());
export { send };

/** What an expression of the page comes to. */
export async function evaluate(expression) {
  const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

/** Waits until the page that was left by `leave` is gone and another one is there, of this path if it is told. */
async function left(what, leave, path) {
  await evaluate('window.isLeft = true');
  await leave();
  // While one page goes and the other comes there is none to ask.
  const is = path ? `location.pathname === '${path}'` : 'true';
  await until(what, () => evaluate(`!window.isLeft && document.readyState === 'complete' && ${is}`).catch(() => false));
}

/** Opens a path of the server. */
export const open = (path) => left(`${path} is open`, () => send('Page.navigate', { url: base + path }), path.split('?')[0]);

/** Calls the API from the page, as its own scripts do. */
export const call = (method, path, body) =>
  evaluate(`fetch('${path}', { method: '${method}', headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    credentials: 'same-origin', body: ${body ? `'${JSON.stringify(body)}'` : 'undefined'} })
    .then(async (answer) => ({ status: answer.status, body: answer.status === 204 ? null : await answer.json() }))`);

/** Its answer, which has this status. */
export async function expect(status, answer) {
  if (answer.status !== status) throw new Error(`${answer.status}, not ${status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Presses the button that a script waits for; what the page says then. */
export async function press() {
  await evaluate(`delete document.body.dataset.said, document.getElementById('go').click()`);
  return until('the page says what came of it', () => evaluate(`document.body.dataset.said ?? ''`));
}

/** Fills in the form of the page, which goes to the server, and presses its button; the heading of where it leads. */
export async function submit(values = {}) {
  const form = `document.querySelector('form[method="post"]')`;
  for (const [name, value] of Object.entries(values)) await evaluate(`${form}.elements['${name}'].value = '${value}'`);
  await left('the form leads somewhere', () => evaluate(`${form}.querySelector('button').click()`));
  return heading();
}

export const heading = () => evaluate(`document.querySelector('h1').textContent`);

export const say = (step, outcome) => console.log(`${step}: ${outcome}`);

/** An authenticator that is part of the browser. */
export async function authenticator() {
  await send('WebAuthn.enable');
  const options = {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  return (await send('WebAuthn.addVirtualAuthenticator', { options })).authenticatorId;
}

/** What the policies of the pages refused. */
export const refusals = () => heard.filter(({ method, params }) => method === 'Log.entryAdded' && params.entry.source === 'security');

/** Does something in the browser, and ends it. */
export async function steer(steps) {
  try {
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
    await steps();
  } finally {
    await send('Browser.close').catch(() => {});
    close();
    const end = Date.now() + PATIENCE;
    while (!ended && Date.now() < end) await pause();
  }
}
