//! What tests share: a database of their own, a world to play in, an HTTP client.
