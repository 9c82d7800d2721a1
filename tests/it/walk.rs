//! The walk: a world in which each operation is called with its own example, so that the next one finds the state that it needs.

mod document;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::issuer::{CLIENT_ID, CLIENT_SECRET, Script};
use testkit::{Issuer, NameServer, Scanner};
use uuid::Uuid;

pub use document::Document;

use crate::world::{Answer, Client, PASSWORD, Party, World};

/// What the mail provider of the walk signs with.
pub const MAIL_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// How far the walk has come.
pub struct Walk {
    /// Where it takes place.
    pub world: World,
    /// Who tells of leaked keys.
    pub scanner: Scanner,
    /// By whom one signs in elsewhere.
    pub issuer: Issuer,
    /// Who says what is published of domains.
    pub names: NameServer,
    /// The document.
    pub document: Document,
    /// Whom the example of `POST /api/auth/register` registers.
    pub owner: Party,
    ids: BTreeMap<&'static str, String>,
    people: BTreeMap<&'static str, Party>,
    called: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Walk {
    /// A world in which somebody has registered by the example.
    pub async fn begin() -> Self {
        // Whose readiness is asked, too: it has no worker that could be well.
        let scanner = Scanner::start().await;
        let issuer = Issuer::start(Script::of("248289761001", "ada@example.com")).await;
        let names = NameServer::start().await;
        let resolver = names.address.to_string();
        let world = World::with(&[
            ("BUILD14__JOBS__IN_PROCESS", "false"),
            ("BUILD14__MAIL__RESEND__WEBHOOK_SECRET", MAIL_SECRET),
            ("BUILD14__API_KEYS__LEAK_REPORTER_URL", scanner.url.as_str()),
            ("BUILD14__DOMAINS__RESOLVERS", resolver.as_str()),
            ("BUILD14__TOKENS__AUDIENCES", "https://reports.example.com"),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__NAME", "Elsewhere"),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__ISSUER", issuer.url.as_str()),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_ID", CLIENT_ID),
            ("BUILD14__IDENTITY_PROVIDERS__OIDC__CLIENT_SECRET", CLIENT_SECRET),
        ])
        .await;
        let nobody = world.anonymous();
        let owner = Party { http: nobody.clone(), email: String::new(), user: String::new(), org: String::new() };
        let (ids, people, called) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut walk =
            Self { world, scanner, issuer, names, document: Document::served(), owner, ids, people, called, wrong: Vec::new() };
        let registered = walk.send(&nobody, "POST /api/auth/register", &[], &[]).await;
        walk.owner = walk.party(&registered);
        walk
    }

    /// Calls an operation with the example of its body as it stands, but for what is `replaced` at these pointers: ids of the examples by
    /// those of this world. `ids` go into its path, in order.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn send(&mut self, who: &Client, operation: &str, ids: &[&str], replaced: &[(&str, &str)]) -> Answer {
        let (method, template) = operation.split_once(' ').expect("a method and a path");
        let mut request = who.request(method, &path(operation, template, ids));
        if let Some((media_type, example)) = self.document.body(operation) {
            let example = example.unwrap_or_else(|| panic!("{operation} has no example of its body: {WHERE}"));
            request = request.header("content-type", media_type).body(with_ids(operation, example, replaced).to_string());
        } else {
            assert!(replaced.is_empty(), "{operation} takes no body in which something could be replaced");
        }
        let answer = who.send(request).await;
        self.met(operation, &answer);
        answer
    }

    /// Notes that an operation was called, and what of its answer is not as the document says.
    ///
    /// # Panics
    /// If it was refused.
    pub fn met(&mut self, operation: &str, answer: &Answer) {
        let text = String::from_utf8_lossy(&answer.bytes);
        let status = answer.status;
        assert!(
            status < 300,
            "{operation} answers its own example with {status}: mend the example, or the state that the walk brings about before: {text}"
        );
        self.called.insert(operation.to_owned());
        let documented = self.document.resolved(&self.document.operation(operation)["responses"][status.to_string()]);
        if documented.is_null() {
            self.wrong.push(format!("{operation} answers {status}, which the document does not say"));
            return;
        }
        let sent = answer.header("content-type").split(';').next().unwrap_or_default().trim();
        let mut faults = Vec::new();
        for header in ["ETag", "Location"] {
            match (documented["headers"][header].is_null(), answer.header(header).is_empty()) {
                (true, false) => faults.push(format!("the document says nothing of the header {header}")),
                (false, true) => faults.push(format!("the header {header} is missing")),
                _ => {}
            }
        }
        match documented["content"].as_object() {
            None if answer.bytes.is_empty() => {}
            None => faults.push("the document says nothing of the body".to_owned()),
            Some(contents) => match contents.get(sent) {
                None => faults.push(format!("the document says nothing of {sent:?}")),
                Some(content) => {
                    // What is no JSON is a text.
                    let is_json = sent == "application/json" || sent.ends_with("+json");
                    let body = if is_json { answer.body.clone() } else { json!(text) };
                    faults.extend(self.document.faults(&content["schema"], &body));
                    self.document.unknown(&content["schema"], &body, "", &mut faults);
                }
            },
        }
        self.wrong.extend(
            faults.into_iter().map(|fault| format!("{operation} answers {status} otherwise than documented: {fault}: {text}")),
        );
    }

    /// Keeps the id of a thing for the domains that come later.
    pub fn keep(&mut self, thing: &'static str, id: String) {
        self.ids.insert(thing, id);
    }

    /// The id of a thing.
    pub fn id(&self, thing: &str) -> String {
        self.ids.get(thing).cloned().unwrap_or_else(|| panic!("the walk has no {thing:?} yet: an earlier domain keeps its id"))
    }

    /// Keeps a person for the domains that come later.
    pub fn introduce(&mut self, name: &'static str, person: Party) {
        self.people.insert(name, person);
    }

    /// Somebody who was introduced.
    pub fn person(&self, name: &str) -> Party {
        self.people
            .get(name)
            .cloned()
            .unwrap_or_else(|| panic!("the walk does not know {name:?} yet: an earlier domain introduces them"))
    }

    /// Registers whom an example names by their address, with an organisation of their own.
    pub async fn register(&self, email: &str, organization: &str) -> Party {
        let body =
            json!({"email": email, "password": PASSWORD, "name": "Somebody of the examples", "organizationName": organization});
        self.party(&self.world.anonymous().post("/api/auth/register", body).await.expect(201))
    }

    /// Lets it be an instant of the clock that decides deadlines.
    pub async fn until(&self, instant: &str) {
        self.world.db.run_sql(&format!("update app.clock set advance = timestamptz '{instant}' - now()")).await;
    }

    /// Ends the walk: the operations that were not called, and the answers that were not as documented.
    pub async fn end(self) -> Vec<String> {
        let Self { world, document, called, mut wrong, .. } = self;
        let left = document.operations().into_keys().filter(|operation| !called.contains(operation));
        wrong.extend(left.map(|operation| {
            format!("{operation} has no place in the walk: call it in `walk` of its domain's tests/it/domains/….rs, where the state that it needs is there")
        }));
        world.end().await;
        wrong
    }

    fn party(&self, registered: &Answer) -> Party {
        Party {
            http: self.world.anonymous().with_token(&registered.text("/accessToken")),
            email: registered.text("/user/email"),
            user: registered.text("/user/id"),
            org: registered.text("/organization/id"),
        }
    }
}

/// Where an example is written.
pub const WHERE: &str = "write a whole one at its wire type, `#[schema(example = json!({…}))]`, or of a PATCH at its handler, \
                         `request_body(content = …, example = json!({…}))`";

/// A path template with its ids.
fn path(operation: &str, template: &str, ids: &[&str]) -> String {
    let mut ids = ids.iter();
    let filled = template.split('/').map(|segment| {
        if segment.starts_with('{') {
            ids.next().copied().unwrap_or_else(|| panic!("the walk calls {operation} without an id for {segment}"))
        } else {
            segment
        }
    });
    filled.collect::<Vec<_>>().join("/")
}

/// An example with the ids of this world.
fn with_ids(operation: &str, example: &Value, replaced: &[(&str, &str)]) -> Value {
    let mut body = example.clone();
    for (pointer, id) in replaced {
        let place =
            body.pointer_mut(pointer).unwrap_or_else(|| panic!("the example of {operation} has nothing at {pointer}: {example}"));
        // Nothing but names of what is, and what counts for a moment: a rate that is replaced would prove nothing of the example.
        let text = place.as_str().unwrap_or_default();
        let name = text.parse::<Uuid>().is_ok() || (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = pointer.ends_with("/code") && text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        // What an authenticator answers is of one challenge.
        let answer = pointer.starts_with("/credential/") && operation.contains("/passkey");
        assert!(
            name || code || answer,
            "the walk replaces {pointer} of the example of {operation}, which is neither an id nor a hash nor a code: send it as it stands"
        );
        *place = json!(id);
    }
    body
}
