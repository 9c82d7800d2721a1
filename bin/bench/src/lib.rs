//! What the benchmarks reckon with: latencies and ratios. The benchmarks themselves are the program.

mod figure;
mod latencies;

pub use figure::Figure;
pub use latencies::{Latencies, median, ms, ratio};
