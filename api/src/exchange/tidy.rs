//! Tidy CSV: one figure a row, after the local statistics of the UK's Office for National Statistics.
//!
//! Columns, in any order: `areacd` (needed), `areanm`, `geography`, `indicator` (needed unless one is named for all rows),
//! `period` (needed), `observation` (needed), `measure`, `unit`, `lci_95`, `uci_95`, `status`, `notes`, `numerator`,
//! `denominator`, `confidentiality`, `embargo_until`, `external_id`, `source`, and `dim:NAME` for each dimension of a
//! disaggregation.

use std::borrow::Cow;

use domain::{
    observation::{Figure, ObservationStatus},
    period::Period,
};

use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, RowReader, SeriesKey, push},
    csv::{Header, Row},
    failure::{Failure, FailureCode},
    options::Options,
    report::{Adjustment, Adjustments, Reason},
    values::{self, Numbers, Periods},
};

mod write;

pub use write::Writer;

const AREA: &str = "areacd";
const OBSERVATION: &str = "observation";
const STATUS: &str = "status";
const DIMENSION: &str = "dim:";
const CONFIDENTIALITY: &str = "confidentiality";
const EMBARGO_UNTIL: &str = "embargo_until";
const EXTERNAL_ID: &str = "external_id";

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
    confidentiality: Option<usize>,
    embargo_until: Option<usize>,
    external_id: Option<usize>,
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
                CONFIDENTIALITY => &mut columns.confidentiality,
                EMBARGO_UNTIL => &mut columns.embargo_until,
                EXTERNAL_ID => &mut columns.external_id,
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
    Failure::new(FailureCode::MissingColumn, format!("there must be a column “{column}”{otherwise}"))
        .at(1)
        .in_column(column)
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
        let (numerator, denominator) = if value.is_none() && (numerator.is_some() || denominator.is_some()) {
            // They would give away what is withheld.
            adjustments.note(Adjustment::PartsWithheld);
            (None, None)
        } else {
            (numerator, denominator)
        };
        let text = |column| Some(row.optional(column)).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Figure {
            value,
            numerator,
            denominator,
            lower,
            upper,
            status,
            confidentiality: values::confidentiality(row.optional(columns.confidentiality), CONFIDENTIALITY)?,
            embargo_until: values::moment(row.optional(columns.embargo_until), EMBARGO_UNTIL)?,
            note: text(columns.notes),
            external_id: text(columns.external_id),
        })
    }

    fn disaggregation(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<(u32, Adjustments), Reason> {
        self.key.clear();
        for (_, column) in &self.columns.dimensions {
            push(&mut self.key, row.cell(*column));
        }
        keys.disaggregation(&self.key, || {
            let pairs = self.columns.dimensions.iter().map(|(name, column)| (name.as_str(), row.cell(*column)));
            let pairs: Vec<_> = pairs.filter(|(_, value)| !value.is_empty()).collect();
            let read = values::part(&pairs, |dimension| format!("{DIMENSION}{dimension}"))?;
            Ok((read, Adjustments::default()))
        })
    }

    fn check_names(&self, row: &Row<'_>) -> Result<(), Reason> {
        let columns = &self.columns;
        values::check_names(&[
            (AREA, row.cell(columns.area)),
            ("areanm", row.optional(columns.name)),
            ("geography", row.optional(columns.geography)),
            ("indicator", row.optional(columns.indicator)),
            ("measure", row.optional(columns.measure)),
            ("unit", row.optional(columns.unit)),
            ("source", row.optional(columns.source)),
        ])
    }

    fn indicator(&mut self, row: &Row<'_>, period: Period, keys: &mut Keys) -> u32 {
        let columns = &self.columns;
        let cells = [columns.indicator, columns.measure, columns.unit].map(|column| row.optional(column));
        self.key.clear();
        for cell in cells {
            push(&mut self.key, cell);
        }
        let [name, measure, unit] = cells;
        keys.indicator(&self.key, || IndicatorKey {
            name: name.to_owned(),
            title: String::new(),
            series: String::new(),
            measure: measure.to_owned(),
            unit: unit.to_owned(),
            frequency: period.kind(),
            decimals: values::decimals(row.cell(columns.observation)),
        })
    }
}

/// Whether publishers write this for no code.
fn is_none(code: &str) -> bool {
    ["na", "n/a"].iter().any(|none| code.eq_ignore_ascii_case(none))
}

/// The column that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    match field {
        "value" => OBSERVATION.into(),
        "lower" => "lci_95".into(),
        "upper" => "uci_95".into(),
        "note" => "notes".into(),
        "embargoUntil" => EMBARGO_UNTIL.into(),
        "externalId" => EXTERNAL_ID.into(),
        other => other.to_owned().into(),
    }
}

impl RowReader for Tidy {
    fn read(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        if row.len() != self.columns.count {
            return Err(cells(row, self.columns.count));
        }
        let code = row.cell(self.columns.area);
        if code.is_empty() || is_none(code) {
            return Err(Reason::plain("NO_CODE", AREA, "no area code"));
        }
        if self.columns.indicator.is_some_and(|column| row.cell(column).is_empty()) {
            return Err(Reason::plain("REQUIRED", "indicator", "no indicator"));
        }
        let period = self.periods.read(row.cell(self.columns.period))?;
        let mut adjustments = Adjustments::default();
        let figure = self.figure(row, &mut adjustments)?;
        self.check_names(row)?;
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
        Ok(ReadRow { line: row.line, column: None, series, period, figure, act: Act::Record, adjustments })
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;
    use crate::exchange::{
        batch::Batch,
        csv::{Next, Table},
        options::{Format, Options},
        reader::Input,
    };

    fn options() -> Options {
        let mut options = Options::new(Format::Tidy, "net".parse().unwrap(), "en".parse().unwrap());
        options.source = Some("ons".parse().unwrap());
        options
    }

    fn read(text: &str, options: &Options) -> Result<Batch, Failure> {
        let mut table = Table::open(Input::new(std::io::Cursor::new(text.to_owned()))?, b',')?;
        let mut tidy = Tidy::new(table.header(), options)?;
        let mut keys = Keys::default();
        while let Next::Row(row) = table.next()? {
            match tidy.read(&row, &mut keys) {
                Ok(read) => keys.batch.rows.push(read),
                Err(reason) => keys.batch.rejects.push((row.line, reason)),
            }
        }
        Ok(keys.take())
    }

    fn refused(header: &str) -> (FailureCode, Option<String>) {
        let failure = read(&format!("{header}\n"), &options()).unwrap_err();
        (failure.code, failure.column)
    }

    #[test]
    fn columns_stand_in_any_order() {
        let text = "notes,OBSERVATION, unit ,period,indicator,areacd,uci_95,lci_95,dim:Sex,numerator,denominator\n\
                    a note,12.5,%,2021-04-01/P1Y,Poverty,E1,13,12,F,1,8\n";
        let batch = read(text, &options()).unwrap();
        assert_eq!(batch.rejects, []);
        let row = &batch.rows[0];
        assert_eq!((row.line, row.period.to_string().as_str()), (2, "2021-04-01/P1Y"));
        assert_eq!((row.figure.value, row.figure.lower, row.figure.upper), (Some(12.5), Some(12.0), Some(13.0)));
        assert_eq!((row.figure.numerator, row.figure.denominator), (Some(1.0), Some(8.0)));
        assert_eq!(row.figure.note.as_deref(), Some("a note"));
        assert_eq!(batch.disaggregations[0].to_string(), "Sex=F");
        assert_eq!(
            (batch.indicators[0].name.as_str(), batch.indicators[0].unit.as_str(), batch.indicators[0].decimals),
            ("Poverty", "%", 1)
        );
    }

    #[test]
    fn a_header_that_is_not_understood_is_refused_and_its_column_named() {
        use FailureCode::{DuplicateColumn, MissingColumn, UnknownColumn};
        let column = |name: &str| Some(name.to_owned());
        assert_eq!(refused("areacd,period,indicator"), (MissingColumn, column("observation")));
        assert_eq!(refused("areacd,period,observation"), (MissingColumn, column("indicator")));
        assert_eq!(refused("areacd,period,observation,indicator,colour"), (UnknownColumn, column("colour")));
        assert_eq!(refused("areacd,period,observation,indicator,dim:"), (UnknownColumn, column("dim:")));
        assert_eq!(refused("areacd,period,observation,indicator,Period"), (DuplicateColumn, column("Period")));
        let mut without = options();
        without.source = None;
        assert_eq!(read("areacd,period,observation,indicator\n", &without).unwrap_err().column, column("source"));
        let mut ignoring = options();
        ignoring.ignored_columns.push("colour".into());
        assert!(read("areacd,period,observation,indicator,colour\n", &ignoring).is_ok());
    }

    #[test]
    fn a_bad_row_is_rejected_for_its_first_fault_and_names_nothing() {
        let text = "areacd,indicator,period,observation,status\n\
                    na,Poverty,2020,1,\n\
                    ,Poverty,2020,1,\n\
                    E1,,2020,1,\n\
                    E1,Poverty,sometime,1,\n\
                    E1,Poverty,2020,\"1,5\",\n\
                    E1,Poverty,2020,,\n\
                    E1,Poverty,2020,1,maybe\n\
                    E1,Poverty,2020,1\n";
        let batch = read(text, &options()).unwrap();
        let found: Vec<_> =
            batch.rejects.iter().map(|(line, reason)| (*line, reason.code, reason.column.as_ref())).collect();
        let expected = [
            (2, "NO_CODE", "areacd"),
            (3, "NO_CODE", "areacd"),
            (4, "REQUIRED", "indicator"),
            (5, "INVALID", "period"),
            (6, "INVALID", "observation"),
            (7, "REQUIRED", "observation"),
            (8, "INVALID", "status"),
            (9, "CELLS", ""),
        ];
        assert_eq!(found, expected);
        assert!(batch.areas.is_empty() && batch.indicators.is_empty() && batch.series.is_empty());
    }

    #[test]
    fn what_repeats_is_told_once() {
        let text = "areacd,areanm,indicator,period,observation\n\
                    E1,One,Poverty,2020,1\nE2,Two,Poverty,2020,2\nE1,One,Poverty,2021,3\n";
        let batch = read(text, &options()).unwrap();
        assert_eq!((batch.areas.len(), batch.indicators.len(), batch.series.len(), batch.rows.len()), (2, 1, 2, 3));
        assert_eq!(batch.rows.iter().map(|row| row.series).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(batch.rows[0].figure.status, ObservationStatus::Normal);
    }

    #[test]
    fn a_date_is_a_day() {
        let batch = read("areacd,indicator,period,observation\nE1,Poverty,2026-01-01,1\n", &options()).unwrap();
        assert_eq!(batch.rows[0].period.kind(), domain::period::PeriodKind::Day);
    }
}
