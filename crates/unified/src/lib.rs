//! No code: the manifest asks for features of other people's crates, like that of `unified-base`, here of those above the kernel: the
//! driver, TLS, expressions. `db`, `web` and whatever is built without them stand on it, so each package does.
