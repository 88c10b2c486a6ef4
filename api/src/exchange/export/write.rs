//! What every writer of a format does and needs.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    export::ExportedFigure,
    observation::{Figure, ObservationStatus},
    text::{LanguageTag, LocalizedText},
};
use serde::Serialize;

use super::Place;

/// Why a figure is not in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// The community has no code of the scheme that the file names communities by.
    NoCode,
    /// Another member of the network has the community's name as well, and the file names communities by name.
    Ambiguous,
    /// There is no value, and the format cannot say why.
    NoValue,
    /// It is no normal figure, and the format cannot say so.
    Status,
    /// It is not for everybody, and the format cannot say so.
    Confidential,
    /// The format has no such period.
    Period,
    /// The format cannot name the part of the population.
    Part,
}

impl LeftOut {
    /// In the words of a report.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoCode => "the community has no code of the scheme by which the file names communities",
            Self::Ambiguous => "several members of the network have the community's name: name a code scheme",
            Self::NoValue => "there is no value, and the format cannot say why",
            Self::Status => "it is no normal figure (provisional, estimated, …), and the format cannot say so",
            Self::Confidential => "it is not for everybody, and the format cannot say so",
            Self::Period => "the format has no such period",
            Self::Part => "the format cannot name the part of the population",
        }
    }
}

/// A figure to write.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The figure with all that it is of.
    pub of: &'a ExportedFigure,
    /// What its community is called.
    pub place: &'a Place,
    /// The moment of the export, for embargoes.
    pub now: DateTime<Utc>,
}

/// Writes figures in one format.
pub trait FigureWriter: Send {
    /// Writes what stands before the first figure.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// Writes a figure.
    ///
    /// # Errors
    /// Why it is left out; then nothing is written.
    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut>;

    /// Writes what stands after the last figure.
    fn end(&mut self, _out: &mut Vec<u8>) {}
}

/// The value of a figure for formats that have neither status nor confidentiality.
///
/// # Errors
/// Why a figure cannot be written without them.
pub fn plain_only(figure: &Figure, now: DateTime<Utc>) -> Result<f64, LeftOut> {
    let value = figure.value.ok_or(LeftOut::NoValue)?;
    if !figure.is_public(now) {
        return Err(LeftOut::Confidential);
    }
    if figure.status == ObservationStatus::Normal { Ok(value) } else { Err(LeftOut::Status) }
}

/// A text in the language of the file, or the one that it was written in.
pub fn text<'a>(text: &'a LocalizedText, language: &LanguageTag) -> &'a str {
    text.resolve(std::slice::from_ref(language)).text
}

/// A moment as every format writes it.
pub fn moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A number as tables hold it: the shortest that is read as the same; nothing for none.
pub fn number(number: Option<f64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// Writes a row of a table (RFC 4180): a cell is quoted where it holds a comma, a quotation mark or the end of a line, and never
/// changed.
pub fn push_csv<I: AsRef<str>>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = I>) {
    let mut first = true;
    for cell in cells {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        let cell = cell.as_ref();
        if cell.contains([',', '"', '\n', '\r']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.push(b'\n');
}

/// Writes a value as JSON.
pub fn push_json(out: &mut Vec<u8>, value: &impl Serialize) {
    // Writing plain data to memory does not fail.
    let _ = serde_json::to_writer(out, value);
}
