//! Who is woken, and what the gauges show, heard in this thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The kinds of the lines under the target `wake` that this thread writes. The subscriber is the whole process's: tracing remembers per place in
/// the code whether anybody listens, and a scoped one would go unasked where a neighbour without one came by first.
#[derive(Clone, Copy)]
pub struct Pages;

impl Pages {
    /// Listens from now on.
    pub fn hear() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            tracing::subscriber::set_global_default(Self).expect("the only subscriber");
            tracing::callsite::rebuild_interest_cache();
        });
        Self.take();
        Self
    }

    /// What was heard since the last time.
    pub fn take(self) -> Vec<String> {
        HEARD.take()
    }
}

impl Visit for Pages {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "kind" {
            HEARD.with_borrow_mut(|heard| heard.push(value.to_owned()));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Pages {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "wake" && *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut { *self });
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Gauges by name and labels.
#[derive(Default)]
pub struct Gauges(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Gauges {
    pub fn get(&self, key: &str) -> Option<f64> {
        let gauges = self.0.lock().expect("not poisoned");
        gauges.get(key).map(|bits| f64::from_bits(bits.load(Ordering::Relaxed)))
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Gauge::from_arc(Arc::clone(self.0.lock().expect("not poisoned").entry(name).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
