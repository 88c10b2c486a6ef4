//! SDMX-CSV 2.0 and 2.1 (data-message/docs/sdmx-csv-field-guide.md of sdmx-twg/sdmx-csv), `application/vnd.sdmx.data+csv`.
//!
//! The first column is `STRUCTURE` or `STRUCTURE[;]`: the character after it stands between cells, the one in its brackets
//! between the values of a cell that holds several. `STRUCTURE_ID` is `AGENCY:ID(VERSION)`. `ACTION` is I, A, M or R (record), or D
//! (withdraw); blank and absent mean that the row is recorded. A row is one observation, and a cell that is blank where a dimension is needed
//! makes it something else (attributes of a group, a deletion of many), which is rejected.
//!
//! `REF_AREA` is the community by its code, `INDICATOR` the indicator by its code, in its place the identifier of `STRUCTURE_ID`;
//! other columns can be named for them. `OBS_VALUE` is the value (`NaN` and `#N/A`: missing on purpose), `OBS_STATUS`, `CONF_STATUS`,
//! `EMBARGO_TIME`, `UNIT_MEASURE`, `UNIT_MULT` (a power of ten that the value is multiplied by), `DECIMALS` and `COMMENT_OBS` describe it. Every other column
//! before `OBS_VALUE` is a dimension, in which `_T` (total) and `_Z` (not applicable) mean no breakdown. Header and cells may have
//! labels: `A: Annual` (labels=both).

use std::borrow::Cow;

use domain::{
    observation::{Figure, ObservationStatus},
    period::Period,
};

use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, RowReader, SeriesKey, push},
    csv::{Header, Row, Table},
    failure::Failure,
    options::{Options, Total},
    reader::Input,
    report::{Adjustment, Adjustments, Reason},
    sink::{self, Sink},
    tidy::cells,
    values::{self, Numbers, Periods},
};
use columns::{Columns, Marks};

mod columns;
#[cfg(test)]
mod tests;
mod write;

pub use write::Writer;

const REF_AREA: &str = "REF_AREA";
const INDICATOR: &str = "INDICATOR";
const TIME_PERIOD: &str = "TIME_PERIOD";
const OBS_VALUE: &str = "OBS_VALUE";
const OBS_STATUS: &str = "OBS_STATUS";
const CONF_STATUS: &str = "CONF_STATUS";
const EMBARGO_TIME: &str = "EMBARGO_TIME";
const UNIT_MEASURE: &str = "UNIT_MEASURE";
const UNIT_MULT: &str = "UNIT_MULT";
const COMMENT_OBS: &str = "COMMENT_OBS";
/// Codes of dimensions that mean no breakdown.
const WHOLE: [&str; 2] = ["_T", "_Z"];
/// The scheme of communities' codes where the caller names none.
pub const OWN_SCHEME: &str = "sdmx:REF_AREA";

/// Which columns mean what, where they are not called as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SdmxColumns {
    /// The place; `REF_AREA` if blank.
    pub area: String,
    /// The indicator; `INDICATOR` if blank.
    pub indicator: String,
    /// The period; `TIME_PERIOD` if blank.
    pub period: String,
    /// Dimensions that stand behind the value.
    pub dimensions: Vec<String>,
}

impl SdmxColumns {
    /// As usual.
    pub const fn new() -> Self {
        Self { area: String::new(), indicator: String::new(), period: String::new(), dimensions: Vec::new() }
    }
}

/// Reads a message to its end.
///
/// # Errors
/// Whatever keeps it from being read.
pub fn read(mut input: Input, options: &Options, sink: &mut Sink<'_>) -> Result<Vec<String>, Failure> {
    let marks = Marks::read(&mut input)?;
    let table = Table::open(input, marks.delimiter)?;
    let mut reader = SdmxCsv::new(table.header(), marks, options)?;
    sink::rows(table, &mut reader, sink)?;
    Ok(reader.notices())
}

/// The column that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    match field {
        "value" => OBS_VALUE.into(),
        "period" => TIME_PERIOD.into(),
        "status" => OBS_STATUS.into(),
        "confidentiality" => CONF_STATUS.into(),
        "embargoUntil" => EMBARGO_TIME.into(),
        "note" => COMMENT_OBS.into(),
        other => other.to_owned().into(),
    }
}

/// Reads rows of a message.
struct SdmxCsv {
    columns: Columns,
    marks: Marks,
    totals: Vec<Total>,
    periods: Periods,
    numbers: Numbers,
    key: String,
}

impl SdmxCsv {
    fn new(header: &Header, marks: Marks, options: &Options) -> Result<Self, Failure> {
        Ok(Self {
            columns: Columns::read(header, options)?,
            marks,
            totals: options.totals.clone(),
            periods: Periods::new(TIME_PERIOD, |text| text.parse::<Period>().map_err(|error| error.to_string())),
            numbers: Numbers { decimal_comma: options.decimal_comma },
            key: String::new(),
        })
    }

    /// The identifier and the label of a coded cell.
    fn coded<'a>(&self, row: &Row<'a>, column: usize) -> (&'a str, &'a str) {
        let cell = row.cell(column);
        match cell.split_once(": ") {
            Some((id, label)) if self.columns.labelled => (id.trim(), label.trim()),
            _ => (cell, ""),
        }
    }

    fn code<'a>(&self, row: &Row<'a>, column: Option<usize>) -> &'a str {
        column.map_or("", |column| self.coded(row, column).0)
    }

    fn act(&self, row: &Row<'_>) -> Result<Act, Reason> {
        let structure = self.coded(row, self.columns.structure).0;
        if !["dataflow", "datastructure", "dataprovision"].iter().any(|kind| structure.eq_ignore_ascii_case(kind)) {
            let kind = "neither dataflow, datastructure nor dataprovision";
            let detail = format!("“{}” is {kind}", values::shown(structure));
            return Err(Reason::detailed("INVALID", "STRUCTURE", kind, detail));
        }
        match self.code(row, self.columns.action) {
            "" | "I" | "A" | "M" | "R" => Ok(Act::Record),
            "D" => self.withdrawal(row),
            other => {
                let kind = "not an action: expected I, A, M, R or D";
                let detail = format!("“{}” is {kind}", values::shown(other));
                Err(Reason::detailed("INVALID", "ACTION", kind, detail))
            }
        }
    }

    /// A deletion goes as deep as what it gives: attributes alone are not the figure.
    fn withdrawal(&self, row: &Row<'_>) -> Result<Act, Reason> {
        let given = |column: Option<usize>| !row.optional(column).is_empty();
        if !given(Some(self.columns.value)) && self.columns.attributes().into_iter().any(given) {
            let kind = "only attributes are to be deleted: a figure is withdrawn whole, or recorded anew without them";
            return Err(Reason::plain("RETRACT", "ACTION", kind));
        }
        Ok(Act::Retract)
    }

    /// Refuses a row in which a dimension is blank.
    fn check_key(&self, row: &Row<'_>, act: Act) -> Result<(), Reason> {
        let columns = &self.columns;
        let needed = [(REF_AREA, columns.area), (TIME_PERIOD, columns.period)];
        let named = columns.indicator.map(|column| (INDICATOR, column));
        let dimensions = columns.dimensions.iter().map(|(name, column)| (name.as_str(), *column));
        let blank = needed.into_iter().chain(named).chain(dimensions).find(|(_, column)| row.cell(*column).is_empty());
        let Some((name, _)) = blank else { return Ok(()) };
        let kind = match act {
            Act::Record | Act::Create | Act::Update => "a dimension is blank: the row is about no single observation",
            Act::Retract => "a dimension is blank, which would delete every observation that fits: name each of them",
        };
        Err(Reason::plain("REQUIRED", name.to_owned(), kind))
    }

    fn figure(&self, row: &Row<'_>, adjustments: &mut Adjustments) -> Result<Figure, Reason> {
        let columns = &self.columns;
        let status = self.code(row, columns.status);
        let text = row.cell(columns.value);
        let missing = text == "NaN" || text == "#N/A";
        let value = if missing { None } else { self.value(row, text, adjustments)? };
        let status = if missing && status.is_empty() {
            adjustments.note(Adjustment::MarkedMissing);
            ObservationStatus::Missing
        } else {
            values::status(status, value.is_some(), (OBS_STATUS, OBS_VALUE), adjustments)?
        };
        let confidentiality = values::confidentiality(self.code(row, columns.confidentiality), CONF_STATUS)?;
        let embargo_until = values::moment(row.optional(columns.embargo), EMBARGO_TIME)?;
        Ok(Figure { value, status, confidentiality, embargo_until, note: self.note(row), ..Figure::default() })
    }

    /// The value in units: `UNIT_MULT` says by which power of ten the cell is to be multiplied.
    fn value(&self, row: &Row<'_>, text: &str, adjustments: &mut Adjustments) -> Result<Option<f64>, Reason> {
        let value = self.numbers.read(text, OBS_VALUE, adjustments)?;
        let power = self.code(row, self.columns.multiplier);
        if power.is_empty() || power == "0" || value.is_none() {
            return Ok(value);
        }
        let Some(power) = power.parse::<i32>().ok().filter(|power| (-15..=15).contains(power)) else {
            let kind = "not a power of ten from -15 to 15";
            let detail = format!("“{}” is {kind}", values::shown(power));
            return Err(Reason::detailed("UNIT", UNIT_MULT, kind, detail));
        };
        adjustments.note(Adjustment::Multiplied);
        // Read as one number, 1.1 million is 1100000 and not 1100000.0000000002.
        let exact =
            value.and_then(|value| format!("{value}e{power}").parse().ok()).filter(|exact: &f64| exact.is_finite());
        let kind = "too large a number";
        exact.map(Some).ok_or_else(|| Reason::plain("INVALID", OBS_VALUE, kind))
    }

    fn note(&self, row: &Row<'_>) -> Option<String> {
        let note = row.optional(self.columns.comment);
        match self.marks.separator.filter(|_| self.columns.comments) {
            _ if note.is_empty() => None,
            Some(separator) => Some(note.split(separator).map(str::trim).collect::<Vec<_>>().join("; ")),
            None => Some(note.to_owned()),
        }
    }

    fn part(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<(u32, Adjustments), Reason> {
        self.key.clear();
        for (_, column) in &self.columns.dimensions {
            push(&mut self.key, row.cell(*column));
        }
        keys.disaggregation(&self.key, || {
            let mut adjustments = Adjustments::default();
            let mut pairs = Vec::new();
            for (name, column) in &self.columns.dimensions {
                let (code, label) = self.coded(row, *column);
                if self.totals.iter().any(|total| total.is(name, code) || total.is(name, label)) {
                    adjustments.note(Adjustment::Total);
                } else if !WHOLE.contains(&code) {
                    pairs.push((name.as_str(), code));
                }
            }
            Ok((values::part(&pairs, str::to_owned)?, adjustments))
        })
    }

    /// The code and the label of the row's indicator: that of its column, else of its structure.
    fn indicator<'a>(&self, row: &Row<'a>) -> (&'a str, &'a str) {
        if let Some(column) = self.columns.indicator {
            return self.coded(row, column);
        }
        let Some(column) = self.columns.structure_id else { return ("", "") };
        let (id, label) = self.coded(row, column);
        let id = id.rsplit_once(':').map_or(id, |(_, id)| id);
        (id.split_once('(').map_or(id, |(id, _)| id), label)
    }
}

impl RowReader for SdmxCsv {
    fn read(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        if row.len() != self.columns.count {
            return Err(cells(row, self.columns.count));
        }
        let act = self.act(row)?;
        self.check_key(row, act)?;
        let period = self.periods.read(row.cell(self.columns.period))?;
        let mut adjustments = Adjustments::default();
        let figure = if act == Act::Retract { Figure::default() } else { self.figure(row, &mut adjustments)? };
        let (code, label) = self.coded(row, self.columns.area);
        let (name, title) = self.indicator(row);
        let unit = unit(self.code(row, self.columns.unit));
        values::check_names(&[
            (REF_AREA, code),
            (REF_AREA, label),
            (INDICATOR, name),
            (INDICATOR, title),
            (UNIT_MEASURE, unit),
        ])?;
        let (disaggregation, totals) = self.part(row, keys)?;
        adjustments.also(totals);
        // From here on nothing fails, so that only good rows name anything.
        let area = keys.area(code, || AreaKey::Code {
            code: code.to_owned(),
            name: label.to_owned(),
            geography: String::new(),
        });
        self.key.clear();
        push(&mut self.key, name);
        push(&mut self.key, unit);
        let decimals = self.code(row, self.columns.decimals).parse::<i32>().ok();
        let decimals = decimals.unwrap_or_else(|| values::decimals(row.cell(self.columns.value)));
        let indicator = keys.indicator(&self.key, || IndicatorKey {
            name: name.to_owned(),
            title: title.to_owned(),
            series: String::new(),
            measure: String::new(),
            unit: unit.to_owned(),
            frequency: period.kind(),
            decimals,
        });
        let source = keys.source("");
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        Ok(ReadRow { line: row.line, column: None, series, period, figure, act, adjustments })
    }

    fn notices(&self) -> Vec<String> {
        self.columns.unread.iter().map(|column| format!("column “{column}” is not read")).collect()
    }
}

/// A unit as definitions write it: the codes of SDMX lists for per cent are `%`, and those for none nothing.
fn unit(code: &str) -> &str {
    match code {
        "PT" | "PC" | "PERCENT" => "%",
        _ if WHOLE.contains(&code) => "",
        other => other,
    }
}
