//! What is in an archive, read by its directory as other programs do.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::DeflateDecoder;

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length].iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

/// The files of a ZIP archive as texts, by name.
///
/// # Panics
/// If it is none, a file does not have the checksum that it says, or is no text.
#[must_use]
pub fn unzipped(archive: &[u8]) -> BTreeMap<String, String> {
    let end = archive.len() - 22;
    assert_eq!(&archive[end..end + 4], b"PK\x05\x06", "the end of a directory");
    let mut at = number(archive, end + 16, 4);
    let mut files = BTreeMap::new();
    for _ in 0..number(archive, end + 10, 2) {
        let entry = &archive[at..];
        assert_eq!(&entry[..4], b"PK\x01\x02", "an entry of the directory");
        let (packed, plain, name) = (number(entry, 20, 4), number(entry, 24, 4), number(entry, 28, 2));
        let file = &archive[number(entry, 42, 4)..];
        assert_eq!(&file[..4], b"PK\x03\x04", "a file");
        let from = 30 + number(file, 26, 2) + number(file, 28, 2);
        let mut content = Vec::new();
        DeflateDecoder::new(&file[from..from + packed]).read_to_end(&mut content).expect("it unpacks");
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        assert_eq!((crc.sum() as usize, content.len()), (number(entry, 16, 4), plain), "as the directory says");
        let name = String::from_utf8(entry[46..46 + name].to_vec()).expect("a name");
        at += 46 + name.len();
        files.insert(name, String::from_utf8(content).expect("a text"));
    }
    files
}
