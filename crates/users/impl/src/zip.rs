//! An archive in the form of ZIP, no larger than it may be.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use kernel::Fault;

/// The version of the format that whoever reads it must know: deflate.
const VERSION: u16 = 20;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// Deflate.
const METHOD: u16 = 8;
/// 1 January 1980, midnight: the archive says by itself when it was made.
const DATE: [u8; 4] = [0, 0, 0x21, 0];

/// Why nothing is added.
#[derive(Debug)]
pub(crate) enum Full {
    /// It would be larger than it may.
    TooLarge,
    /// A fault.
    Fault(Fault),
}

impl From<Fault> for Full {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// An archive in the making.
pub(crate) struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    files: u16,
    most: usize,
}

impl Zip {
    /// Of at most so many bytes, and of files that have no more each before they are packed.
    pub(crate) fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), directory: Vec::new(), files: 0, most }
    }

    /// So many bytes a file may have.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Adds a file.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> Result<(), Full> {
        if content.len() > self.most {
            return Err(Full::TooLarge);
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).map_err(Fault::internal)?;
        let packed = encoder.finish().map_err(Fault::internal)?;
        let mut crc = Crc::new();
        crc.update(content);
        let offset = size(self.bytes.len())?;
        let mut what = Vec::with_capacity(26);
        for number in [VERSION, FLAGS, METHOD] {
            what.extend(number.to_le_bytes());
        }
        what.extend(DATE);
        for number in [crc.sum(), size(packed.len())?, size(content.len())?] {
            what.extend(number.to_le_bytes());
        }
        what.extend(u16::try_from(name.len()).map_err(Fault::internal)?.to_le_bytes());
        // No extra field.
        what.extend([0, 0]);
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&what);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(&packed);
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(VERSION.to_le_bytes());
        self.directory.extend(&what);
        // No comment, on disk 0, without attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.files = self.files.checked_add(1).ok_or(Full::TooLarge)?;
        if self.bytes.len() + self.directory.len() > self.most { Err(Full::TooLarge) } else { Ok(()) }
    }

    /// The whole.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Full> {
        let (offset, length) = (size(self.bytes.len())?, size(self.directory.len())?);
        self.bytes.append(&mut self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            self.bytes.extend(self.files.to_le_bytes());
        }
        for number in [length, offset] {
            self.bytes.extend(number.to_le_bytes());
        }
        self.bytes.extend([0, 0]);
        Ok(self.bytes)
    }
}

fn size(length: usize) -> Result<u32, Full> {
    u32::try_from(length).map_err(|_| Full::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_its_files_and_no_more_bytes_than_it_may() {
        let mut zip = Zip::new(10_000);
        zip.add("a.json", b"[]").expect("it fits");
        zip.add("folder/b.csv", "ä,b\r\n".repeat(500).as_bytes()).expect("it fits, packed");
        let bytes = zip.finish().expect("it is whole");
        let files = testkit::unzipped(&bytes);
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a.json", "folder/b.csv"]);
        assert_eq!(files["a.json"], "[]");
        assert_eq!(files["folder/b.csv"].len(), 3_000);

        assert!(matches!(Zip::new(10).add("a", &[0; 11]), Err(Full::TooLarge)), "one that is larger by itself");
        let mut small = Zip::new(120);
        assert!(small.add("a", b"x").is_ok());
        assert!(matches!(small.add("b", b"y"), Err(Full::TooLarge)), "together");
    }
}
