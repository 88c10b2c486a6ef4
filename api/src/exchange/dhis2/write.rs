//! Writing data value sets.

use domain::{export::ExportedFigure, series::Disaggregation};
use serde::Serialize;

use super::{ATTRIBUTE, CATEGORY, Combo, DEFAULTS};
use crate::exchange::export::{FigureWriter, LeftOut, Line, plain_only, push_csv, push_json};

/// What the reader calls the columns that are written.
const COLUMNS: [&str; 10] = [
    "dataelement",
    "period",
    "orgunit",
    "catoptcombo",
    "attroptcombo",
    "value",
    "storedby",
    "lastupdated",
    "comment",
    "flwup",
];

/// A value as either form says it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    data_element: &'a str,
    period: String,
    org_unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_option_combo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute_option_combo: Option<String>,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

impl<'a> Written<'a> {
    fn of(line: &Line<'a>, combos: &[Combo]) -> Result<Self, LeftOut> {
        let ExportedFigure { indicator, disaggregation, period, figure, .. } = line.of;
        let value = plain_only(figure, line.now)?;
        let (category, attribute) = named(disaggregation, combos).ok_or(LeftOut::Part)?;
        Ok(Self {
            data_element: indicator.code.as_str(),
            period: period.to_dhis2().ok_or(LeftOut::Period)?,
            org_unit: line.place.code.as_deref().unwrap_or(&line.place.name),
            category_option_combo: category,
            attribute_option_combo: attribute,
            value: value.to_string(),
            comment: figure.note.as_deref(),
        })
    }
}

/// The combinations of options that a part of the population is, which readers with the same settings take for it.
fn named(part: &Disaggregation, combos: &[Combo]) -> Option<(Option<String>, Option<String>)> {
    if part.is_total() {
        return Some((None, None));
    }
    if let Some(combo) = combos.iter().find(|combo| combo.part == *part) {
        return Some((Some(combo.combo.clone()), None));
    }
    let (mut category, mut attribute) = (None, None);
    for (dimension, value) in part.iter() {
        // What every DHIS2 takes for no combination, and what the caller gives a meaning of its own.
        if DEFAULTS.contains(&value) || combos.iter().any(|combo| combo.combo == value) {
            return None;
        }
        match dimension {
            CATEGORY => category = Some(value.to_owned()),
            ATTRIBUTE => attribute = Some(value.to_owned()),
            _ => return None,
        }
    }
    Some((category, attribute))
}

/// Writes a data value set as JSON.
pub struct JsonWriter {
    combos: Vec<Combo>,
    any: bool,
}

impl JsonWriter {
    /// With these combinations of options.
    pub fn new(combos: &[Combo]) -> Self {
        Self { combos: combos.to_vec(), any: false }
    }
}

impl FigureWriter for JsonWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"dataValues\":[");
    }

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let value = Written::of(line, &self.combos)?;
        let comma: &[u8] = if std::mem::replace(&mut self.any, true) { b",\n" } else { b"\n" };
        out.extend_from_slice(comma);
        push_json(out, &value);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n]}\n");
    }
}

/// Writes a data value set as CSV.
pub struct CsvWriter {
    combos: Vec<Combo>,
}

impl CsvWriter {
    /// With these combinations of options.
    pub fn new(combos: &[Combo]) -> Self {
        Self { combos: combos.to_vec() }
    }
}

impl FigureWriter for CsvWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        push_csv(out, COLUMNS);
    }

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let value = Written::of(line, &self.combos)?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (category, attribute) = (text(&value.category_option_combo), text(&value.attribute_option_combo));
        let comment = value.comment.unwrap_or_default();
        let cells: [&str; 10] = [
            value.data_element,
            &value.period,
            value.org_unit,
            &category,
            &attribute,
            &value.value,
            "",
            "",
            comment,
            "",
        ];
        push_csv(out, cells);
        Ok(())
    }
}
