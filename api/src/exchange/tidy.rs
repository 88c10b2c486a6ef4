//! Tidy CSV: one figure a row, after the local statistics of the UK's Office for National Statistics.
//!
//! Columns, in any order: `areacd` (needed), `areanm`, `geography`, `indicator` (needed unless one is named for all rows),
//! `period` (needed), `observation` (needed), `measure`, `unit`, `lci_95`, `uci_95`, `status`, `notes`, `numerator`,
//! `denominator`, `source`, and `dim:NAME` for each dimension of a disaggregation.

use std::borrow::Cow;

use domain::{
    observation::{Figure, ObservationStatus},
    period::Period,
    series::Disaggregation,
};

use super::{
    batch::{AreaKey, IndicatorKey, Keys, ReadRow, RowReader, SeriesKey},
    csv::{Header, Row},
    failure::{Failure, FailureCode},
    options::Options,
    report::{Adjustments, Reason},
    values::{self, Numbers, Periods},
};

const AREA: &str = "areacd";
const OBSERVATION: &str = "observation";
const STATUS: &str = "status";
const DIMENSION: &str = "dim:";

/// Reads rows of tidy CSV.
pub struct Tidy {
    columns: Columns,
    periods: Periods,
    numbers: Numbers,
    // Kept from row to row so that nothing is allocated for a key that is known.
    key: String,
}

#[derive(Default)]
struct Columns {
    count: usize,
    area: usize,
    period: usize,
    observation: usize,
    name: Option<usize>,
    geography: Option<usize>,
    indicator: Option<usize>,
    measure: Option<usize>,
    unit: Option<usize>,
    lower: Option<usize>,
    upper: Option<usize>,
    status: Option<usize>,
    notes: Option<usize>,
    numerator: Option<usize>,
    denominator: Option<usize>,
    source: Option<usize>,
    dimensions: Vec<(String, usize)>,
}

impl Columns {
    fn read(header: &Header, options: &Options) -> Result<Self, Failure> {
        header.distinct(str::to_lowercase)?;
        let mut columns = Self { count: header.len(), ..Self::default() };
        let (mut area, mut period, mut observation) = (None, None, None);
        for (index, name) in header.names().enumerate() {
            if options.ignores(name) {
                continue;
            }
            let lower = name.to_lowercase();
            let slot = match lower.as_str() {
                AREA => &mut area,
                "period" => &mut period,
                OBSERVATION => &mut observation,
                "areanm" => &mut columns.name,
                "geography" => &mut columns.geography,
                "indicator" => &mut columns.indicator,
                "measure" => &mut columns.measure,
                "unit" => &mut columns.unit,
                "lci_95" => &mut columns.lower,
                "uci_95" => &mut columns.upper,
                STATUS => &mut columns.status,
                "notes" => &mut columns.notes,
                "numerator" => &mut columns.numerator,
                "denominator" => &mut columns.denominator,
                "source" => &mut columns.source,
                _ => match lower.strip_prefix(DIMENSION).and_then(|_| name.get(DIMENSION.len()..)).map(str::trim) {
                    Some(dimension) if !dimension.is_empty() => {
                        columns.dimensions.push((dimension.to_owned(), index));
                        continue;
                    }
                    _ => return Err(unknown(name)),
                },
            };
            *slot = Some(index);
        }
        columns.area = area.ok_or_else(|| missing(AREA, ""))?;
        columns.period = period.ok_or_else(|| missing("period", ""))?;
        columns.observation = observation.ok_or_else(|| missing(OBSERVATION, ""))?;
        if columns.indicator.is_none() && options.indicator.is_none() {
            return Err(missing("indicator", ", or name the indicator of all rows"));
        }
        if columns.source.is_none() && options.source.is_none() {
            return Err(missing("source", ", or name the source of all rows"));
        }
        Ok(columns)
    }
}

fn missing(column: &str, otherwise: &str) -> Failure {
    Failure::new(FailureCode::MissingColumn, format!("there must be a column “{column}”{otherwise}")).at(1).in_column(column)
}

fn unknown(name: &str) -> Failure {
    let message = "there is no such column in tidy CSV; write dim:NAME for a dimension, or have the column ignored";
    Failure::new(FailureCode::UnknownColumn, message).at(1).in_column(name)
}

impl Tidy {
    /// A reader for rows under this header.
    ///
    /// # Errors
    /// `UNKNOWN_COLUMN`, `DUPLICATE_COLUMN`, `MISSING_COLUMN`.
    pub fn new(header: &Header, options: &Options) -> Result<Self, Failure> {
        Ok(Self {
            columns: Columns::read(header, options)?,
            periods: Periods::new("period", |text| text.parse::<Period>().map_err(|error| error.to_string())),
            numbers: Numbers { decimal_comma: options.decimal_comma },
            key: String::new(),
        })
    }

    fn figure(&self, row: &Row<'_>, adjustments: &mut Adjustments) -> Result<Figure, Reason> {
        let columns = &self.columns;
        let value = self.numbers.read(row.cell(columns.observation), OBSERVATION, adjustments)?;
        let mut number = |column, name| self.numbers.read(row.optional(column), name, adjustments);
        let numerator = number(columns.numerator, "numerator")?;
        let denominator = number(columns.denominator, "denominator")?;
        let lower = number(columns.lower, "lci_95")?;
        let upper = number(columns.upper, "uci_95")?;
        let status: ObservationStatus =
            values::status(row.optional(columns.status), value.is_some(), (STATUS, OBSERVATION), adjustments)?;
        let note = Some(row.optional(columns.notes)).filter(|note| !note.is_empty()).map(str::to_owned);
        Ok(Figure { value, numerator, denominator, lower, upper, status, note, ..Figure::default() })
    }

    fn disaggregation(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<(u32, Adjustments), Reason> {
        self.key.clear();
        for (_, column) in &self.columns.dimensions {
            self.key.push_str(row.cell(*column));
            self.key.push('\u{1f}');
        }
        keys.disaggregation(&self.key, || {
            let pairs = self.columns.dimensions.iter().map(|(name, column)| (name.as_str(), row.cell(*column)));
            let read = Disaggregation::new(pairs.filter(|(_, value)| !value.is_empty()));
            let read = read.map_err(|error| Reason::detailed("INVALID", DIMENSION, "not a disaggregation", error.to_string()))?;
            Ok((read, Adjustments::default()))
        })
    }

    fn indicator(&mut self, row: &Row<'_>, period: Period, keys: &mut Keys) -> u32 {
        let columns = &self.columns;
        let cells = [columns.indicator, columns.measure, columns.unit].map(|column| row.optional(column));
        self.key.clear();
        for cell in cells {
            self.key.push_str(cell);
            self.key.push('\u{1f}');
        }
        let [name, measure, unit] = cells;
        keys.indicator(&self.key, || IndicatorKey {
            name: name.to_owned(),
            series: String::new(),
            measure: measure.to_owned(),
            unit: unit.to_owned(),
            frequency: period.kind(),
            decimals: values::decimals(row.cell(columns.observation)),
        })
    }
}

/// The column that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    match field {
        "value" => OBSERVATION.into(),
        "lower" => "lci_95".into(),
        "upper" => "uci_95".into(),
        "note" => "notes".into(),
        other => other.to_owned().into(),
    }
}

impl RowReader for Tidy {
    fn read(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        if row.len() != self.columns.count {
            return Err(cells(row, self.columns.count));
        }
        let code = row.cell(self.columns.area);
        if code.is_empty() || ["na", "n/a"].iter().any(|none| code.eq_ignore_ascii_case(none)) {
            return Err(Reason::plain("NO_CODE", AREA, "no area code"));
        }
        if self.columns.indicator.is_some_and(|column| row.cell(column).is_empty()) {
            return Err(Reason::plain("REQUIRED", "indicator", "no indicator"));
        }
        let period = self.periods.read(row.cell(self.columns.period))?;
        let mut adjustments = Adjustments::default();
        let figure = self.figure(row, &mut adjustments)?;
        let (disaggregation, _) = self.disaggregation(row, keys)?;
        // From here on nothing fails, so that only good rows name anything.
        let area = keys.area(code, || AreaKey::Code {
            code: code.to_owned(),
            name: row.optional(self.columns.name).to_owned(),
            geography: row.optional(self.columns.geography).to_owned(),
        });
        let indicator = self.indicator(row, period, keys);
        let source = keys.source(row.optional(self.columns.source));
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        Ok(ReadRow { line: row.line, series, period, figure, adjustments })
    }

    fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a row with another number of cells than the header is not kept.
pub fn cells(row: &Row<'_>, expected: usize) -> Reason {
    let kind = "the row has not as many cells as the header";
    Reason::detailed("CELLS", "", kind, format!("the row has {} cells and the header {expected}", row.len()))
}
