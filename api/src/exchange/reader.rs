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

use flate2::bufread::MultiGzDecoder;

use super::failure::{Failure, FailureCode};

const BUFFER: usize = 128 * 1024;
const GZIP: &[u8] = &[0x1f, 0x8b];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

type Text = Box<dyn BufRead + Send>;

/// A text to read, with how much of its (possibly compressed) bytes is consumed.
pub struct Input {
    text: Text,
    consumed: Arc<AtomicU64>,
}

impl Input {
    /// Reads from anything.
    ///
    /// # Errors
    /// `EMPTY_FILE` for a text without a byte, ENCODING for UTF-16, TRUNCATED, DAMAGED or UNREADABLE for its first bytes.
    pub fn new(raw: impl Read + Send + 'static) -> Result<Self, Failure> {
        let consumed = Arc::new(AtomicU64::new(0));
        let raw = Counted { inner: raw, count: Arc::clone(&consumed) };
        let (mut head, mut text) = peek(Box::new(BufReader::with_capacity(BUFFER, raw)))?;
        if head.starts_with(GZIP) {
            (head, text) = peek(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(text))))?;
        }
        if head.is_empty() {
            return Err(Failure::new(FailureCode::Empty, "there is nothing in it"));
        }
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(Failure::new(FailureCode::Encoding, "it is UTF-16; save it as UTF-8").at(1));
        }
        if head == UTF8_MARK {
            text.consume(UTF8_MARK.len());
        }
        Ok(Self { text, consumed })
    }

    /// The text itself.
    pub fn text(&mut self) -> &mut dyn BufRead {
        &mut *self.text
    }

    /// How many bytes of the file have been read so far.
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }
}

/// The first three bytes, or as many as there are, and the text with them still in it.
fn peek(mut text: Text) -> Result<(Vec<u8>, Text), Failure> {
    let mut head = Vec::with_capacity(UTF8_MARK.len());
    let mut start = text.by_ref().take(UTF8_MARK.len() as u64);
    start.read_to_end(&mut head).map_err(|error| Failure::reading(&error, 1))?;
    let whole = io::Cursor::new(head.clone()).chain(text);
    Ok((head, Box::new(whole)))
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
    fn utf16_is_named() {
        assert_eq!(code(vec![0xff, 0xfe, b'a', 0]), FailureCode::Encoding);
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
