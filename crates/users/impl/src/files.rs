//! The files of an archive: each list of rows as JSON and as CSV.

use std::fmt::Write;

use kernel::Fault;
use serde_json::Value;

use crate::csv;
use crate::zip::{Full, Zip};

/// An archive's files.
pub(crate) struct Files(Zip);

/// A list of rows in the making. All rows have the same members.
pub(crate) struct Table {
    name: &'static str,
    json: String,
    csv: String,
    most: usize,
}

impl Files {
    /// An archive of at most so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self(Zip::new(most))
    }

    /// Adds what the archive says of itself.
    pub(crate) fn about(&mut self, about: &Value) -> Result<(), Full> {
        let text = serde_json::to_vec_pretty(about).map_err(Fault::internal)?;
        self.0.add("about.json", &text)
    }

    /// A list of this name.
    pub(crate) fn table(&self, name: &'static str) -> Table {
        Table { name, json: String::new(), csv: String::new(), most: self.0.most() }
    }

    /// Adds a list.
    pub(crate) fn put(&mut self, table: Table) -> Result<(), Full> {
        let Table { name, json, csv, .. } = table;
        self.0.add(&format!("{name}.json"), format!("[{json}\n]\n").as_bytes())?;
        self.0.add(&format!("{name}.csv"), csv.as_bytes())
    }

    /// The archive.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Full> {
        self.0.finish()
    }
}

impl Table {
    /// Adds a row.
    pub(crate) fn add(&mut self, row: Value) -> Result<(), Full> {
        let Value::Object(members) = &row else { return Err(Fault::internal("a row of an archive is an object").into()) };
        if self.json.is_empty() {
            self.csv = csv::texts(members.keys().map(String::as_str));
        } else {
            self.json.push(',');
        }
        self.csv += &csv::line(members.values());
        write!(self.json, "\n{row}").map_err(Fault::internal)?;
        if self.json.len().max(self.csv.len()) > self.most { Err(Full::TooLarge) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_the_same_as_json_and_as_csv() {
        let mut files = Files::new(1 << 20);
        let mut table = files.table("things");
        for row in [
            json!({"id": 1, "name": "a \"b\", c", "of": {"x": [1]}}),
            json!({"id": 2, "name": "=1+1", "of": null}),
            json!({"id": -3, "name": "ä\nö", "of": []}),
        ] {
            table.add(row).expect("it fits");
        }
        files.put(table).expect("it fits");
        let none = files.table("nothing");
        files.put(none).expect("it fits");
        let read = testkit::unzipped(&files.finish().expect("it is whole"));
        let rows: Value = serde_json::from_str(&read["things.json"]).expect("JSON");
        assert_eq!((rows.as_array().map(Vec::len), &rows[0]["of"]["x"][0]), (Some(3), &json!(1)));
        let expected = "id,name,of\r\n1,\"a \"\"b\"\", c\",\"{\"\"x\"\":[1]}\"\r\n2,'=1+1,\r\n-3,\"ä\nö\",[]\r\n";
        assert_eq!(read["things.csv"], expected);
        assert_eq!((read["nothing.json"].as_str(), read["nothing.csv"].as_str()), ("[\n]\n", ""));
    }
}
