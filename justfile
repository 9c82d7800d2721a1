# Chores. `just --list` names them; each is one cargo command that can be typed as well.

# Serves the product at http://127.0.0.1:8080 with everything embedded
serve:
    cargo run

# Plays the whole journey over HTTP and narrates it
demo:
    cargo run -- demo

# Every test
test:
    cargo test --workspace

# The tests of one crate, such as `just test-crate tenders`
test-crate crate:
    cargo test -p {{crate}}

# Formatting and lints, as CI wants them
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# A benchmark of docs/QUALITY.md, such as `just bench read` or `just bench write --rounds 5`; `just bench all` runs every one
bench what="read" *flags:
    cargo run --release -p bench -- {{what}} {{flags}}

# Requests made up from the OpenAPI document, such as `just fuzz 600` for ten minutes (clients/README.md)
fuzz seconds="120":
    FUZZ_SECONDS={{seconds}} cargo test -p build14 --test it clients::fuzzing -- --ignored --nocapture

# Throws the development data away
db-reset:
    rm -rf .build14

# Prints the OpenAPI document
openapi:
    cargo run -q -- openapi

# Accepts the snapshots that the tests just wrote, after you have read their diff
accept-snapshots:
    INSTA_UPDATE=always cargo test --workspace
