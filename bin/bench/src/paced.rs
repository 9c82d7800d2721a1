//! Load at a fixed rate: requests are due by the clock, whatever became of those before, and their latency counts from when they were due. So a
//! server that stands still is seen by everybody who would have come meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bench::Latencies;
use tokio::sync::{Mutex, mpsc};

use crate::load;

/// How fast, how long, over how many connections.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Requests that are due per second.
    pub rate: u32,
    /// For so many seconds.
    pub seconds: u64,
    /// Connections; a request that is due waits for a free one.
    pub connections: u32,
}

/// A request and whether it is one of those that write.
pub struct Due {
    /// Its bytes.
    pub request: String,
    /// Whether it writes.
    pub writes: bool,
}

/// What became of it.
pub struct Paced {
    /// Of what reads.
    pub reads: Latencies,
    /// Of what writes.
    pub writes: Latencies,
    /// Requests that were answered 429.
    pub refused: usize,
    /// Requests answered per second over those that were due: 1 if the rate was held.
    pub held: f64,
}

/// Sends what `due` says the n-th request is.
///
/// # Errors
/// At the first answer that is neither of success nor 429.
pub async fn run(server: SocketAddr, pace: Pace, due: impl Fn(u64) -> Due + Send + Sync + 'static) -> anyhow::Result<Paced> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (receiver, due) = (Arc::new(Mutex::new(receiver)), Arc::new(due));
    let total = u64::from(pace.rate) * pace.seconds;
    let mut streams = Vec::new();
    for _ in 0..pace.connections {
        streams.push(load::connect(server).await?);
    }
    let started = Instant::now();
    // On a thread of its own: timers of the runtime are a millisecond coarse.
    std::thread::spawn(move || {
        for n in 0..total {
            let at = started + Duration::from_secs_f64(n as f64 / f64::from(pace.rate));
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if sender.send((n, at)).is_err() {
                return;
            }
        }
    });
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            let (receiver, due) = (Arc::clone(&receiver), Arc::clone(&due));
            tokio::spawn(async move {
                let (mut reads, mut writes, mut refused) = (Vec::new(), Vec::new(), 0);
                loop {
                    let next = receiver.lock().await.recv().await;
                    let Some((n, at)) = next else { return Ok::<_, anyhow::Error>((reads, writes, refused)) };
                    let what = due(n);
                    let status = load::exchange(&mut stream, &what.request).await?;
                    ensure!((200..300).contains(&status) || status == 429, "a request was answered {status}");
                    refused += usize::from(status == 429);
                    let latencies = if what.writes { &mut writes } else { &mut reads };
                    latencies.push(at.elapsed());
                }
            })
        })
        .collect();
    let (mut reads, mut writes, mut refused) = (Vec::new(), Vec::new(), 0);
    for task in tasks {
        let (some_reads, some_writes, some_refused) = task.await??;
        reads.extend(some_reads);
        writes.extend(some_writes);
        refused += some_refused;
    }
    let per_second = total as f64 / started.elapsed().as_secs_f64().max(pace.seconds as f64);
    let held = per_second / f64::from(pace.rate);
    Ok(Paced { reads: Latencies::of(reads), writes: Latencies::of(writes), refused, held })
}
