//! A listener does not believe that it hears before it has heard itself.

use std::time::Duration;

use db::Signal;
use testkit::{Database, Proxy, ProxyFault};
use tokio::sync::mpsc;

async fn next(signals: &mut mpsc::UnboundedReceiver<Signal>) -> Signal {
    tokio::time::timeout(Duration::from_secs(60), signals.recv()).await.expect("a signal").expect("the listener lives")
}

#[tokio::test]
async fn a_listener_behind_a_pooler_that_swallows_notifications_says_that_it_hears_nothing() {
    let db = Database::fresh().await;
    let url = db.system_url().await;
    let pooler = Proxy::before(&url, ProxyFault::WithNotifications).await;
    let (tell, mut signals) = mpsc::unbounded_channel();
    let listener = db::listen(pooler.url(&url), &["news"], move |signal| drop(tell.send(signal)));
    // Twice: it tries again and is not fooled the second time.
    for _ in 0..2 {
        assert_eq!(next(&mut signals).await, Signal::Lost, "never connected");
    }
    listener.abort();
}

#[tokio::test]
async fn a_listener_that_hears_itself_hears_others() {
    let db = Database::fresh().await;
    let url = db.system_url().await;
    let way = Proxy::before(&url, ProxyFault::WithStartupOptions).await;
    let (tell, mut signals) = mpsc::unbounded_channel();
    let listener = db::listen(way.url(&url), &["news"], move |signal| drop(tell.send(signal)));
    while next(&mut signals).await != Signal::Connected {}
    db.run_sql("notify news, 'one'").await;
    assert_eq!(next(&mut signals).await, Signal::Notified { channel: "news".to_owned(), payload: "one".to_owned() });
    listener.abort();
}
