//! Open SDG: a file for each indicator (docs/data-format.md of open-sdg/open-sdg).
//!
//! `Year` and `Value` are needed. `Geography` (or another column that is named for it) and `GeoCode` say which community;
//! `Series` and `Units` make an indicator of their own; `Observation status`, `COMMENT_OBS` and `Unit multiplier` describe
//! the figure. Every other column is a dimension of the disaggregation, in which a blank cell means no breakdown. Column
//! names and cells may carry the prefix `data.`.

use std::borrow::Cow;

use domain::{
    observation::{Figure, ObservationStatus},
    period::Period,
};

use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, RowReader, SeriesKey, push},
    csv::{Header, Row},
    failure::{Failure, FailureCode},
    options::{Options, Total},
    report::{Adjustment, Adjustments, Reason},
    tidy::cells,
    values::{self, Numbers, Periods},
};

mod write;

pub use write::Writer;

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

/// Whether a column of this name is read as a dimension of this name.
fn is_dimension(name: &str) -> bool {
    const OTHERS: [&str; 12] = [
        YEAR,
        VALUE,
        GEOGRAPHY,
        "GeoCode",
        "Series",
        "Units",
        "Unit measure",
        "UNIT_MEASURE",
        STATUS,
        COMMENT,
        "Unit multiplier",
        "SERIES",
    ];
    let taken = |names: &[&str]| names.iter().any(|taken| name.eq_ignore_ascii_case(taken));
    bare(name) == name && !taken(&OTHERS) && !taken(&UNUSED)
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
    super::reader::stem(file)
        .and_then(|stem| stem.strip_prefix("indicator_"))
        .filter(|code| !code.is_empty())
        .ok_or_else(|| {
            Failure::new(
                FailureCode::Name,
                "an Open SDG file is called indicator_CODE.csv; otherwise name the indicator",
            )
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
            return Err(Reason::detailed(
                "UNIT",
                "Unit multiplier",
                kind,
                format!("“{}”: {kind}", values::shown(multiplier)),
            ));
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
            push(&mut self.key, row.cell(*column));
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
            Ok((values::part(&pairs, str::to_owned)?, adjustments))
        })
    }

    fn check_names(&self, row: &Row<'_>) -> Result<(), Reason> {
        let columns = &self.columns;
        let (name, code) = self.place(row);
        let (series, units) = (row.optional(columns.series), row.optional(columns.units));
        values::check_names(&[(GEOGRAPHY, name), ("GeoCode", code), ("Series", series), ("Units", units)])
    }

    /// Finds how the row names its community, and leaves it in `key`.
    fn area(&mut self, row: &Row<'_>, adjustments: &mut Adjustments) -> Result<(), Reason> {
        let (name, code) = self.place(row);
        self.key.clear();
        push(&mut self.key, name);
        push(&mut self.key, code);
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
        push(&mut self.key, series);
        push(&mut self.key, units);
        keys.indicator(&self.key, || IndicatorKey {
            name: String::new(),
            title: String::new(),
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
        self.check_names(row)?;
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
        Ok(ReadRow { line: row.line, column: None, series, period, figure, act: Act::Record, adjustments })
    }

    fn notices(&self) -> Vec<String> {
        let mut notices: Vec<_> =
            self.columns.unused.iter().map(|column| format!("column “{column}” is not read")).collect();
        if self.columns.code.is_some() && !self.by_code {
            notices.push("column “GeoCode” is not read: no scheme is named for its codes".to_owned());
        }
        notices
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;
    use crate::exchange::{
        batch::Batch,
        csv::{Next, Table},
        options::Format,
        reader::Input,
    };

    fn options() -> Options {
        let mut options = Options::new(Format::OpenSdg, "net".parse().unwrap(), "en".parse().unwrap());
        options.blank_geography = Some("canada".parse().unwrap());
        options.totals = vec!["Gender=All genders".parse().unwrap(), "Total".parse().unwrap()];
        options
    }

    fn read(text: &str, options: &Options) -> Result<(Batch, Vec<String>), Failure> {
        let mut table = Table::open(Input::new(std::io::Cursor::new(text.to_owned()))?, b',')?;
        let mut rows = OpenSdg::new(table.header(), options)?;
        let mut keys = Keys::default();
        while let Next::Row(row) = table.next()? {
            match rows.read(&row, &mut keys) {
                Ok(read) => keys.batch.rows.push(read),
                Err(reason) => keys.batch.rejects.push((row.line, reason)),
            }
        }
        Ok((keys.take(), rows.notices()))
    }

    #[test]
    fn the_name_of_a_file_tells_its_indicator() {
        for (name, code) in [("indicator_1-1-1.csv", "1-1-1"), ("/a/b/indicator_16-2-1.csv.gz", "16-2-1")] {
            assert_eq!(indicator_of(name), Ok(code));
        }
        for name in ["geocodes.csv", "indicator_.csv", "indicator_1-1-1.txt", "x/indicator_1-1-1"] {
            assert_eq!(indicator_of(name).unwrap_err().code, FailureCode::Name, "{name}");
        }
    }

    #[test]
    fn blank_and_total_cells_are_left_out_of_the_disaggregation() {
        let text = "Year,data.Geography,data.Age group,Gender,Value\n\
                    2015,data.Manitoba,Total,All genders,9.5\n\
                    2015,data.Manitoba,,,9.5\n\
                    2015,data.Manitoba,data.15 to 24 years,Women+,9.7\n";
        let (batch, notices) = read(text, &options()).unwrap();
        assert_eq!(batch.rejects, []);
        assert!(notices.is_empty());
        let parts: Vec<_> = batch.disaggregations.iter().map(ToString::to_string).collect();
        assert_eq!(parts, ["", "Age group=15 to 24 years;Gender=Women+"]);
        assert_eq!(batch.areas, [AreaKey::Name { name: "Manitoba".into(), code: String::new() }]);
        assert_eq!(batch.rows.iter().map(|row| row.series).collect::<Vec<_>>(), [0, 0, 1]);
        assert_ne!(batch.rows[0].adjustments, batch.rows[1].adjustments);
    }

    #[test]
    fn a_blank_place_is_the_one_given_or_none() {
        let text = "Year,Geography,Value\n2015,,14.5\n";
        let (batch, _) = read(text, &options()).unwrap();
        assert_eq!(batch.areas, [AreaKey::Blank]);
        let mut without = options();
        without.blank_geography = None;
        let (batch, _) = read(text, &without).unwrap();
        assert_eq!(batch.rejects[0].1.code, "REQUIRED");
        let (batch, _) = read("Year,Value\n2015,14.5\n", &without).unwrap();
        assert_eq!((batch.rejects[0].0, batch.rejects[0].1.column.as_ref()), (2, "Geography"));
    }

    #[test]
    fn codes_are_read_where_their_scheme_is_declared() {
        let text = "Year,Geography,Geocode,Value\n2015,Manitoba,46,9.5\n";
        let (batch, notices) = read(text, &options()).unwrap();
        assert_eq!(batch.areas, [AreaKey::Name { name: "Manitoba".into(), code: String::new() }]);
        assert_eq!(notices.len(), 1);
        let mut declared = options();
        declared.code_scheme = Some("statcan:PRUID".parse().unwrap());
        let (batch, notices) = read(text, &declared).unwrap();
        assert_eq!(batch.areas, [AreaKey::Name { name: "Manitoba".into(), code: "46".into() }]);
        assert!(notices.is_empty());
    }

    #[test]
    fn series_and_units_are_indicators_of_their_own() {
        let text = "Year,Series,Units,COMMENT_TS,Value\n2016,By species,,x,1\n2016,,Percentage,x,2\n2016,,,x,3\n";
        let (batch, notices) = read(text, &options()).unwrap();
        let found: Vec<_> = batch.indicators.iter().map(|key| (key.series.as_str(), key.unit.as_str())).collect();
        assert_eq!(found, [("By species", ""), ("", "Percentage"), ("", "")]);
        assert_eq!(notices, ["column “COMMENT_TS” is not read"]);
    }

    #[test]
    fn a_blank_value_is_missing_and_multiples_are_refused() {
        use ObservationStatus as S;
        let text = "Year,Unit multiplier,Observation status,COMMENT_OBS,Value\n\
                    2015,Units,,,\n2015,3,,,1\n2015,0,P,early,1\n2015,,Q,,\n";
        let (batch, _) = read(text, &options()).unwrap();
        let found: Vec<_> = batch.rows.iter().map(|row| (row.figure.status, row.figure.note.as_deref())).collect();
        assert_eq!(found, [(S::Missing, None), (S::Provisional, Some("early")), (S::Suppressed, None)]);
        assert_eq!((batch.rejects[0].0, batch.rejects[0].1.code), (3, "UNIT"));
    }

    #[test]
    fn headers_that_cannot_be_understood_are_refused() {
        let refused = |header: &str| read(&format!("{header}\n1\n"), &options()).unwrap_err().code;
        assert_eq!(refused("Geography,Value"), FailureCode::MissingColumn);
        assert_eq!(refused("Year,Geography"), FailureCode::MissingColumn);
        assert_eq!(refused("Year,Geography,data.Geography,Value"), FailureCode::DuplicateColumn);
        assert_eq!(refused("Year,GeoCode,Geocode,Value"), FailureCode::DuplicateColumn);
        assert_eq!(refused("Year,,Value"), FailureCode::UnknownColumn);
    }

    #[test]
    fn years_are_read_in_every_form_that_has_one_meaning() {
        let text = "Year,Value\n2015,1\n2015 Q4,1\n2016-2018,1\n2014/2015,1\n";
        let (batch, _) = read(text, &options()).unwrap();
        let found: Vec<_> = batch.rows.iter().map(|row| row.period.to_string()).collect();
        assert_eq!(found, ["2015", "2015-Q4", "2016-01-01/P3Y"]);
        assert_eq!(batch.rejects[0].1.column, "Year");
        let mut fiscal = options();
        fiscal.fiscal_year_start = Some(4);
        let (batch, _) = read(text, &fiscal).unwrap();
        assert_eq!(batch.rows[3].period.to_string(), "2014-04-01/P1Y");
    }
}
