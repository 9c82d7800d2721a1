//! What processes used of the machine (Linux; elsewhere nothing is told).

use std::fs;
use std::ops::{Add, Sub};
use std::path::Path;
use std::time::Duration;

/// What processes used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Processor time, that of children who ended included.
    pub cpu: Duration,
    /// How often their threads gave up a processor, or lost it; of those that still run.
    pub switches: u64,
}

impl Add for Used {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, switches: self.switches + other.switches }
    }
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), switches: self.switches.saturating_sub(before.switches) }
    }
}

/// Of one process.
pub fn by(process: u32) -> Used {
    let folder = Path::new("/proc").join(process.to_string());
    Used { cpu: ticks(&folder, 11..15).unwrap_or_default(), switches: switches(&folder).unwrap_or_default() }
}

/// Of a process and of its children.
pub fn by_family(parent: u32) -> Used {
    let mut of_parent = by(parent);
    loop {
        let of_children = children(parent).map(by).fold(Used::default(), |sum, one| sum + one);
        // A child that ends becomes a part of what its parent used: seen in neither place, or in both, unless it is looked for again.
        let again = by(parent);
        if again.cpu == of_parent.cpu {
            return of_parent + of_children;
        }
        of_parent = again;
    }
}

fn children(parent: u32) -> impl Iterator<Item = u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    all.filter(move |child| parent_of(*child) == Some(parent))
}

/// What stands behind the name in proc_pid_stat(5); the name may hold spaces.
fn stat(folder: &Path) -> Option<Vec<String>> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn parent_of(process: u32) -> Option<u32> {
    stat(&Path::new("/proc").join(process.to_string()))?.get(1)?.parse().ok()
}

/// Times stand there in ticks of 10 ms: utime, stime and those of children who ended.
fn ticks(folder: &Path, fields: std::ops::Range<usize>) -> Option<Duration> {
    let stat = stat(folder)?;
    let ticks: u64 = stat.get(fields)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}

fn switches(folder: &Path) -> Option<u64> {
    let mut all = 0;
    for thread in fs::read_dir(folder.join("task")).ok()?.flatten() {
        // A thread may have ended meanwhile.
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let counts = status.lines().filter(|line| line.contains("ctxt_switches:"));
        all += counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>();
    }
    Some(all)
}
