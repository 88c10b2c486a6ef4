//! Checking a file of the audit log.

use std::{
    fmt,
    io::{self, BufRead, Read as _},
};

use super::{
    FORMAT, HASH, PREVIOUS, VERSION,
    canonical::{self, Fields},
};

/// The longest line that is read, bytes: more than any entry has, and no strain on the memory.
const LONGEST_LINE: u64 = 16 << 20;

/// A file in which everything fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it holds.
    pub entries: u64,
    /// The places of the first and last of them.
    pub places: Option<(i64, i64)>,
    /// When it was exported, as it says.
    pub exported_at: String,
    /// The hash of its last line.
    pub hash: String,
}

/// The first thing in a file that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Why a file is not known to be sound.
#[derive(Debug)]
pub enum Unverified {
    /// It is not.
    Fault(Fault),
    /// It could not be read.
    Unreadable(io::Error),
}

impl From<io::Error> for Unverified {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Reads a file to its end and checks every hash, the order of places, header and footer. Takes no more memory than its
/// longest line.
///
/// # Errors
/// The first fault, or why the file cannot be read.
pub fn verify(mut input: impl BufRead) -> Result<Verified, Unverified> {
    let mut check = Check::default();
    let (mut bytes, mut line) = (Vec::new(), 0);
    loop {
        line += 1;
        bytes.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
        let fault = |reason: &str| Unverified::Fault(Fault { line, reason: reason.to_owned() });
        if read == 0 {
            return check.end().ok_or_else(|| fault("the file ends before its footer"));
        }
        check.line(&bytes).map_err(|reason| fault(&reason))?;
    }
}

/// What is known of the lines so far.
#[derive(Default)]
struct Check {
    previous: String,
    header: Option<HeaderRead>,
    entries: u64,
    places: Option<(i64, i64)>,
    complete: bool,
}

struct HeaderRead {
    exported_at: String,
    from_place: Option<i64>,
}

impl Check {
    fn end(self) -> Option<Verified> {
        let header = self.header.filter(|_| self.complete)?;
        let Self { entries, places, previous, .. } = self;
        Some(Verified { entries, places, exported_at: header.exported_at, hash: previous })
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.complete {
            return Err("there is something after the footer".to_owned());
        }
        let line = bytes.strip_suffix(b"\n").ok_or("it is cut off, or too long to be a line of the audit log")?;
        let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
        let said = |reason| format!("it {reason}");
        let mut fields = canonical::fields(line).map_err(said)?;
        if canonical::object(&fields).map_err(said)? != line {
            return Err("it is not in canonical form".to_owned());
        }
        let follows = match fields.get(PREVIOUS) {
            None => self.header.is_none(),
            Some(_) => self.header.is_some() && text(&fields, PREVIOUS).as_ref() == Some(&self.previous),
        };
        if !follows {
            return Err("it does not follow the line before: one was removed, added or moved".to_owned());
        }
        let hash = text(&fields, HASH).ok_or("it has no hash")?;
        fields.remove(PREVIOUS);
        fields.remove(HASH);
        if canonical::hash(&self.previous, &fields).map_err(said)? != hash {
            return Err("its hash is not that of what it says".to_owned());
        }
        self.previous = hash;
        self.content(&fields)
    }

    /// What stands in a line whose hash fits.
    fn content(&mut self, fields: &Fields<'_>) -> Result<(), String> {
        let Some(header) = &self.header else {
            self.header = Some(header(fields)?);
            return Ok(());
        };
        if let Some(count) = read::<u64>(fields, "count").filter(|_| !fields.contains_key("place")) {
            if count != self.entries {
                return Err(format!("the footer counts {count} entries; there are {}", self.entries));
            }
            if self.entries == 0 && header.from_place.is_some() {
                return Err("the header names a first place; there is no entry".to_owned());
            }
            self.complete = true;
            return Ok(());
        }
        let place = read::<i64>(fields, "place").ok_or("it is neither an entry nor the footer")?;
        match self.places {
            None if header.from_place != Some(place) => {
                return Err("the first entry is not at the place that the header names".to_owned());
            }
            Some((_, last)) if place <= last => {
                return Err(format!("place {place} does not come after place {last}"));
            }
            _ => {}
        }
        self.places = Some((self.places.map_or(place, |(first, _)| first), place));
        self.entries += 1;
        Ok(())
    }
}

fn header(fields: &Fields<'_>) -> Result<HeaderRead, String> {
    if text(fields, "format").as_deref() != Some(FORMAT) {
        return Err(format!("it is not the header of a file in the format {FORMAT}"));
    }
    if read::<u32>(fields, "version") != Some(VERSION) {
        return Err(format!("the file is not in version {VERSION} of its format"));
    }
    let exported_at = text(fields, "exportedAt").ok_or("the header does not say when the file was exported")?;
    Ok(HeaderRead { exported_at, from_place: read(fields, "fromPlace") })
}

fn read<T: serde::de::DeserializeOwned>(fields: &Fields<'_>, name: &str) -> Option<T> {
    serde_json::from_str(fields.get(name)?).ok()
}

fn text(fields: &Fields<'_>, name: &str) -> Option<String> {
    read(fields, name)
}
