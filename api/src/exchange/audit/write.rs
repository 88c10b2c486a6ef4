//! Writing the audit log to a file.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Error, Result, audit::Entry, service::AuditExport};
use serde::Serialize;
use serde_json::json;

use super::{
    FORMAT, HASH, PREVIOUS, VERSION,
    canonical::{self, Fields},
};

/// What an export came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How many entries it holds.
    pub entries: u64,
    /// The hash of its last line: whoever keeps this can tell whether the file is still the same.
    pub hash: String,
}

/// Writes a whole export, piece by piece.
///
/// # Errors
/// [`Error::Internal`] with what the output said; errors of reading the log as they are.
pub async fn export(mut export: AuditExport, out: impl Write) -> Result<Written> {
    let mut entries = export.next().await?;
    let mut chain = Chain::begin(out, &Header::of(&export, entries.first())).map_err(unwritten)?;
    while !entries.is_empty() {
        for entry in &entries {
            chain.entry(entry).map_err(unwritten)?;
        }
        entries = export.next().await?;
    }
    chain.finish().map_err(unwritten)
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn unwritten(error: io::Error) -> Error {
    Error::internal(format!("the export cannot be written: {error}"))
}

/// What the first line says.
pub(super) struct Header {
    pub(super) exported_at: DateTime<Utc>,
    pub(super) from_place: Option<i64>,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) until: Option<DateTime<Utc>>,
}

impl Header {
    fn of(export: &AuditExport, first: Option<&Entry>) -> Self {
        let filter = export.filter();
        let from_place = first.map(|entry| entry.place);
        Self { exported_at: export.at(), from_place, from: filter.from, until: filter.until }
    }
}

/// A chain of lines in the making.
pub(super) struct Chain<W> {
    out: W,
    previous: String,
    entries: u64,
}

impl<W: Write> Chain<W> {
    pub(super) fn begin(out: W, header: &Header) -> io::Result<Self> {
        let mut fields = Fields::new();
        put(&mut fields, "format", FORMAT)?;
        put(&mut fields, "version", VERSION)?;
        put(&mut fields, "exportedAt", moment(header.exported_at))?;
        put_some(&mut fields, "fromPlace", header.from_place)?;
        put_some(&mut fields, "from", header.from.map(moment))?;
        put_some(&mut fields, "until", header.until.map(moment))?;
        let mut chain = Self { out, previous: String::new(), entries: 0 };
        chain.line(fields)?;
        Ok(chain)
    }

    pub(super) fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let said = &entry.said;
        let mut fields = Fields::new();
        put(&mut fields, "place", entry.place)?;
        put(&mut fields, "at", moment(said.at))?;
        put(&mut fields, "actor", &said.actor)?;
        put(&mut fields, "actorKind", said.actor_kind)?;
        put(&mut fields, "action", said.action)?;
        let object = said.object.map(|object| json!({ "kind": object.kind.name(), "id": object.id }));
        put_some(&mut fields, "object", object)?;
        put_some(&mut fields, "community", said.community)?;
        put_some(&mut fields, "network", said.network)?;
        put_some(&mut fields, "changes", Some(&said.changes).filter(|changes| !changes.is_empty()))?;
        put_some(&mut fields, "requestId", said.request_id.as_ref())?;
        put_some(&mut fields, "address", said.address.as_ref())?;
        put_some(&mut fields, "detail", said.detail.as_ref())?;
        self.entries += 1;
        self.line(fields)
    }

    pub(super) fn finish(mut self) -> io::Result<Written> {
        let mut fields = Fields::new();
        put(&mut fields, "count", self.entries)?;
        self.line(fields)?;
        self.out.flush()?;
        Ok(Written { entries: self.entries, hash: self.previous })
    }

    /// Writes one line and makes it the one before the next.
    fn line(&mut self, mut fields: Fields<'_>) -> io::Result<()> {
        let hash = canonical::hash(&self.previous, &fields).map_err(io::Error::other)?;
        if !self.previous.is_empty() {
            put(&mut fields, PREVIOUS, &self.previous)?;
        }
        put(&mut fields, HASH, &hash)?;
        let mut line = canonical::object(&fields).map_err(io::Error::other)?;
        line.push('\n');
        self.previous = hash;
        self.out.write_all(line.as_bytes())
    }
}

fn put(fields: &mut Fields<'_>, name: &str, value: impl Serialize) -> io::Result<()> {
    fields.insert(name.to_owned(), Cow::Owned(serde_json::to_string(&value)?));
    Ok(())
}

fn put_some(fields: &mut Fields<'_>, name: &str, value: Option<impl Serialize>) -> io::Result<()> {
    value.map_or(Ok(()), |value| put(fields, name, value))
}

fn moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}
