//! A listener does not believe that it hears before it has heard itself.

use std::time::{Duration, Instant};

use db::{Hearing, Signal};
use testkit::{Database, Proxy, ProxyFault};
use tokio::sync::mpsc;

use crate::heard::{Deaf, Errors};

async fn next(signals: &mut mpsc::UnboundedReceiver<Signal>) -> Signal {
    tokio::time::timeout(Duration::from_secs(60), signals.recv()).await.expect("a signal").expect("the listener lives")
}

#[tokio::test]
async fn a_listener_behind_a_pooler_that_swallows_notifications_says_that_it_hears_nothing() {
    let db = Database::fresh().await;
    let url = db.system_url().await;
    let pooler = Proxy::before(&url, ProxyFault::WithNotifications).await;
    let (tell, mut signals) = mpsc::unbounded_channel();
    let began = Instant::now();
    let listener = db::listen(pooler.url(&url), &["news"], Hearing::default(), move |signal| drop(tell.send(signal)));
    // Twice: it tries again and is not fooled the second time.
    for times in 1..=2 {
        assert_eq!(next(&mut signals).await, Signal::Lost, "never connected");
        assert!(began.elapsed() >= Duration::from_secs(2) * times, "it waits for as long as it says");
    }
    listener.abort();
}

#[tokio::test]
async fn a_listener_that_hears_itself_hears_others() {
    let db = Database::fresh().await;
    let url = db.system_url().await;
    let way = Proxy::before(&url, ProxyFault::WithStartupOptions).await;
    let (tell, mut signals) = mpsc::unbounded_channel();
    let listener = db::listen(way.url(&url), &["news"], Hearing::default(), move |signal| drop(tell.send(signal)));
    while next(&mut signals).await != Signal::Connected {}
    db.run_sql("notify news, 'one'").await;
    assert_eq!(next(&mut signals).await, Signal::Notified { channel: "news".to_owned(), payload: "one".to_owned() });
    listener.abort();
}

#[tokio::test]
async fn a_listener_that_turns_deaf_notices_by_itself_and_says_so_once() {
    let (errors, deaf) = (Errors::hear(), Deaf::default());
    let _sees = metrics::set_default_local_recorder(&deaf);
    let db = Database::fresh().await;
    let url = db.system_url().await;
    let pooler = Proxy::before(&url, ProxyFault::WithNotifications).await;
    pooler.swallow_notifications(false);
    let (tell, mut signals) = mpsc::unbounded_channel();
    let hearing = Hearing { again: Duration::from_millis(10), ..Hearing::default() };
    let listener = db::listen(pooler.url(&url), &["news"], hearing, move |signal| drop(tell.send(signal)));
    while next(&mut signals).await != Signal::Connected {}
    // It has proven itself many times meanwhile, and nothing of that is told.
    for news in 0..20 {
        db.run_sql(&format!("notify news, '{news}'")).await;
        assert_eq!(next(&mut signals).await, Signal::Notified { channel: "news".to_owned(), payload: news.to_string() });
    }
    assert!(errors.take().is_empty() && deaf.count() == "0");

    pooler.swallow_notifications(true);
    for _ in 0..2 {
        assert_eq!(next(&mut signals).await, Signal::Lost, "although no connection is lost");
        assert_eq!(deaf.count(), "1");
    }
    let said = errors.take();
    assert!(said.len() == 1 && said[0].contains("cannot hear notifications") && said[0].contains("within 2s"), "{said:?}");

    pooler.swallow_notifications(false);
    while next(&mut signals).await != Signal::Connected {}
    assert!(errors.take().is_empty() && deaf.count() == "0");
    listener.abort();
}

#[test]
fn operators_are_told_how_long_a_listener_may_be_deaf_unnoticed() {
    let told = include_str!("../../../../docs/OPERATIONS.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("within two seconds, and again every thirty"), "docs/OPERATIONS.md, of listeners");
    assert_eq!(Hearing::default(), Hearing { within: Duration::from_secs(2), again: Duration::from_secs(30) });
}
