//! An identity provider at a port of its own: an OpenID Connect issuer, and the part of GitHub that signs in, in one. It does as its script says, attacks too.

mod script;
mod signing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use signing::Signer;

pub use script::{CLIENT_ID, CLIENT_SECRET, Script, Signature};

/// What was asked with a code.
struct Asked {
    nonce: Option<String>,
    challenge: String,
    redirect: String,
    script: Script,
}

struct State {
    script: Script,
    signer: Signer,
    codes: HashMap<String, Asked>,
    tokens: HashMap<String, Script>,
    made: usize,
}

/// An identity provider. Gone when dropped.
pub struct Issuer {
    /// The issuer, and where GitHub's pages are; GitHub's API is at `/api` below it.
    pub url: String,
    state: Arc<Mutex<State>>,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

fn held(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Issuer {
    /// One at which this person signs in.
    ///
    /// # Panics
    /// If no key can be made, or no port is free.
    pub async fn start(script: Script) -> Self {
        let state = State { script, signer: Signer::fresh(), codes: HashMap::new(), tokens: HashMap::new(), made: 0 };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(AtomicUsize::new(0));
        let (shared, own, counted) = (Arc::clone(&state), url.clone(), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (state, own) = (Arc::clone(&shared), own.clone());
                // Who asks may be gone by now.
                tokio::spawn(async move { serve(client, &state, &own).await.ok() });
            }
        });
        Self { url, state, asked, task }
    }

    /// From now on it goes by this.
    pub fn play(&self, script: Script) {
        held(&self.state).script = script;
    }

    /// From now on it signs with another key, and shows no other.
    pub fn rotate(&self) {
        held(&self.state).signer = Signer::fresh();
    }

    /// How many requests came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// What the browser of a person does whom the client sends there: where the provider sends it back to.
    ///
    /// # Panics
    /// If the client asks otherwise than it should.
    #[must_use]
    pub fn visit(&self, url: &str) -> String {
        let (_, query) = url.split_once('?').expect("a query");
        send_back(&mut held(&self.state), &self.url, &fields(query.as_bytes())).unwrap_or_else(|why| panic!("{why}: {url}"))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Fields = HashMap<String, String>;

fn fields(form: &[u8]) -> Fields {
    form_urlencoded::parse(form).into_owned().collect()
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Somebody signs in, and is sent back with a code.
fn send_back(state: &mut State, issuer: &str, asked: &Fields) -> Result<String, &'static str> {
    let of = |name: &str| asked.get(name).cloned();
    if of("client_id").as_deref() != Some(CLIENT_ID) || of("response_type").as_deref() != Some("code") {
        return Err("the client or the response type is wrong");
    }
    if of("code_challenge_method").as_deref() != Some("S256") {
        return Err("the challenge is missing");
    }
    let challenge = of("code_challenge").ok_or("the challenge is missing")?;
    let (redirect, given) = (of("redirect_uri").ok_or("redirect_uri is missing")?, of("state").ok_or("state is missing")?);
    let script = state.script.clone();
    let mut answer = vec![("state", given.as_str())];
    if script.names_itself {
        answer.push(("iss", issuer));
    }
    if script.declines {
        answer.push(("error", "access_denied"));
        return Ok(format!("{redirect}?{}", encoded(&answer)));
    }
    state.made += 1;
    let code = format!("code-{}-{}", state.made, signing::random());
    answer.push(("code", code.as_str()));
    let back = format!("{redirect}?{}", encoded(&answer));
    state.codes.insert(code, Asked { nonce: of("nonce"), challenge, redirect, script });
    Ok(back)
}

/// Gives a token for a code, once, to whoever has what was hashed before.
fn redeem(state: &mut State, issuer: &str, asked: &Fields, authorization: Option<&str>) -> Result<Value, &'static str> {
    let of = |name: &str| asked.get(name).map(String::as_str);
    let in_head = authorization.and_then(|value| value.strip_prefix("Basic ")).and_then(|value| STANDARD.decode(value).ok());
    let known = match in_head {
        Some(pair) => {
            let pair = String::from_utf8(pair).map_err(|_| "invalid_client")?;
            let (id, secret) = pair.split_once(':').ok_or("invalid_client")?;
            let plain = |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
            plain(id).as_deref() == Some(CLIENT_ID) && plain(secret).as_deref() == Some(CLIENT_SECRET)
        }
        None => of("client_id") == Some(CLIENT_ID) && of("client_secret") == Some(CLIENT_SECRET),
    };
    if !known {
        return Err("invalid_client");
    }
    let Asked { nonce, challenge, redirect, script } =
        state.codes.remove(of("code").unwrap_or_default()).ok_or("invalid_grant")?;
    let verifier = digest(&SHA256, of("code_verifier").unwrap_or_default().as_bytes());
    if URL_SAFE_NO_PAD.encode(verifier) != challenge || of("redirect_uri") != Some(redirect.as_str()) {
        return Err("invalid_grant");
    }
    let token = format!("token-{}", signing::random());
    state.tokens.insert(token.clone(), script.clone());
    let mut answer = json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600 });
    // GitHub is asked without one, and signs nothing.
    if let Some(nonce) = nonce {
        answer["id_token"] = json!(state.signer.id_token(&script, issuer, &nonce));
    }
    Ok(answer)
}

/// What the issuer says of itself.
fn description(issuer: &str, script: &Script) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"), "jwks_uri": format!("{issuer}/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": script.names_itself
    })
}

/// Status, location and body.
type Answer = (&'static str, Option<String>, Value);

fn answer(state: &mut State, issuer: &str, request: &Request) -> Answer {
    let found = |body: Value| ("200 OK", None, body);
    let refused = |status: &'static str, why: &str| (status, None, json!({ "error": why }));
    let (path, query) = request.target.split_once('?').unwrap_or((request.target.as_str(), ""));
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let whose = bearer.and_then(|token| state.tokens.get(token)).cloned();
    match (path, whose) {
        // Wherever it is asked for: it is this issuer's.
        (path, _) if path.ends_with("/.well-known/openid-configuration") => found(description(issuer, &state.script)),
        ("/keys", _) => found(state.signer.keys()),
        ("/authorize" | "/login/oauth/authorize", _) => match send_back(state, issuer, &fields(query.as_bytes())) {
            Ok(back) => ("302 Found", Some(back), Value::Null),
            Err(why) => refused("400 Bad Request", why),
        },
        ("/token", _) => match redeem(state, issuer, &fields(&request.body), request.header("authorization")) {
            Ok(token) => found(token),
            Err(why) => refused("400 Bad Request", why),
        },
        // It answers what it refuses with 200.
        ("/login/oauth/access_token", _) => found(
            redeem(state, issuer, &fields(&request.body), None).unwrap_or_else(|_| json!({ "error": "bad_verification_code" })),
        ),
        ("/userinfo", Some(script)) => {
            let mut claims = json!({ "sub": script.subject });
            script.tell(&mut claims);
            found(claims)
        }
        ("/api/user", Some(script)) => {
            let id: u64 = script.subject.parse().unwrap_or_default();
            found(json!({ "id": id, "login": "ada", "name": script.name, "email": null }))
        }
        ("/api/user/emails", Some(script)) => found(json!([
            { "email": "other@example.com", "primary": false, "verified": true },
            { "email": script.email, "primary": true, "verified": script.email_verified == Some(true) }
        ])),
        ("/userinfo" | "/api/user" | "/api/user/emails", None) => refused("401 Unauthorized", "invalid_token"),
        _ => refused("404 Not Found", "not_found"),
    }
}

/// A request, as it came.
struct Request {
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads one; `None` if the client went.
async fn read(client: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 2048]);
    let head_ends = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        match client.read(&mut piece).await? {
            0 => return Ok(None),
            length => bytes.extend_from_slice(&piece[..length]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_ends]).into_owned();
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut request = Request { target, headers, body: bytes[head_ends + 4..].to_vec() };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while request.body.len() < length {
        match client.read(&mut piece).await? {
            0 => return Ok(None),
            got => request.body.extend_from_slice(&piece[..got]),
        }
    }
    Ok(Some(request))
}

async fn serve(mut client: TcpStream, state: &Mutex<State>, issuer: &str) -> std::io::Result<()> {
    let Some(request) = read(&mut client).await? else { return Ok(()) };
    let (silent, broken) = {
        let state = held(state);
        (state.script.silent, state.script.broken)
    };
    if silent {
        // Until whoever asks gives up.
        while client.read(&mut [0; 64]).await? > 0 {}
        return Ok(());
    }
    let (status, location, body) = match broken {
        true => ("503 Service Unavailable", None, json!({ "error": "temporarily_unavailable" })),
        false => answer(&mut held(state), issuer, &request),
    };
    let location = location.map(|to| format!("Location: {to}\r\n")).unwrap_or_default();
    let (body, kind) = (body.to_string(), "application/json");
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\n{location}Content-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    client.write_all(format!("{head}{body}").as_bytes()).await?;
    client.shutdown().await
}
