//! Open SDG: a file for each indicator (docs/data-format.md of open-sdg/open-sdg).
//!
//! `Year` and `Value` are needed. `Geography` (or another column that is named for it) and `GeoCode` say which community;
//! `Series` and `Units` make an indicator of their own; `Observation status`, `COMMENT_OBS` and `Unit multiplier` describe
//! the figure. Every other column is a dimension of the disaggregation, in which a blank cell means no breakdown. Column
//! names and cells may carry the prefix `data.`.

use std::borrow::Cow;

use domain::{observation::Figure, observation::ObservationStatus, period::Period, series::Disaggregation};

use super::{
    batch::{AreaKey, IndicatorKey, Keys, ReadRow, RowReader, SeriesKey},
    csv::{Header, Row},
    failure::{Failure, FailureCode},
    options::{Options, Total},
    report::{Adjustment, Adjustments, Reason},
    tidy::cells,
    values::{self, Numbers, Periods},
};

const YEAR: &str = "Year";
const VALUE: &str = "Value";
const STATUS: &str = "Observation status";
const COMMENT: &str = "COMMENT_OBS";
const GEOGRAPHY: &str = "Geography";
/// Described by the format as no disaggregation, and of no use here.
const UNUSED: [&str; 3] = ["COMMENT_TS", "DATA_LAST_UPDATE", "SOURCE_DETAIL"];

/// Reads rows of an Open SDG file.
pub struct OpenSdg {
    columns: Columns,
    periods: Periods,
    numbers: Numbers,
    totals: Vec<Total>,
    /// Whether rows without a place have one given.
    blank_geography: bool,
    /// Whether codes are read.
    by_code: bool,
    key: String,
}

#[derive(Default)]
struct Columns {
    count: usize,
    year: usize,
    value: usize,
    geography: Option<usize>,
    code: Option<usize>,
    series: Option<usize>,
    units: Option<usize>,
    status: Option<usize>,
    comment: Option<usize>,
    multiplier: Option<usize>,
    dimensions: Vec<(String, usize)>,
    unused: Vec<String>,
}

/// A column's name or a cell without the prefix that translation keys carry.
fn bare(text: &str) -> &str {
    text.strip_prefix("data.").unwrap_or(text).trim()
}

impl Columns {
    fn read(header: &Header, options: &Options) -> Result<Self, Failure> {
        header.distinct(|name| bare(name).to_owned())?;
        let mut columns = Self { count: header.len(), ..Self::default() };
        let geography = if options.geography_column.is_empty() { GEOGRAPHY } else { bare(&options.geography_column) };
        let (mut year, mut value) = (None, None);
        for (index, name) in header.names().enumerate() {
            let name = bare(name);
            if options.ignores(name) {
                continue;
            }
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            // Of two spellings of one thing the first is read, and the other told of.
            let (slot, again) = if is(YEAR) {
                (&mut year, None)
            } else if is(VALUE) {
                (&mut value, None)
            } else if is(geography) {
                (&mut columns.geography, None)
            } else if is("GeoCode") {
                (&mut columns.code, None)
            } else if is("Series") {
                (&mut columns.series, Some(name))
            } else if is("Units") || is("Unit measure") || is("UNIT_MEASURE") {
                (&mut columns.units, Some(name))
            } else if is(STATUS) {
                (&mut columns.status, None)
            } else if is(COMMENT) {
                (&mut columns.comment, None)
            } else if is("Unit multiplier") {
                (&mut columns.multiplier, None)
            } else if UNUSED.iter().any(|unused| is(unused)) {
                columns.unused.push(name.to_owned());
                continue;
            } else {
                columns.dimensions.push((name.to_owned(), index));
                continue;
            };
            match (slot.is_some(), again) {
                (true, Some(again)) => columns.unused.push(again.to_owned()),
                (true, None) => {
                    let message = "two columns have this name but for the case of its letters";
                    return Err(Failure::new(FailureCode::DuplicateColumn, message).at(1).in_column(name));
                }
                (false, _) => *slot = Some(index),
            }
        }
        columns.year = year.ok_or_else(|| missing(YEAR))?;
        columns.value = value.ok_or_else(|| missing(VALUE))?;
        Ok(columns)
    }
}

fn missing(column: &str) -> Failure {
    Failure::new(FailureCode::MissingColumn, format!("there must be a column “{column}”")).at(1).in_column(column)
}

/// The code of the indicator that a file is about: `indicator_1-1-1.csv` is about `1-1-1`.
///
/// # Errors
/// `FILE_NAME` for any other name.
pub fn indicator_of(name: &str) -> Result<&str, Failure> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    super::reader::stem(file).and_then(|stem| stem.strip_prefix("indicator_")).filter(|code| !code.is_empty()).ok_or_else(|| {
        Failure::new(FailureCode::Name, "an Open SDG file is called indicator_CODE.csv; otherwise name the indicator")
    })
}

/// Whether a file in a folder is one of Open SDG data.
pub fn is_data_file(name: &str) -> bool {
    indicator_of(name).is_ok()
}

impl OpenSdg {
    /// A reader for rows under this header.
    ///
    /// # Errors
    /// `DUPLICATE_COLUMN`, `MISSING_COLUMN`, `UNKNOWN_COLUMN` for one without a name.
    pub fn new(header: &Header, options: &Options) -> Result<Self, Failure> {
        let start = options.fiscal_year_start;
        let read = move |text: &str| Period::parse_year_span(text, start).map_err(|error| error.to_string());
        Ok(Self {
            columns: Columns::read(header, options)?,
            periods: Periods::new(YEAR, read),
            numbers: Numbers { decimal_comma: options.decimal_comma },
            totals: options.totals.clone(),
            blank_geography: options.blank_geography.is_some(),
            by_code: options.code_scheme.is_some(),
            key: String::new(),
        })
    }

    fn figure(&self, row: &Row<'_>, adjustments: &mut Adjustments) -> Result<Figure, Reason> {
        let columns = &self.columns;
        let multiplier = row.optional(columns.multiplier);
        if !(multiplier.is_empty() || multiplier == "0" || multiplier.eq_ignore_ascii_case("units")) {
            let kind = "values must be in units, not multiples of them";
            return Err(Reason::detailed("UNIT", "Unit multiplier", kind, format!("“{}”: {kind}", values::shown(multiplier))));
        }
        let value = self.numbers.read(row.cell(columns.value), VALUE, adjustments)?;
        let status = row.optional(columns.status);
        let status = if status.is_empty() && value.is_none() {
            adjustments.note(Adjustment::BlankValue);
            ObservationStatus::Missing
        } else {
            values::status(status, value.is_some(), (STATUS, VALUE), adjustments)?
        };
        let note = Some(row.optional(columns.comment)).filter(|note| !note.is_empty()).map(str::to_owned);
        Ok(Figure { value, status, note, ..Figure::default() })
    }

    fn disaggregation(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<(u32, Adjustments), Reason> {
        self.key.clear();
        for (_, column) in &self.columns.dimensions {
            self.key.push_str(row.cell(*column));
            self.key.push('\u{1f}');
        }
        keys.disaggregation(&self.key, || {
            let mut adjustments = Adjustments::default();
            let mut pairs = Vec::new();
            for (name, column) in &self.columns.dimensions {
                let value = bare(row.cell(*column));
                if value.is_empty() {
                    continue;
                }
                if self.totals.iter().any(|total| total.is(name, value)) {
                    adjustments.note(Adjustment::Total);
                    continue;
                }
                pairs.push((name.as_str(), value));
            }
            let read = Disaggregation::new(pairs);
            let read = read.map_err(|error| Reason::detailed("INVALID", "", "not a disaggregation", error.to_string()))?;
            Ok((read, adjustments))
        })
    }

    /// Finds how the row names its community, and leaves it in `key`.
    fn area(&mut self, row: &Row<'_>, adjustments: &mut Adjustments) -> Result<(), Reason> {
        let (name, code) = self.place(row);
        self.key.clear();
        self.key.push_str(name);
        self.key.push('\u{1f}');
        self.key.push_str(code);
        if name.is_empty() && code.is_empty() {
            if !self.blank_geography {
                let kind = "no community is named, and none is given for such rows";
                return Err(Reason::plain("REQUIRED", GEOGRAPHY, kind));
            }
            adjustments.note(Adjustment::BlankGeography);
        }
        Ok(())
    }

    /// The name and code of the row's place.
    fn place<'a>(&self, row: &Row<'a>) -> (&'a str, &'a str) {
        let code = if self.by_code { bare(row.optional(self.columns.code)) } else { "" };
        (bare(row.optional(self.columns.geography)), code)
    }

    fn indicator(&mut self, row: &Row<'_>, period: Period, keys: &mut Keys) -> u32 {
        let (series, units) = (bare(row.optional(self.columns.series)), bare(row.optional(self.columns.units)));
        self.key.clear();
        self.key.push_str(series);
        self.key.push('\u{1f}');
        self.key.push_str(units);
        keys.indicator(&self.key, || IndicatorKey {
            name: String::new(),
            series: series.to_owned(),
            measure: String::new(),
            unit: units.to_owned(),
            frequency: period.kind(),
            decimals: values::decimals(row.cell(self.columns.value)),
        })
    }
}

/// The column that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    match field {
        "value" => VALUE.into(),
        "period" => YEAR.into(),
        "status" => STATUS.into(),
        "note" => COMMENT.into(),
        other => other.to_owned().into(),
    }
}

impl RowReader for OpenSdg {
    fn read(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        if row.len() != self.columns.count {
            return Err(cells(row, self.columns.count));
        }
        let mut adjustments = Adjustments::default();
        let period = self.periods.read(row.cell(self.columns.year))?;
        let figure = self.figure(row, &mut adjustments)?;
        let (disaggregation, totals) = self.disaggregation(row, keys)?;
        adjustments.also(totals);
        self.area(row, &mut adjustments)?;
        // From here on nothing fails, so that only good rows name anything.
        let area = keys.area(&self.key, || match self.place(row) {
            ("", "") => AreaKey::Blank,
            (name, code) => AreaKey::Name { name: name.to_owned(), code: code.to_owned() },
        });
        let indicator = self.indicator(row, period, keys);
        let source = keys.source("");
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        Ok(ReadRow { line: row.line, series, period, figure, adjustments })
    }

    fn notices(&self) -> Vec<String> {
        let mut notices: Vec<_> = self.columns.unused.iter().map(|column| format!("column “{column}” is not read")).collect();
        if self.columns.code.is_some() && !self.by_code {
            notices.push("column “GeoCode” is not read: no scheme is named for its codes".to_owned());
        }
        notices
    }
}
