//! The tables of the sandbox, and how they survive a kill: a snapshot written atomically, and a journal of what changed since.

use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A journal larger than this is folded into the snapshot.
const FOLD_AT: u64 = 64 << 20;

/// Named tables of JSON rows in order of insertion.
#[derive(Debug, Default)]
pub(crate) struct Store {
    tables: BTreeMap<String, Table>,
    changed: Vec<(String, String)>,
    disk: Option<Disk>,
}

#[derive(Debug, Default)]
struct Table {
    order: VecDeque<String>,
    rows: HashMap<String, Value>,
}

#[derive(Debug)]
struct Disk {
    snapshot: PathBuf,
    journal: File,
    journal_size: u64,
}

impl Store {
    /// A store that forgets everything when it is dropped.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Opens a snapshot and its journal, or creates them.
    pub fn open(snapshot: &Path) -> io::Result<Self> {
        let mut store = Self::default();
        if let Some(folder) = snapshot.parent() {
            fs::create_dir_all(folder)?;
        }
        let log = journal_of(snapshot);
        if let Some(text) = read(snapshot)? {
            let rows: Vec<Vec<Value>> = serde_json::from_str(&text).map_err(io::Error::other)?;
            rows.into_iter().for_each(|row| store.replay(row));
        }
        // A line is one commit. The last one may be torn by a kill in the middle of a write: that commit was never answered.
        for line in read(&log)?.unwrap_or_default().lines() {
            let Ok(rows) = serde_json::from_str::<Vec<Vec<Value>>>(line) else { break };
            rows.into_iter().for_each(|row| store.replay(row));
        }
        let journal = private(&log, OpenOptions::new().create(true).append(true))?;
        store.disk = Some(Disk { snapshot: snapshot.to_owned(), journal, journal_size: 0 });
        store.fold()?;
        Ok(store)
    }

    /// One row.
    pub fn get(&self, table: &str, id: &str) -> Option<&Value> {
        self.tables.get(table)?.rows.get(id)
    }

    /// All rows of a table, oldest first.
    pub fn rows(&self, table: &str) -> impl DoubleEndedIterator<Item = (&str, &Value)> {
        let table = self.tables.get(table);
        table.into_iter().flat_map(|t| t.order.iter().filter_map(|id| Some((id.as_str(), t.rows.get(id)?))))
    }

    /// How many rows a table has.
    pub fn len(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, |t| t.order.len())
    }

    /// Inserts or replaces a row.
    pub fn put(&mut self, table: &str, id: &str, row: Value) {
        self.set(table, id, Some(row));
        if self.disk.is_some() {
            self.changed.push((table.to_owned(), id.to_owned()));
        }
    }

    /// Removes a row.
    pub fn remove(&mut self, table: &str, id: &str) {
        self.set(table, id, None);
        if self.disk.is_some() {
            self.changed.push((table.to_owned(), id.to_owned()));
        }
    }

    /// Makes all changes so far survive a kill of this process.
    pub fn commit(&mut self) -> io::Result<()> {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() || self.disk.is_none() {
            return Ok(());
        }
        let mut seen = HashSet::new();
        let rows: Vec<Value> =
            changed.iter().filter(|key| seen.insert(*key)).map(|(table, id)| json!([table, id, self.get(table, id)])).collect();
        let mut line = serde_json::to_vec(&rows)?;
        line.push(b'\n');
        let Some(disk) = self.disk.as_mut() else { return Ok(()) };
        disk.journal.write_all(&line)?;
        disk.journal_size += line.len() as u64;
        if disk.journal_size > FOLD_AT { self.fold() } else { Ok(()) }
    }

    /// Writes a new snapshot and empties the journal. A kill in between is harmless: replaying the journal over the snapshot
    /// that already contains it ends in the same state.
    pub fn fold(&mut self) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let path = disk.snapshot.clone();
        let rows: Vec<Value> =
            self.tables.keys().flat_map(|table| self.rows(table).map(move |(id, row)| json!([table, id, row]))).collect();
        let fresh = path.with_extension("new");
        private(&fresh, OpenOptions::new().create(true).write(true).truncate(true))?.write_all(&serde_json::to_vec(&rows)?)?;
        fs::rename(&fresh, &path)?;
        self.changed.clear();
        if let Some(disk) = self.disk.as_mut() {
            disk.journal.set_len(0)?;
            disk.journal_size = 0;
        }
        Ok(())
    }

    fn replay(&mut self, row: Vec<Value>) {
        if let [Value::String(table), Value::String(id), row] = row.as_slice() {
            self.set(table, id, (!row.is_null()).then(|| row.clone()));
        }
    }

    fn set(&mut self, table: &str, id: &str, row: Option<Value>) {
        if !self.tables.contains_key(table) {
            self.tables.insert(table.to_owned(), Table::default());
        }
        let Some(table) = self.tables.get_mut(table) else { return };
        match row {
            Some(row) => {
                if table.rows.insert(id.to_owned(), row).is_none() {
                    table.order.push_back(id.to_owned());
                }
            }
            None => {
                if table.rows.remove(id).is_some()
                    && let Some(at) = table.order.iter().position(|known| known == id)
                {
                    table.order.remove(at);
                }
            }
        }
    }
}

/// Opens a file that this account alone may read, also one that was made when others could.
fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options.mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn journal_of(snapshot: &Path) -> PathBuf {
    let mut name = snapshot.as_os_str().to_owned();
    name.push(".log");
    name.into()
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn commits_survive_and_the_rest_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("deep/stripe.json");
        let mut store = Store::open(&file).unwrap();
        store.put("t", "a", json!({"n": 1}));
        store.put("t", "b", json!({"n": 2}));
        store.commit().unwrap();
        store.put("t", "a", json!({"n": 3}));
        store.remove("t", "b");
        store.put("t", "c", json!({"n": 4}));
        store.commit().unwrap();
        store.put("t", "d", json!({"n": 5}));
        drop(store);
        let again = Store::open(&file).unwrap();
        let ids: Vec<_> = again.rows("t").map(|(id, row)| (id.to_owned(), row["n"].clone())).collect();
        assert_eq!(ids, [("a".to_owned(), json!(3)), ("c".to_owned(), json!(4))]);
    }

    #[test]
    fn what_is_kept_is_for_this_account_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stripe.json");
        for old in [file.clone(), journal_of(&file)] {
            fs::write(&old, "").unwrap();
            fs::set_permissions(&old, Permissions::from_mode(0o644)).unwrap();
        }
        fs::write(&file, "[]").unwrap();
        let mut store = Store::open(&file).unwrap();
        store.put("t", "a", json!(1));
        store.commit().unwrap();
        let modes: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
            .collect();
        assert_eq!(modes, [0o600, 0o600]);
    }

    #[test]
    fn a_torn_last_line_is_a_commit_that_never_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("stripe.json");
        let mut store = Store::open(&file).unwrap();
        store.put("t", "a", json!(1));
        store.commit().unwrap();
        drop(store);
        let mut log = OpenOptions::new().append(true).open(journal_of(&file)).unwrap();
        log.write_all(br#"[["t","b",{"to"#).unwrap();
        let again = Store::open(&file).unwrap();
        assert_eq!(again.len("t"), 1);
    }
}
