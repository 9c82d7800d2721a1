//! Before the opening neither logs nor metrics tell who bids for what, nor how many do: the real server, told to log everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};

use crate::process::{binary, free_address, is_ready};

/// Somebody who is signed in.
struct Person {
    http: reqwest::Client,
    base: String,
    token: String,
    org: String,
    user: String,
}

impl Person {
    async fn new(base: &str, name: &str) -> Self {
        let (http, base) = (reqwest::Client::new(), base.to_owned());
        let body = json!({ "email": format!("{name}@bids.example"), "password": "correct horse battery", "name": name, "organizationName": name });
        let answer = http.post(format!("{base}/api/auth/register")).json(&body).send().await.expect("answers");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{body}");
        let text = |pointer: &str| {
            body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {body}")).to_owned()
        };
        Self { http, base, token: text("/accessToken"), org: text("/organization/id"), user: text("/user/id") }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        request = request.header("Idempotency-Key", uuid::Uuid::now_v7().to_string());
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("answers");
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        assert!(status.is_success(), "{status} {path}: {body}");
        body
    }

    fn names(&self) -> [String; 3] {
        [self.org.clone(), self.user.clone(), "acme".to_owned()]
    }
}

/// What grows by itself, whoever does what, and why.
const BY_THEMSELVES: &[(&str, &str)] = &[("sweeps_total", "sweeps run by the clock alone")];

/// Every counter, and how much of everything else was counted.
async fn counters(metrics: &str) -> BTreeMap<String, String> {
    let text = reqwest::get(metrics).await.expect("answers").text().await.expect("reads");
    let kinds: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let counts = |line: &&str| {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let counted = name.strip_suffix("_count").and_then(|name| kinds.get(name));
        let grows = kinds.get(name) == Some(&"counter") || counted.is_some_and(|kind| ["histogram", "summary"].contains(kind));
        grows && !BY_THEMSELVES.iter().any(|(other, _)| *other == name)
    };
    text.lines()
        .filter(counts)
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// How much each counter has grown.
fn grown(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> BTreeMap<String, u64> {
    let number = |text: Option<&String>| text.map_or(0, |text| text.parse::<f64>().expect("a number") as u64);
    let grown = after.iter().map(|(name, value)| (name.clone(), number(Some(value)) - number(before.get(name))));
    grown.filter(|(_, by)| *by > 0).collect()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {value}")).to_owned()
}

async fn published(owner: &Person) -> (String, String) {
    let project = text(&owner.call("POST", "/api/projects", json!({ "name": "Villa", "currency": "EUR" })).await, "/id");
    let lines = json!([{ "code": "1", "description": "Walls", "kind": "measured", "unitCode": "m2", "quantity": "410", "estimateRate": "46.90" }]);
    let soq = owner.call("POST", "/api/soq", json!({ "projectId": project, "title": "Masonry", "lines": lines })).await;
    let (id, line) = (text(&soq, "/id"), text(&soq, "/lines/0/id"));
    owner.call("POST", &format!("/api/soq/{id}/freeze"), Value::Null).await;
    let deadline = (chrono::Utc::now() + chrono::TimeDelta::hours(1)).to_rfc3339();
    let tender = json!({ "projectId": project, "soqId": id, "title": "Masonry", "procurementMethod": "open", "submissionDeadline": deadline,
        "milestones": [{ "title": "All", "percent": "100" }] });
    let tender = text(&owner.call("POST", "/api/tenders", tender).await, "/id");
    owner.call("POST", &format!("/api/tenders/{tender}/publish"), Value::Null).await;
    (tender, line)
}

/// The real server, told to log everything, with its addresses: the API's and the metrics'.
/// The real server, told to log everything, with its addresses: the API's and the metrics'.
pub async fn serve(data: &Path, log: &Path) -> (tokio::process::Child, String, String) {
    let (address, metrics) = (free_address(), free_address());
    let mut child = binary()
        .arg("serve")
        .env("BUILD14__SERVER__ADDRESS", address.to_string())
        .env("BUILD14__METRICS__ADDRESS", metrics.to_string())
        .env("BUILD14__STRIPE__SANDBOX__ADDRESS", "127.0.0.1:0")
        .env("BUILD14__DATA_DIR", data)
        .env("BUILD14__RATE_LIMITS__ENABLED", "false")
        // However busy the machine is: this is about what is told, not about how fast.
        .env("BUILD14__DATABASE__WAIT", "60s")
        .env("BUILD14__DATABASE__STATEMENT_TIMEOUT", "60s")
        .env("BUILD14__SIGN_IN__HASH_WAIT", "60s")
        .env("BUILD14__LOG__FORMAT", "json")
        .env("BUILD14__LOG__FILTER", "trace")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(log).expect("a file"))
        .spawn()
        .expect("the binary runs");
    let started = Instant::now();
    while !is_ready(address).await {
        assert!(child.try_wait().expect("asked").is_none(), "{}", std::fs::read_to_string(log).unwrap_or_default());
        assert!(started.elapsed().as_secs() < 60, "it is not ready");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    (child, format!("http://{address}"), format!("http://{metrics}/metrics"))
}

#[tokio::test]
async fn neither_logs_nor_metrics_tell_who_bids_for_what_nor_how_many_do() {
    let place = tempfile::tempdir().expect("a folder");
    let log = place.path().join("log");
    let (mut server, base, metrics) = serve(&place.path().join("data"), &log).await;
    let (owner, acme) = (Person::new(&base, "owner").await, Person::new(&base, "acme").await);
    let (tender, line) = published(&owner).await;
    let offer = |rate: &str, draft: bool| json!({ "lines": [{ "soqLineId": line, "rate": rate }], "validUntil": "2099-01-01", "draft": draft });
    let bids = format!("/api/tenders/{tender}/bids");

    // What the publication left to be done is done, and counted, before anything is compared.
    let start = testkit::until("the publication is delivered", async || {
        let (now, next) = (counters(&metrics).await, counters(&metrics).await);
        let delivered = now.keys().any(|name| name.starts_with("events_total") && name.contains("tenders.published"));
        (delivered && now == next).then_some(now)
    })
    .await;
    acme.call("GET", &format!("/api/tenders/{tender}"), Value::Null).await;
    let read = counters(&metrics).await;
    let bid = text(&acme.call("POST", &bids, offer("44.25", true)).await, "/id");
    let drafted = counters(&metrics).await;
    acme.call("PUT", &format!("/api/bids/{bid}"), offer("44.25", false)).await;
    let submitted = counters(&metrics).await;
    for counted in ["http_requests_total", "http_request_duration_seconds_count", "events_total"] {
        assert!(start.keys().any(|series| series.starts_with(counted)), "{counted} is looked at");
    }
    let reading = grown(&start, &read);
    assert_eq!(reading.values().collect::<Vec<_>>(), [&1, &1], "a request, and its time: {reading:?}");
    assert_eq!(grown(&read, &drafted), reading, "a draft looks as if the tender had been read");
    assert_eq!(grown(&drafted, &submitted), reading, "so does a bid");

    acme.call("DELETE", &format!("/api/bids/{bid}"), Value::Null).await;
    acme.call("POST", &bids, offer("43", false)).await;
    acme.call("GET", &bids, Value::Null).await;
    acme.call("GET", &format!("/api/bids/{bid}"), Value::Null).await;
    // What is refused, misspelt or asked with the wrong method.
    for (method, path) in [("POST", bids.clone()), ("GET", format!("/api/bidz/{bid}")), ("DELETE", bids.clone())] {
        let request = acme.http.request(method.parse().expect("a method"), format!("{base}{path}")).bearer_auth(&acme.token);
        assert!(request.json(&offer("-1", false)).send().await.expect("answers").status().is_client_error(), "{path}");
    }
    let labels = reqwest::get(&metrics).await.expect("answers").text().await.expect("reads");
    server.kill().await.expect("ends");

    let text = std::fs::read_to_string(&log).expect("the log");
    assert!(text.lines().any(|line| line.contains("\"route\":\"sealed\"")), "requests are logged");
    assert!(text.contains("\"level\":\"TRACE\"") || text.contains("\"level\":\"DEBUG\""), "everything is logged");
    let things = [tender.clone(), bid.clone()];
    let names = acme.names();
    for line in text.lines() {
        assert!(!line.contains(&bid), "no line names a bid: {line}");
        let both = things.iter().any(|id| line.contains(id)) && names.iter().any(|name| line.contains(name));
        assert!(!both, "a line names bidder and tender: {line}");
    }
    // Nor two lines of one request together.
    let mut requests: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        let parsed: Value = serde_json::from_str(line).unwrap_or_default();
        for pointer in ["/request_id", "/span/request_id", "/span/request"] {
            if let Some(id) = parsed.pointer(pointer).and_then(Value::as_str) {
                requests.entry(id.to_owned()).or_default().insert(line);
            }
        }
    }
    for (id, lines) in &requests {
        let all = lines.iter().copied().collect::<Vec<_>>().join("\n");
        let both = all.contains(&tender) && names.iter().any(|name| all.contains(name));
        assert!(!both, "the lines of request {id} name bidder and tender:\n{all}");
    }
    for name in things.iter().chain(&names) {
        assert!(!labels.contains(name), "no label names {name}");
    }
}
