//! Opens what is to be read: plain or gzip, told by its first bytes and not by its name, with or without a byte order mark.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::mapping::Encoding;
use flate2::bufread::MultiGzDecoder;

use super::failure::{Failure, FailureCode};

const BUFFER: usize = 128 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
const ZIP: &[u8] = &[b'P', b'K', 3, 4];
/// As many bytes as tell gzip, archives and wide letters from text.
const MARK: usize = 4;

/// What a compressed text may expand to, however small it is, bytes.
const FREE: u64 = 64 * 1024 * 1024;
/// So many times the bytes that were read of it may it expand to beyond that. Tables of figures are seldom fifty times as long
/// as what they are compressed to; what is a thousand times as long is a single letter over and over, meant to fill a disk.
const MOST_EXPANSION: u64 = 200;

type Text = Box<dyn BufRead + Send>;

/// A text to read, with how much of its (possibly compressed) bytes is consumed.
pub struct Input {
    text: Text,
    consumed: Arc<AtomicU64>,
}

impl Input {
    /// Reads UTF-8 from anything.
    ///
    /// # Errors
    /// As [`Input::decoded`].
    pub fn new(raw: impl Read + Send + 'static) -> Result<Self, Failure> {
        Self::decoded(raw, Encoding::Utf8)
    }

    /// Reads from anything what is written in this encoding. What comes out is UTF-8, if the text is good.
    ///
    /// # Errors
    /// `EMPTY_FILE` for a text without a byte, ENCODING for UTF-16 and UTF-32, and for UTF-8 that is declared to be something
    /// else, TRUNCATED, DAMAGED or UNREADABLE for its first bytes.
    pub fn decoded(raw: impl Read + Send + 'static, encoding: Encoding) -> Result<Self, Failure> {
        let consumed = Arc::new(AtomicU64::new(0));
        let raw = Counted { inner: raw, count: Arc::clone(&consumed) };
        let (mut head, mut text) = peek(Box::new(BufReader::with_capacity(BUFFER, raw)), MARK)?;
        if head.starts_with(GZIP) {
            let expanded = Expanded { inner: MultiGzDecoder::new(text), count: 0, consumed: Arc::clone(&consumed) };
            (head, text) = peek(Box::new(BufReader::with_capacity(BUFFER, expanded)), MARK)?;
        }
        if head.starts_with(GZIP) {
            return Err(Failure::new(FailureCode::Damaged, "it is compressed twice: send it compressed once"));
        }
        if head.starts_with(ZIP) {
            return Err(Failure::new(
                FailureCode::Malformed,
                "it is a ZIP archive: send the table itself, plain or as gzip",
            ));
        }
        if head.is_empty() {
            return Err(Failure::new(FailureCode::Empty, "there is nothing in it"));
        }
        if let Some(name) = wide(&head) {
            return Err(Failure::new(FailureCode::Encoding, format!("it is {name}; save it as UTF-8")).at(1));
        }
        if head.starts_with(UTF8_MARK) {
            if encoding != Encoding::Utf8 {
                let message = "it begins with the mark of UTF-8 and is declared to be windows-1252";
                return Err(Failure::new(FailureCode::Encoding, message).at(1));
            }
            text.consume(UTF8_MARK.len());
        }
        if encoding == Encoding::Windows1252 {
            text = Box::new(BufReader::with_capacity(BUFFER, Decoder { text, rest: Vec::new() }));
        }
        Ok(Self { text, consumed })
    }

    /// The text itself.
    pub fn text(&mut self) -> &mut dyn BufRead {
        &mut *self.text
    }

    /// The first bytes of the text, or as many as there are; they are still to be read.
    ///
    /// # Errors
    /// TRUNCATED, DAMAGED or UNREADABLE.
    pub fn head(&mut self, bytes: usize) -> Result<Vec<u8>, Failure> {
        let text = std::mem::replace(&mut self.text, Box::new(io::empty()));
        let (head, text) = peek(text, bytes)?;
        self.text = text;
        Ok(head)
    }

    /// Counts the bytes of the file that have been read so far.
    pub fn consumed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }
}

/// What a text is called whose letters take two bytes or four, told by its mark or by the zeros beside its first letters.
fn wide(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, 0, 0] | [0, 0, 0xfe, 0xff] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [a, 0, b, 0] | [0, a, 0, b] if *a > 0 && *b > 0 => Some("UTF-16 without its mark"),
        _ => None,
    }
}

/// A compressed text as it is expanded, as far as that is in proportion.
struct Expanded<R> {
    inner: R,
    count: u64,
    consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count = self.count.saturating_add(read as u64);
        let proportionate = self.consumed.load(Ordering::Relaxed).saturating_mul(MOST_EXPANSION);
        if self.count > FREE.max(proportionate) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(read)
    }
}

/// The first bytes, or as many as there are, and the text with them still in it.
fn peek(mut text: Text, bytes: usize) -> Result<(Vec<u8>, Text), Failure> {
    let mut head = Vec::with_capacity(bytes);
    let mut start = text.by_ref().take(bytes as u64);
    start.read_to_end(&mut head).map_err(|error| Failure::reading(&error, 1))?;
    let whole = io::Cursor::new(head.clone()).chain(text);
    Ok((head, Box::new(whole)))
}

/// What the bytes 0x80 to 0x9f are in Windows-1252; the five that are nothing are control characters, as on the web.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Makes UTF-8 of Windows-1252.
struct Decoder {
    text: Text,
    /// Bytes of a letter that did not fit.
    rest: Vec<u8>,
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            let bytes = self.text.fill_buf()?;
            // No letter takes more than three bytes.
            let count = bytes.len().min(BUFFER / 3);
            for &byte in bytes.get(..count).unwrap_or_default() {
                let letter = match byte {
                    0x80..=0x9f => {
                        WINDOWS.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    other => char::from(other),
                };
                self.rest.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            self.text.consume(count);
        }
        let length = self.rest.len().min(buffer.len());
        for (to, byte) in buffer.iter_mut().zip(self.rest.drain(..length)) {
            *to = byte;
        }
        Ok(length)
    }
}

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The files that these paths mean, each once: a file as it is, of a folder everything below it whose name `wanted` takes, in
/// the order of the names. Hidden entries and linked folders are left out.
///
/// # Errors
/// The path that is not there or cannot be read, and why.
pub fn find(paths: &[PathBuf], wanted: fn(&str) -> bool) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| (path.clone(), error))?;
        if kind.is_dir() {
            let mut below = Vec::new();
            walk(path, wanted, &mut below)?;
            below.sort();
            found.extend(below);
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    Ok(found)
}

fn walk(folder: &Path, wanted: fn(&str) -> bool, found: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let fail = |error| (folder.to_path_buf(), error);
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(fail)?.is_dir() {
            walk(&entry.path(), wanted, found)?;
        } else if wanted(&name) {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// The name of a file without `.csv` or `.csv.gz`, if it ends so.
pub fn stem(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.strip_suffix(".csv")
}

/// Whether a file is called as tables of text are: `.csv`, `.tsv` or `.txt`, with or without `.gz`.
pub fn is_table(name: &str) -> bool {
    is_called(name, &[".csv", ".tsv", ".txt"])
}

/// Whether the name of a file ends in one of these ways, with or without `.gz`.
pub fn is_called(name: &str, endings: &[&str]) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn zipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> Result<String, Failure> {
        let mut input = Input::new(io::Cursor::new(bytes))?;
        let mut text = String::new();
        input.text().read_to_string(&mut text).map_err(|error| Failure::reading(&error, 1))?;
        Ok(text)
    }

    fn code(bytes: Vec<u8>) -> FailureCode {
        read(bytes).unwrap_err().code
    }

    #[test]
    fn gzip_is_told_by_its_bytes_and_a_mark_is_left_out() {
        assert_eq!(read(b"a,b".to_vec()).as_deref(), Ok("a,b"));
        assert_eq!(read(b"a".to_vec()).as_deref(), Ok("a"));
        assert_eq!(read(zipped(b"a,b")).as_deref(), Ok("a,b"));
        assert_eq!(read("\u{feff}a,b".into()).as_deref(), Ok("a,b"));
        assert_eq!(read(zipped("\u{feff}a,b".as_bytes())).as_deref(), Ok("a,b"));
        // Two gzip members one after the other are one text.
        assert_eq!(read([zipped(b"a,"), zipped(b"b")].concat()).as_deref(), Ok("a,b"));
    }

    #[test]
    fn nothing_is_refused_compressed_or_not() {
        assert_eq!(code(Vec::new()), FailureCode::Empty);
        assert_eq!(code(zipped(b"")), FailureCode::Empty);
    }

    #[test]
    fn a_missing_end_is_told_from_damage() {
        let whole = zipped("areacd,period\n".repeat(1000).as_bytes());
        for length in [2, 9, 12, whole.len() / 2, whole.len() - 1] {
            assert_eq!(code(whole[..length].to_vec()), FailureCode::Truncated, "{length} of {} bytes", whole.len());
        }
        let mut damaged = whole.clone();
        let check = damaged.len() - 6;
        damaged[check] ^= 1;
        assert_eq!(code(damaged), FailureCode::Damaged);
    }

    #[test]
    fn windows_1252_becomes_utf8_and_is_not_taken_for_it() {
        let decoded = |bytes: Vec<u8>| {
            let mut text = String::new();
            Input::decoded(io::Cursor::new(bytes), Encoding::Windows1252)?.text().read_to_string(&mut text).unwrap();
            Ok::<_, Failure>(text)
        };
        let bytes = b"Do\xf1a Ana, \x80 5 \x96 7\n".to_vec();
        assert_eq!(decoded(bytes.clone()).as_deref(), Ok("Doña Ana, € 5 – 7\n"));
        assert_eq!(decoded(zipped(&bytes.repeat(40_000))).unwrap(), "Doña Ana, € 5 – 7\n".repeat(40_000));
        assert_eq!(decoded("\u{feff}a".into()).unwrap_err().code, FailureCode::Encoding);
    }

    #[test]
    fn utf16_is_named() {
        for (bytes, name) in [
            (&[0xff, 0xfe, b'a', 0][..], "UTF-16"),
            (&[0xfe, 0xff, 0, b'a'], "UTF-16"),
            (&[b'a', 0, b',', 0, b'b', 0], "UTF-16 without its mark"),
            (&[0, b'a', 0, b','], "UTF-16 without its mark"),
            (&[0xff, 0xfe, 0, 0, b'a', 0, 0, 0], "UTF-32"),
        ] {
            let failure = read(bytes.to_vec()).unwrap_err();
            assert_eq!(failure.code, FailureCode::Encoding);
            assert!(failure.message.contains(name), "{}", failure.message);
            assert_eq!(code(zipped(bytes)), FailureCode::Encoding);
        }
    }

    #[test]
    fn archives_and_what_is_compressed_twice_are_named() {
        assert_eq!(code(b"PK\x03\x04\x14\x00".to_vec()), FailureCode::Malformed);
        assert_eq!(code(zipped(&zipped(b"a,b"))), FailureCode::Damaged);
    }

    /// Reads a text to its end without keeping it.
    fn drained(bytes: Vec<u8>) -> Result<u64, Failure> {
        let mut input = Input::new(io::Cursor::new(bytes))?;
        io::copy(input.text(), &mut io::sink()).map_err(|error| Failure::reading(&error, 1))
    }

    #[test]
    fn a_small_file_does_not_expand_without_end() {
        // Eighty mebibytes of one letter, in a hundred kibibytes.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        io::copy(&mut io::repeat(b'0').take(80 * 1024 * 1024), &mut encoder).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 300 * 1024, "{}", bomb.len());
        let failure = drained(bomb).unwrap_err();
        assert_eq!(failure.code, FailureCode::Expansion);
        assert!(failure.message.contains("200 times"), "{}", failure.message);
        // What is in proportion is read to its end, and so is what is small.
        let row = "E06000001,2020,";
        let table = (0..40_000).fold(String::new(), |table, number: u32| table + row + &number.to_string() + "\n");
        assert_eq!(drained(zipped(table.as_bytes())), Ok(table.len() as u64));
        assert_eq!(drained(zipped(&vec![b'0'; 1024 * 1024])), Ok(1024 * 1024));
    }

    #[test]
    fn a_folder_gives_its_files_in_order_and_each_only_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["z.csv", "b/a.csv.gz", "b/a.json", ".hidden.csv", "a.CSV.bak"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let paths = [folder.path().to_path_buf(), folder.path().join("z.csv"), folder.path().join("b/a.json")];
        let found = find(&paths, |name| stem(name).is_some()).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        // A file that is named is taken, whatever it is called.
        assert_eq!(names, ["b/a.csv.gz", "z.csv", "b/a.json"]);
        assert!(find(&[folder.path().join("none")], |_| true).is_err());
    }
}
