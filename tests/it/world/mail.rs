//! The mail that this world wrote: kept in its data directory, since nobody is to get it.

use serde_json::Value;

use super::World;

impl World {
    /// The text of the newest mail to an address, once all mail has left.
    ///
    /// # Panics
    /// If there is none.
    pub async fn mailed(&self, address: &str) -> String {
        self.settle().await;
        let entries = std::fs::read_dir(self.data.path().join("outbox")).expect("mail was kept");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
        // Named by ids of which later ones sort later.
        files.sort_unstable_by(|a, b| b.cmp(a));
        let read = |file| -> Value { serde_json::from_slice(&std::fs::read(file).expect("it can be read")).expect("JSON") };
        let text = files.into_iter().map(read).find(|mail| mail["to"]["address"] == address);
        text.and_then(|mail| mail["text"].as_str().map(str::to_owned)).unwrap_or_else(|| panic!("no mail to {address}"))
    }

    /// What the link of that mail holds.
    ///
    /// # Panics
    /// If it has none.
    pub async fn mailed_token(&self, address: &str) -> String {
        let text = self.mailed(address).await;
        let (_, rest) = text.split_once("token=").unwrap_or_else(|| panic!("no link in {text}"));
        rest.chars().take_while(char::is_ascii_hexdigit).collect()
    }
}
