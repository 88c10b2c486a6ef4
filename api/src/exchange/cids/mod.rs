//! Common Impact Data Standard 3.2, JSON-LD, Basic tier (commonapproach/CIDS).
//!
//! A list of nodes, each with `@context`, `@id` and `@type`; nodes may also stand within each other, or under `@graph`, and names be written as
//! full addresses. Each `cids:IndicatorReport` is a figure: `forIndicator`, whose `hasName` is the indicator by its name or code and
//! `unitDescription` its unit; `forOrganization` (else that of the indicator), which is a community by its identifier in the
//! scheme `cids:IRI` or by its `hasLegalName` or `hasName`; `startedAtTime` and `endedAtTime`; `value`, an `i72:Measure` with
//! `hasNumericalValue`, a number that is mostly written as a text; `hasComment`. Other nodes and keys are not read.
//!
//! The period is from the day on which the report begins to the day on which it ends, both in it. Where the end is a midnight that completes
//! a calendar period, such as 2025-01-01T00:00:00 for the year 2024, that day is not in it.
//!
//! Contexts are resolved from a list and never fetched. Nodes refer to others before and behind them, so a document is held
//! as a whole and refused beyond 8 MiB.

use std::{borrow::Cow, io::Read};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use domain::{
    key::Code,
    observation::{Figure, ObservationStatus},
    period::{Period, PeriodKind},
    series::Disaggregation,
};

use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, SeriesKey, push},
    failure::{Failure, FailureCode},
    options::Options,
    reader::Input,
    report::{Adjustment, Adjustments, Reason},
    sink::Sink,
    values::{self, Numbers, shown},
};
use context::Term;
use graph::{Graph, Node};
use tree::Tree;

mod context;
mod graph;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use write::Writer;

/// The largest document, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;
/// The scheme of communities' codes where the caller names none: the identifiers of organizations.
pub const OWN_SCHEME: &str = "cids:IRI";
const NUMBER: &str = "hasNumericalValue";
const STARTED: &str = "startedAtTime";
const ENDED: &str = "endedAtTime";
const FOR_INDICATOR: &str = "forIndicator";
const FOR_ORGANIZATION: &str = "forOrganization";

/// Which files of a folder may be of this format.
pub fn is_data_file(name: &str) -> bool {
    super::reader::is_called(name, &[".jsonld", ".json"])
}

/// The key that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    match field {
        "value" => NUMBER.into(),
        "period" => STARTED.into(),
        "note" => "hasComment".into(),
        other => other.to_owned().into(),
    }
}

/// Reads a document. Reports are counted in the order in which they are met.
///
/// # Errors
/// Whatever keeps it from being read: `ROW_TOO_LONG` for one that is too large, ENCODING, MALFORMED.
pub fn read(mut input: Input, options: &Options, sink: &mut Sink<'_>) -> Result<Vec<String>, Failure> {
    let mut bytes = Vec::new();
    let mut text = input.text().take(LARGEST as u64 + 1);
    text.read_to_end(&mut bytes).map_err(|error| Failure::reading(&error, 1))?;
    if bytes.len() > LARGEST {
        return Err(Failure::new(FailureCode::TooLong, "the document is larger than 8 MiB: divide it"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::new(FailureCode::Encoding, "it is not UTF-8"))?;
    let document = Tree::read(text)?;
    if matches!(document, Tree::Text(_) | Tree::Nothing) {
        return Err(Failure::new(FailureCode::Malformed, "there must be a list of nodes").at(1));
    }
    let graph = Graph::read(&document)?;
    drop(document);
    let reports = Reports { graph: &graph, options, numbers: Numbers { decimal_comma: options.decimal_comma } };
    for (index, report) in graph.nodes().filter(|node| node.is(Term::Report)).enumerate() {
        let number = index as u64 + 1;
        let read = reports.row(number, report, &mut sink.keys);
        if sink.put(number, read, report.id.as_bytes()).is_break() {
            break;
        }
    }
    Ok(vec!["reports are told by their number among the reports, not by their line".to_owned()])
}

/// Makes rows of reports.
struct Reports<'a> {
    graph: &'a Graph,
    options: &'a Options,
    numbers: Numbers,
}

/// The only value, or why there is none.
fn only<'a>(values: &'a [String], column: &'static str) -> Result<&'a str, Reason> {
    single(values.iter().map(String::as_str), column)
}

fn single<'a>(mut values: impl Iterator<Item = &'a str>, column: &'static str) -> Result<&'a str, Reason> {
    match (values.next(), values.next()) {
        (Some(one), None) => Ok(one.trim()),
        (None, _) => Err(Reason::plain("REQUIRED", column, "it is missing")),
        _ => Err(Reason::plain("AMBIGUOUS", column, "it has several values, and one is needed")),
    }
}

fn key(texts: [&str; 2]) -> String {
    let mut key = String::new();
    for text in texts {
        push(&mut key, text);
    }
    key
}

impl Reports<'_> {
    fn row(&self, line: u64, report: &Node, keys: &mut Keys) -> Result<ReadRow, Reason> {
        let own = report.get(Term::ForIndicator);
        let owners = || single(self.graph.owners(&report.id), FOR_INDICATOR);
        let indicator = if own.is_empty() { owners()? } else { only(own, FOR_INDICATOR)? };
        let node = self.graph.node(indicator);
        let period = period(only(report.get(Term::Started), STARTED)?, only(report.get(Term::Ended), ENDED)?)?;
        let mut adjustments = Adjustments::default();
        let (text, figure) = self.figure(report, &mut adjustments)?;
        let name = if self.options.indicator.is_some() { "" } else { Self::name(indicator, node)? };
        let units = node.map_or(&[][..], |node| node.get(Term::Unit));
        let unit = if units.is_empty() { "" } else { only(units, "unitDescription")? };
        let (code, called) = self.organization(report, node)?;
        values::check_names(&[
            ("hasName", name),
            ("unitDescription", unit),
            (FOR_ORGANIZATION, code),
            (FOR_ORGANIZATION, called),
        ])?;
        let part = || Ok((Disaggregation::total(), Adjustments::default()));
        let (disaggregation, _) = keys.disaggregation("", part)?;
        if code.is_empty() && called.is_empty() {
            adjustments.note(Adjustment::BlankGeography);
        }
        // From here on nothing fails, so that only good reports name anything.
        let area = keys.area(&key([code, called]), || match (code, called) {
            ("", "") => AreaKey::Blank,
            _ => AreaKey::Name { name: called.to_owned(), code: code.to_owned() },
        });
        let indicator = keys.indicator(&key([name, unit]), || IndicatorKey {
            name: name.to_owned(),
            title: String::new(),
            series: String::new(),
            measure: String::new(),
            unit: unit.to_owned(),
            frequency: period.kind(),
            decimals: values::decimals(text),
        });
        let source = keys.source("");
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        Ok(ReadRow { line, column: None, series, period, figure, act: Act::Record, adjustments })
    }

    /// The number as it is written, and the figure that it makes.
    fn figure<'n>(&'n self, report: &'n Node, adjustments: &mut Adjustments) -> Result<(&'n str, Figure), Reason> {
        let measure = only(report.get(Term::Value), "value")?;
        // A number that stands where its measure should is as good.
        let text = match self.graph.node(measure) {
            Some(node) => only(node.get(Term::Number), NUMBER)?,
            None => measure,
        };
        let Some(value) = self.numbers.read(text, NUMBER, adjustments)? else {
            return Err(Reason::plain("REQUIRED", NUMBER, "no value"));
        };
        let comments: Vec<_> =
            report.get(Term::Comment).iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
        let note = Some(comments.join("\n")).filter(|note| !note.is_empty());
        Ok((text, Figure { value: Some(value), status: ObservationStatus::Normal, note, ..Figure::default() }))
    }

    fn name<'n>(id: &str, node: Option<&'n Node>) -> Result<&'n str, Reason> {
        let Some(node) = node else {
            let kind = "the indicator is not in the document";
            return Err(Reason::detailed("NOT_FOUND", FOR_INDICATOR, kind, format!("{}: {kind}", shown(id))));
        };
        let name = only(node.get(Term::Name), "hasName")?;
        if name.is_empty() { Err(Reason::plain("REQUIRED", "hasName", "the indicator has no name")) } else { Ok(name) }
    }

    /// The code and the name of the organization of a report, else of its indicator. Both are blank where the caller names the community of reports
    /// without one.
    fn organization<'n>(&'n self, report: &'n Node, indicator: Option<&'n Node>) -> Result<(&'n str, &'n str), Reason> {
        let own = report.get(Term::ForOrganization);
        let inherited = indicator.map_or(&[][..], |node| node.get(Term::ForOrganization));
        let ids = if own.is_empty() { inherited } else { own };
        if ids.is_empty() && self.options.blank_geography.is_some() {
            return Ok(("", ""));
        }
        let id = only(ids, FOR_ORGANIZATION)?;
        let node = self.graph.node(id);
        let called = node.into_iter().flat_map(|node| [node.get(Term::LegalName), node.get(Term::Name)]);
        let called = called.flatten().map(|name| name.trim()).find(|name| !name.is_empty()).unwrap_or_default();
        let code = if id.parse::<Code>().is_ok() { id } else { "" };
        if code.is_empty() && called.is_empty() {
            let kind = "the organization is not in the document";
            return Err(Reason::detailed("NOT_FOUND", FOR_ORGANIZATION, kind, format!("{}: {kind}", shown(id))));
        }
        Ok((code, called))
    }
}

/// A day, and whether it is said by its midnight.
fn day(text: &str, column: &'static str) -> Result<(NaiveDate, bool), Reason> {
    let moment = DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.naive_local());
    let moment = moment.or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok());
    if let Some(moment) = moment {
        return Ok((moment.date(), moment.time() == NaiveTime::MIN));
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| (day, false)).map_err(|_| {
        let kind = "neither a moment nor a day of ISO 8601";
        Reason::detailed("INVALID", column, kind, format!("“{}” is {kind}", shown(text)))
    })
}

/// The period between two moments.
fn period(started: &str, ended: &str) -> Result<Period, Reason> {
    let (first, _) = day(started, STARTED)?;
    let (last, midnight) = day(ended, ENDED)?;
    let until = Period::from_dates(first, last).ok().filter(|period| period.kind() != PeriodKind::Range);
    if let Some(period) = until.filter(|_| midnight) {
        return Ok(period);
    }
    let after = last.succ_opt().unwrap_or(last);
    Period::from_dates(first, after)
        .map_err(|error| Reason::detailed("INVALID", ENDED, "not a period", error.to_string()))
}
