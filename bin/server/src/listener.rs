//! The listeners of this process: each is bound before anything else starts, and a refusal names the setting that moves it.

use std::net::{SocketAddr, TcpListener};

use crate::config::Settings;

/// Listens where the API is to be, after a try of every address that this server takes: all that are taken are told in one go.
pub(crate) fn listen(settings: &Settings) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let mut wanted = vec![("server.address", settings.server.address)];
    if settings.metrics.enabled {
        wanted.push(("metrics.address", settings.metrics.address));
    }
    if settings.stripe.api_base.is_none() {
        wanted.push(("stripe.sandbox.address", settings.stripe.sandbox_address));
    }
    // All are held until the last was tried: two settings may name one address.
    let tried: Vec<_> = wanted.into_iter().map(|(key, address)| bind(address, key)).collect();
    let taken: Vec<String> = tried.iter().filter_map(|tried| tried.as_ref().err()).map(ToString::to_string).collect();
    if !taken.is_empty() {
        // Who starts it twice is told so, and not only what the two collide in.
        let twice = embedded_postgres::run_by(&settings.data_dir).map(|pid| {
            let data_dir = settings.data_dir.display();
            format!("process {pid} works on {data_dir} already: stop that one first, or give this one another BUILD14__DATA_DIR as well")
        });
        let all: Vec<String> = taken.into_iter().chain(twice).collect();
        anyhow::bail!("{}", all.join("\n         "));
    }
    tried.into_iter().next().unwrap_or_else(|| bind(settings.server.address, "server.address"))
}

/// Listens on an address, or says which setting moves it.
pub(crate) fn bind(address: SocketAddr, key: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let variable = format!("BUILD14__{}", key.to_uppercase().replace('.', "__"));
    let listener = TcpListener::bind(address).map_err(|error| {
        anyhow::anyhow!(
            "cannot listen on {address} ({key}): {error}; choose another address with {variable}, port 0 takes any free one"
        )
    })?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
