//! What the benchmarks reckon with: latencies, ratios and goals. The benchmarks themselves are the program.

mod figure;
mod goal;
mod latencies;

pub use figure::Figure;
pub use goal::Goal;
pub use latencies::{Latencies, median, ms, ratio};
