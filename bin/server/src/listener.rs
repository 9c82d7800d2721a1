//! The listeners of this process: each is bound before anything else starts, and a refusal names the setting that moves it.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;

/// Listens on an address, or says which setting moves it.
pub(crate) fn bind(address: SocketAddr, key: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let variable = format!("BUILD14__{}", key.to_uppercase().replace('.', "__"));
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address} ({key}); choose another address with {variable}, port 0 takes any free one")
    })?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
