//! The account that PostgreSQL runs as: ours, or, since it refuses root, an unprivileged one.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::error::{Error, io};

/// Variables that the programs may need to run at all; nothing else of our environment (no PGHOST, no secret) reaches them.
const KEPT_VARIABLES: [&str; 5] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "TMPDIR"];

/// Who the server runs as.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    us: u32,
    /// The user and group to change to, when we are root.
    other: Option<(u32, u32)>,
}

impl Account {
    /// Our own account; for root the owner of the cluster that is there already, else `postgres`, else `nobody`.
    pub(crate) fn for_cluster(cluster: &Path) -> Result<Self, Error> {
        let us = own_uid()?;
        let owner = fs::metadata(cluster).ok().map(|cluster| (cluster.uid(), cluster.gid()));
        match (us, owner) {
            (0, Some((uid, gid))) if uid != 0 => Ok(Self { us, other: Some((uid, gid)) }),
            (0, _) => Ok(Self { us, other: Some(look_up("postgres").or_else(|| look_up("nobody")).ok_or(Error::NoAccount)?) }),
            (us, Some((owner, _))) if owner != us => Err(Error::Foreign { path: cluster.to_owned(), owner, us }),
            _ => Ok(Self { us, other: None }),
        }
    }

    /// The user id of this process.
    pub(crate) fn us(&self) -> u32 {
        self.us
    }

    /// The user id of the server.
    pub(crate) fn uid(&self) -> u32 {
        self.other.map_or(self.us, |(uid, _)| uid)
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        match self.other {
            Some((uid, _)) => format!("the unprivileged user with id {uid}"),
            None => "this user".to_owned(),
        }
    }

    /// Makes a file or directory of ours theirs.
    pub(crate) fn give(&self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.other else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(io("give to the server's account", path))
    }

    /// A program to run as this account: an environment without surprises, no terminal, its own process group (a Ctrl-C
    /// is for us, who then stop the server).
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        if let Some((uid, gid)) = self.other {
            // With a uid and no groups given, std clears the supplementary groups of a root process.
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Whether the account may pass through this directory and all above it.
    pub(crate) fn reaches(&self, dir: &Path) -> bool {
        self.barrier(dir).is_none()
    }

    /// This directory, or the nearest above it, through which the account may not pass.
    pub(crate) fn barrier<'a>(&self, dir: &'a Path) -> Option<&'a Path> {
        let (uid, gid) = self.other?;
        dir.ancestors().find(|dir| {
            !fs::metadata(dir).is_ok_and(|dir| {
                let needed = match (dir.uid() == uid, dir.gid() == gid) {
                    (true, _) => 0o100,
                    (false, true) => 0o010,
                    (false, false) => 0o001,
                };
                dir.mode() & needed != 0
            })
        })
    }
}

/// Our effective user id, without a line of unsafe code.
pub(crate) fn own_uid() -> Result<u32, Error> {
    if let Ok(process) = fs::metadata("/proc/self") {
        return Ok(process.uid());
    }
    let file = tempfile::tempfile().map_err(io("create a file in", &env::temp_dir()))?;
    Ok(file.metadata().map_err(io("look at a file in", &env::temp_dir()))?.uid())
}

/// User and group id of an account: from /etc/passwd, else (macOS, LDAP) from `id`.
fn look_up(name: &str) -> Option<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    from_passwd(&passwd, name).or_else(|| Some((ask_id("-u", name)?, ask_id("-g", name)?))).filter(|(uid, _)| *uid != 0)
}

fn from_passwd(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields.first() == Some(&name))?;
    // macOS writes nobody as -2.
    let id = |field: &str| field.parse::<u32>().ok().or_else(|| Some(field.parse::<i32>().ok()?.cast_unsigned()));
    Some((id(fields.get(2)?)?, id(fields.get(3)?)?))
}

fn ask_id(what: &str, name: &str) -> Option<u32> {
    let told = Command::new("id").args([what, name]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&told.stdout).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::from_passwd;

    #[test]
    fn accounts_are_read_from_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\nnobody:*:-2:-2::/:\n";
        assert_eq!(from_passwd(passwd, "postgres"), Some((101, 104)));
        assert_eq!(from_passwd(passwd, "nobody"), Some((u32::MAX - 1, u32::MAX - 1)));
        assert_eq!(from_passwd(passwd, "post"), None);
    }
}
