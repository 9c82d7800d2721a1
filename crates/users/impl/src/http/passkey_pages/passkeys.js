// Adds a passkey, signs in with one, or shows one as second factor: asks this server what to ask, the browser for the authenticator, and tells this server
// what it answered.
'use strict';

const form = document.getElementById('act');
const button = document.getElementById('go');
const field = document.getElementById('name');
// The form beside this one, in which a code is typed instead: it has the token of the sign-in that waits.
const typed = document.querySelector('form[method="post"]');
const mfaToken = typed?.elements.token.value;

const get = (publicKey) => navigator.credentials.get({ publicKey });
const create = (publicKey) => navigator.credentials.create({ publicKey });

// Where is asked what to ask, with what; where the answer goes, as what; and who asks the authenticator.
const ACTS = {
  'sign-in': { options: '/api/auth/passkey/options', sent: {}, answer: '/api/auth/passkey', as: (answer) => answer, ask: get },
  add: { options: '/api/user/passkeys/options', sent: {}, answer: '/api/user/passkeys', as: (answer) => ({ ...answer, name: field.value }), ask: create },
  factor: { options: '/api/auth/mfa/passkey/options', sent: { mfaToken }, answer: '/api/auth/mfa', as: (passkey) => ({ mfaToken, passkey }), ask: get },
};

// What the server refuses, and what the browser does, in the page's words.
const WORDS = {
  STEP_UP_REQUIRED: 'stale',
  NOT_AUTHENTICATED: 'stranger',
  EMAIL_NOT_VERIFIED: 'unproven',
  WRONG_PASSKEY: 'refused',
  WRONG_SECOND_FACTOR: 'refused',
  NO_PASSKEY: 'refused',
  MFA_TOKEN_SPENT: 'spent',
  CHALLENGE_SPENT: 'cancelled',
  INVALID: 'refused',
  PASSKEY_KNOWN: 'known',
  NotAllowedError: 'cancelled',
  AbortError: 'cancelled',
  InvalidStateError: 'known',
  SecurityError: 'elsewhere',
  NotSupportedError: 'unsupported',
};

function say(what) {
  document.getElementById('words').textContent = form.dataset[what];
  document.getElementById('said').hidden = false;
  document.body.dataset.said = what;
}

// What is shown once.
function list(items) {
  const list = document.getElementById('list');
  list.replaceChildren(...items.map((item) => Object.assign(document.createElement('li'), { textContent: item })));
  list.hidden = items.length === 0;
}

const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const named = (keys) => (keys ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

// As `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` do, which older browsers have not got.
function read(options) {
  const read = { ...options, challenge: bytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = named(options.allowCredentials);
  return read;
}

// As `toJSON` does.
function told({ id, type, response }) {
  const told = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    told.attestationObject = text(response.attestationObject);
    told.transports = response.getTransports?.() ?? [];
  } else {
    told.authenticatorData = text(response.authenticatorData);
    told.signature = text(response.signature);
    told.userHandle = response.userHandle ? text(response.userHandle) : null;
  }
  return { id, rawId: id, type, response: told };
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    credentials: 'same-origin',
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.detail), { name: said.code });
  return said;
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (!window.PublicKeyCredential) return say('unsupported');
  if (!form.reportValidity()) return;
  list([]);
  button.disabled = true;
  try {
    const act = ACTS[form.dataset.act];
    const { requestId, publicKey } = await post(act.options, act.sent);
    const credential = told(await act.ask(read(publicKey)));
    const { recoveryCodes } = await post(act.answer, act.as({ requestId, credential }));
    if (recoveryCodes) list(recoveryCodes);
    // Who is signed in has no code to type.
    if (typed) typed.hidden = form.hidden = true;
    say(recoveryCodes?.length ? 'codes' : 'done');
  } catch (error) {
    say(WORDS[error.name] ?? 'failed');
  } finally {
    button.disabled = false;
  }
});

// Where no script runs it is not shown.
form.hidden = false;
