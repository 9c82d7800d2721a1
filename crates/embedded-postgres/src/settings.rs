//! What the server is told on its command line, where no file in the cluster can say otherwise.

use std::fs;
use std::path::Path;

use crate::address::PORT;
use crate::error::Error;

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing that was committed.
    #[default]
    Durable,
    /// Everything: nothing is flushed to disk. For tests only.
    Fast,
}

/// What the private socket rests on: not for others to change.
const RESERVED: [&str; 9] = [
    "data_directory",
    "hba_file",
    "external_pid_file",
    "listen_addresses",
    "logging_collector",
    "port",
    "unix_socket_directories",
    "unix_socket_group",
    "unix_socket_permissions",
];

/// All settings, in the order in which the server reads them: a later one wins.
pub(crate) fn settings(
    durability: Durability,
    max_connections: u32,
    extra: &[(String, String)],
    socket_dir: &str,
) -> Result<Vec<(String, String)>, Error> {
    if let Some((name, _)) = extra.iter().find(|(name, _)| RESERVED.contains(&name.trim().to_ascii_lowercase().as_str())) {
        return Err(Error::ReservedSetting { name: name.clone() });
    }
    let (port, max_connections) = (PORT.to_string(), max_connections.to_string());
    let mut settings = vec![
        ("listen_addresses", ""),
        ("unix_socket_directories", socket_dir),
        ("unix_socket_permissions", "0700"),
        ("port", &port),
        ("max_connections", &max_connections),
        ("shared_memory_type", "mmap"),
        ("dynamic_shared_memory_type", dynamic_shared_memory(durability)),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("log_timezone", "UTC"),
        ("lc_messages", "C"),
        // Without the values that a violated index or key names.
        ("log_error_verbosity", "terse"),
        ("timezone", "UTC"),
        ("ssl", "off"),
    ];
    if durability == Durability::Fast {
        settings.extend([
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("wal_level", "minimal"),
            ("max_wal_senders", "0"),
            ("max_wal_size", "1GB"),
            ("checkpoint_timeout", "30min"),
        ]);
    }
    let own = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(own.chain(extra.iter().cloned()).collect())
}

/// In the cluster for tests, where it goes with the cluster's files, and in containers, whose /dev/shm of often 64 MB is too
/// small for parallel queries.
fn dynamic_shared_memory(durability: Durability) -> &'static str {
    let mounts = || fs::read_to_string("/proc/mounts").unwrap_or_default();
    let small = || cfg!(target_os = "linux") && (!Path::new("/dev/shm").is_dir() || is_tiny(&mounts()));
    if durability == Durability::Fast || small() { "mmap" } else { "posix" }
}

fn is_tiny(mounts: &str) -> bool {
    let options = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).rfind(|mount| mount.get(1) == Some(&"/dev/shm"));
    let options = options.and_then(|mount| mount.get(3).copied()).unwrap_or_default();
    let kilobytes = options.split(',').find_map(|option| option.strip_prefix("size=")?.strip_suffix('k')?.parse::<u64>().ok());
    kilobytes.is_some_and(|kilobytes| kilobytes < 256 * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_the_socket_private_cannot_be_overridden() {
        let extra = [("Listen_Addresses".to_owned(), "*".to_owned())];
        let refused = settings(Durability::Fast, 10, &extra, "/s").expect_err("refused").to_string();
        assert!(refused.contains("Listen_Addresses"), "{refused}");
    }

    #[test]
    fn an_extra_setting_comes_last_and_so_wins() {
        let extra = [("timezone".to_owned(), "Asia/Kolkata".to_owned())];
        let settings = settings(Durability::Durable, 10, &extra, "/s").expect("accepted");
        assert_eq!(settings.last(), Some(&extra[0]));
        assert!(!settings.iter().any(|(name, _)| name == "fsync"), "durable means that PostgreSQL's default stays");
    }

    #[test]
    fn a_small_dev_shm_is_noticed() {
        assert!(is_tiny("shm /dev/shm tmpfs rw,nosuid,size=65536k 0 0\n"));
        assert!(!is_tiny("shm /dev/shm tmpfs rw,nosuid,size=25165824k 0 0\n"));
        assert!(!is_tiny("tmpfs /dev/shm tmpfs rw 0 0\n"));
    }
}
