//! Writing NDJSON: everything that is known of a figure.

use std::collections::BTreeMap;

use domain::{
    key::Scheme,
    observation::{Confidentiality, ObservationStatus},
};
use serde::Serialize;

use crate::exchange::export::{FigureWriter, LeftOut, Line, moment, push_json};

/// Writes NDJSON.
pub struct Writer {
    scheme: Option<Scheme>,
}

impl Writer {
    /// Communities are named by their codes of this scheme, where they have one, and otherwise by their slugs.
    pub const fn new(scheme: Option<Scheme>) -> Self {
        Self { scheme }
    }
}

/// A line as it stands. Its keys are those of the reader.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    community: Named<'a>,
    indicator: &'a str,
    source: &'a str,
    period: String,
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numerator: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denominator: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper: Option<f64>,
    status: ObservationStatus,
    confidentiality: Confidentiality,
    #[serde(skip_serializing_if = "Option::is_none")]
    embargo_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    disaggregation: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Named<'a> {
    Slug(&'a str),
    Code { scheme: &'a str, code: &'a str },
}

impl FigureWriter for Writer {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let (of, figure) = (line.of, &line.of.figure);
        let community = match (&self.scheme, &line.place.code) {
            (Some(scheme), Some(code)) => Named::Code { scheme: scheme.as_str(), code },
            _ => Named::Slug(&line.place.slug),
        };
        let row = Row {
            community,
            indicator: of.indicator.code.as_str(),
            source: of.source.key.as_str(),
            period: of.period.to_string(),
            value: figure.value,
            numerator: figure.numerator,
            denominator: figure.denominator,
            lower: figure.lower,
            upper: figure.upper,
            status: figure.status,
            confidentiality: figure.confidentiality,
            embargo_until: figure.embargo_until.map(moment),
            note: figure.note.as_deref(),
            external_id: figure.external_id.as_deref(),
            disaggregation: of.disaggregation.iter().collect(),
        };
        push_json(out, &row);
        out.push(b'\n');
        Ok(())
    }
}
