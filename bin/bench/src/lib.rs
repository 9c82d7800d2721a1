//! The benchmarks of quality.md §1.
