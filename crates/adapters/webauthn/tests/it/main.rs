//! The port, asked by an authenticator in software.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use auth_api::{Ceremonies, Ceremony, KeptKey, KeyOwner, MadeKey, ShownKey, Unproven};
use kernel::UserId;
use serde_json::{Value, json};
use testkit::Authenticator;
use webauthn_adapter::Authenticators;

const PAGE: &str = "https://build14.example";

fn server() -> Authenticators {
    Authenticators::of(PAGE).unwrap()
}

fn owner(user: UserId) -> KeyOwner<'static> {
    KeyOwner { user, email: "ada@example.com", name: "Ada" }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn made(answer: &Value) -> MadeKey {
    let response = &answer["response"];
    MadeKey {
        id: text(&answer["id"]),
        client_data: text(&response["clientDataJSON"]),
        attestation: text(&response["attestationObject"]),
        transports: vec!["internal".to_owned()],
    }
}

fn shown(answer: &Value) -> ShownKey {
    let response = &answer["response"];
    ShownKey {
        id: text(&answer["id"]),
        client_data: text(&response["clientDataJSON"]),
        authenticator_data: text(&response["authenticatorData"]),
        signature: text(&response["signature"]),
        user_handle: Some(text(&response["userHandle"])),
    }
}

/// A key of this authenticator.
fn registered(server: &Authenticators, authenticator: &mut Authenticator) -> KeptKey {
    let Ceremony { options, state } = server.begin(owner(UserId::new()), &[]).unwrap();
    server.made(&state, &made(&authenticator.make(&options).unwrap())).unwrap()
}

/// What comes of its use.
fn used(server: &Authenticators, authenticator: &mut Authenticator, key: &KeptKey) -> Result<KeptKey, Unproven> {
    let Ceremony { options, state } = server.ask(&[]).unwrap();
    server.shown(&state, &key.credential, &shown(&authenticator.show(&options)))
}

fn is_refused(outcome: Result<KeptKey, Unproven>) -> bool {
    matches!(outcome, Err(Unproven::Refused))
}

#[test]
fn a_key_is_made_and_used() {
    let (server, mut authenticator) = (server(), Authenticator::on(PAGE));
    let Ceremony { options, state } = server.begin(owner(UserId::new()), &[vec![7; 16]]).unwrap();
    assert_eq!(options["rp"], json!({ "id": "build14.example", "name": "14Build" }));
    assert_eq!(options["user"]["name"], "ada@example.com");
    let selection = &options["authenticatorSelection"];
    assert_eq!((&selection["residentKey"], &selection["userVerification"]), (&json!("required"), &json!("required")));
    assert_eq!((&selection["requireResidentKey"], &options["attestation"]), (&json!(true), &json!("none")));
    assert_eq!(options["excludeCredentials"][0]["id"], "BwcHBwcHBwcHBwcHBwcHBw");
    authenticator.backed_up = true;
    let key = server.made(&state, &made(&authenticator.make(&options).unwrap())).unwrap();
    assert_eq!((key.credential_id.len(), key.counter, key.backup_eligible, key.backed_up), (32, 0, true, true));

    let Ceremony { options, state } = server.ask(std::slice::from_ref(&key.credential_id)).unwrap();
    assert_eq!((&options["userVerification"], &options["rpId"]), (&json!("required"), &json!("build14.example")));
    assert_eq!(options["allowCredentials"].as_array().map(Vec::len), Some(1));
    let again = server.shown(&state, &key.credential, &shown(&authenticator.show(&options))).unwrap();
    assert_eq!(again.credential_id, key.credential_id);
}

#[test]
fn a_key_is_made_on_a_page_of_ours_for_us_with_its_person_seen_to() {
    let server = server();
    let wrong: [fn(&mut Authenticator); 4] = [
        |one| one.origin = "https://evil.example".to_owned(),
        |one| one.rp_id = Some("evil.example".to_owned()),
        |one| one.verifies = false,
        |one| one.framed = true,
    ];
    for (at, wrong) in wrong.into_iter().enumerate() {
        let mut authenticator = Authenticator::on(PAGE);
        wrong(&mut authenticator);
        let Ceremony { options, state } = server.begin(owner(UserId::new()), &[]).unwrap();
        assert!(is_refused(server.made(&state, &made(&authenticator.make(&options).unwrap()))), "{at} made");

        let mut authenticator = Authenticator::on(PAGE);
        let key = registered(&server, &mut authenticator);
        wrong(&mut authenticator);
        assert!(is_refused(used(&server, &mut authenticator, &key)), "{at} used");
    }
    // Another port is another origin.
    let mut authenticator = Authenticator::on(PAGE);
    let key = registered(&server, &mut authenticator);
    authenticator.origin = format!("{PAGE}:8443");
    assert!(is_refused(used(&server, &mut authenticator, &key)));
}

#[test]
fn an_answer_counts_for_its_own_challenge_and_its_own_key() {
    let (server, mut authenticator) = (server(), Authenticator::on(PAGE));
    let key = registered(&server, &mut authenticator);
    let (first, second) = (server.ask(&[]).unwrap(), server.ask(&[]).unwrap());
    let answer = shown(&authenticator.show(&first.options));
    assert!(is_refused(server.shown(&second.state, &key.credential, &answer)));
    let other = registered(&server, &mut Authenticator::on(PAGE));
    assert!(is_refused(server.shown(&first.state, &other.credential, &answer)));
    let forged = ShownKey { signature: "MEUCIQDa".to_owned(), ..answer.clone() };
    assert!(is_refused(server.shown(&first.state, &key.credential, &forged)));
    let nonsense = ShownKey { client_data: "=".to_owned(), ..answer.clone() };
    assert!(is_refused(server.shown(&first.state, &key.credential, &nonsense)));
    assert!(server.shown(&first.state, &key.credential, &answer).is_ok());

    let begun = server.begin(owner(UserId::new()), std::slice::from_ref(&key.credential_id)).unwrap();
    assert!(authenticator.make(&begun.options).is_none(), "it has one already");
    let other = server.begin(owner(UserId::new()), &[]).unwrap();
    let answer = made(&Authenticator::on(PAGE).make(&other.options).unwrap());
    assert!(is_refused(server.made(&begun.state, &answer)));
}

#[test]
fn a_counter_that_does_not_rise_shows_a_copy() {
    let (server, mut authenticator) = (server(), Authenticator::on(PAGE));
    authenticator.counts = true;
    let key = registered(&server, &mut authenticator);
    let key = used(&server, &mut authenticator, &key).unwrap();
    assert_eq!(key.counter, 1);
    authenticator.set_counter(6);
    let key = used(&server, &mut authenticator, &key).unwrap();
    assert_eq!(key.counter, 7);
    for before in [0, 3, 6] {
        authenticator.set_counter(before);
        assert!(matches!(used(&server, &mut authenticator, &key), Err(Unproven::CounterFell)), "{before}");
    }
    authenticator.set_counter(7);
    assert!(used(&server, &mut authenticator, &key).is_ok());
}

#[test]
fn a_server_without_a_name_has_none() {
    let nowhere = Authenticators::of("https://192.0.2.7").unwrap();
    assert!(matches!(nowhere.begin(owner(UserId::new()), &[]), Err(Unproven::Unavailable)));
    assert!(matches!(nowhere.ask(&[]), Err(Unproven::Unavailable)));
    let own = Authenticators::of("http://127.0.0.1:8080").unwrap();
    assert_eq!(own.ask(&[]).unwrap().options["rpId"], "localhost");
    assert!(Authenticators::of("nowhere").is_err());
}
