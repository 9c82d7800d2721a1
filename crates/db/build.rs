//! Embedding migrations is a macro: tell cargo what it reads.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
