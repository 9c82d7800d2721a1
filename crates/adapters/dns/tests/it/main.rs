//! What is published is seen, at once, by way of a real socket.

use std::net::UdpSocket;
use std::time::Duration;

use dns_resolver::Resolver;
use kernel::DomainError as _;
use testkit::NameServer;
use users_api::TxtRecords as _;

const NAME: &str = "_14build-challenge.example.com";

#[tokio::test]
async fn a_text_is_seen_as_soon_as_it_is_published_and_until_it_is_taken_away() {
    let server = NameServer::start().await;
    let resolver = Resolver::new(vec![server.address], Duration::from_secs(2));
    assert_eq!(resolver.texts(NAME).await.expect("an answer"), [""; 0], "no such name");
    server.publish(NAME, &["v=spf1 -all", "14build-domain=abc"]);
    let mut texts = resolver.texts(NAME).await.expect("an answer");
    texts.sort();
    assert_eq!(texts, ["14build-domain=abc", "v=spf1 -all"]);
    assert_eq!(resolver.texts("_14build-challenge.www.example.com").await.expect("an answer"), [""; 0], "another name");
    assert_eq!(resolver.texts("example.com").await.expect("an answer"), [""; 0]);
    server.publish(NAME, &[]);
    assert_eq!(resolver.texts(NAME).await.expect("an answer"), [""; 0], "nothing is remembered");
}

#[tokio::test]
async fn a_domain_of_other_letters_is_asked_for_as_it_travels() {
    let server = NameServer::start().await;
    server.publish("_14build-challenge.xn--bcher-kva.example", &["here"]);
    let resolver = Resolver::new(vec![server.address], Duration::from_secs(2));
    assert_eq!(resolver.texts("_14build-challenge.bücher.example").await.expect("an answer"), ["here"]);
}

#[tokio::test]
async fn a_long_text_comes_whole() {
    let server = NameServer::start().await;
    let long = "x".repeat(300);
    server.publish(NAME, &[&long]);
    let resolver = Resolver::new(vec![server.address], Duration::from_secs(2));
    assert_eq!(resolver.texts(NAME).await.expect("an answer"), [long]);
}

#[tokio::test]
async fn that_nobody_answers_is_no_answer() {
    // Taken, and silent.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let resolver = Resolver::new(vec![silent.local_addr().expect("bound")], Duration::from_millis(50));
    let fault = resolver.texts(NAME).await.expect_err("nobody answers");
    assert_eq!(fault.code(), "UNAVAILABLE");
    let server = NameServer::start().await;
    server.fail(true);
    let resolver = Resolver::new(vec![server.address], Duration::from_secs(2));
    let fault = resolver.texts(NAME).await.expect_err("the server fails");
    assert_eq!(fault.code(), "UNAVAILABLE");
}
