//! Full tables of Statistics Canada, as its web site gives them for download (`NNNNNNNN.csv`, English or French).
//!
//! One figure a row. `REF_DATE` and `VALUE` are needed; `GEO` names the community and `DGUID` is its code in the scheme of
//! `--code-scheme`; `UOM` with the number of the table tells the indicator; `SCALAR_ID` (else `SCALAR_FACTOR`) says by which
//! power of ten values are multiplied; `STATUS`, `SYMBOL` and `TERMINATED` hold symbols. Every other column but the numbers of
//! vectors and coordinates is a dimension of the disaggregation.
//!
//! | symbol | what it means | status |
//! |---|---|---|
//! | `..` | not available for a specific reference period | O |
//! | `...` | not applicable | M |
//! | `x` | suppressed to meet the confidentiality requirements of the Statistics Act | Q |
//! | `F` | too unreliable to be published | Q |
//! | `E` | use with caution | U |
//! | `p` | preliminary | P |
//! | `A` `B` `C` `D` | data quality excellent to acceptable | A, with a note |
//! | `r` `t` `0s` | revised, terminated, rounded to 0 | A |
//!
//! `<LOD` (less than the limit of detection) says neither a value nor that there is none, and is rejected.

use std::borrow::Cow;

use domain::{
    fold::fold,
    observation::{Figure, ObservationStatus},
    period::{Period, PeriodError, PeriodKind},
};

use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, RowReader, SeriesKey, push},
    csv::{Header, Row},
    failure::{Failure, FailureCode},
    mapped::clean,
    options::{Options, Total},
    report::{Adjustment, Adjustments, Reason},
    tidy::cells,
    values::{self, Numbers, Periods},
};

#[cfg(test)]
mod tests;

const REF_DATE: &str = "REF_DATE";
const VALUE: &str = "VALUE";
const GEO: &str = "GEO";
const STATUS: &str = "STATUS";
const SCALAR: &str = "SCALAR_FACTOR";

/// Reads rows of a full table.
pub struct Statcan {
    columns: Columns,
    periods: Periods,
    numbers: Numbers,
    totals: Vec<Total>,
    blank_geography: bool,
    by_code: bool,
    months: Months,
    key: String,
}

#[derive(Default)]
struct Columns {
    count: usize,
    date: usize,
    value: usize,
    geography: Option<usize>,
    code: Option<usize>,
    unit: Option<usize>,
    scalar: Option<usize>,
    scalar_factor: Option<usize>,
    symbols: Vec<usize>,
    decimals: Option<usize>,
    dimensions: Vec<(String, usize)>,
}

/// Whether the months read are those that quarters begin in: tables by quarter write them so too.
#[derive(Default)]
struct Months {
    /// Whether the frequency is declared.
    told: bool,
    first_of_quarter: u64,
    others: bool,
}

impl Columns {
    fn read(header: &Header, options: &Options) -> Result<Self, Failure> {
        if header.len() == 1 && header.name(0).contains(';') {
            let message = "its cells are set apart by semicolons, as French tables are: give the delimiter ;";
            return Err(Failure::new(FailureCode::MissingColumn, message).at(1).in_column(REF_DATE));
        }
        header.distinct(fold)?;
        let mut columns = Self { count: header.len(), ..Self::default() };
        let (mut date, mut value) = (None, None);
        for (index, name) in header.names().enumerate() {
            if options.ignores(name) {
                continue;
            }
            match fold(name).as_str() {
                "ref_date" | "periode de reference" => date = Some(index),
                "value" | "valeur" => value = Some(index),
                "geo" => columns.geography = Some(index),
                "dguid" => columns.code = Some(index),
                "uom" | "unite de mesure" => columns.unit = Some(index),
                "scalar_id" | "identificateur scalaire" => columns.scalar = Some(index),
                "scalar_factor" | "facteur scalaire" => columns.scalar_factor = Some(index),
                "status" | "statut" | "symbol" | "symbole" | "terminated" | "termine" => columns.symbols.push(index),
                "decimals" | "decimales" => columns.decimals = Some(index),
                "vector" | "vecteur" | "coordinate" | "coordonnee" | "coordonnees" | "uom_id" => {}
                id if id.starts_with("identificateur d") => {}
                _ => columns.dimensions.push((name.to_owned(), index)),
            }
        }
        let missing = |column: &str| {
            let message = format!("there must be a column “{column}”");
            Failure::new(FailureCode::MissingColumn, message).at(1).in_column(column)
        };
        columns.date = date.ok_or_else(|| missing(REF_DATE))?;
        columns.value = value.ok_or_else(|| missing(VALUE))?;
        Ok(columns)
    }
}

/// The number of the table that a file holds: `18100204.csv` and `18100204-fra.csv` hold 18100204.
///
/// # Errors
/// `FILE_NAME` for any other name.
pub fn table_of(name: &str) -> Result<&str, Failure> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = super::reader::stem(file).filter(|stem| !stem.to_ascii_lowercase().contains("metadata"));
    stem.and_then(|stem| stem.get(..8).filter(|_| !stem.as_bytes().get(8).is_some_and(u8::is_ascii_digit)))
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| {
            let message = "a table is called by the eight digits of its number; otherwise name the indicator";
            Failure::new(FailureCode::Name, message)
        })
}

/// Whether a file in a folder is a full table.
pub fn is_table(name: &str) -> bool {
    table_of(name).is_ok()
}

/// The kind of period that the publisher's word for how often means, where a date alone does not say it.
pub fn frequency(word: &str) -> Option<PeriodKind> {
    match fold(word).as_str() {
        "quarterly" | "trimestriel" | "trimestrielle" => Some(PeriodKind::Quarter),
        "semi-annual" | "semestriel" | "semestrielle" => Some(PeriodKind::HalfYear),
        "monthly" | "mensuel" | "mensuelle" => Some(PeriodKind::Month),
        _ => None,
    }
}

/// Reads a reference date. Two digits after a hyphen are always a month here, fiscal years have a stroke: `2009-10` and
/// `2009/2010`. In a table by quarter or half year the month is the first of it.
fn period(text: &str, frequency: Option<PeriodKind>, fiscal_year_start: Option<u32>) -> Result<Period, String> {
    let read = text
        .parse()
        .or_else(|_| Period::parse_year_span(text, fiscal_year_start))
        .map_err(|error: PeriodError| error.to_string())?;
    let months = match frequency {
        Some(PeriodKind::Quarter) => 3,
        Some(PeriodKind::HalfYear) => 6,
        _ => return Ok(read),
    };
    if read.kind() != PeriodKind::Month {
        return Ok(read);
    }
    let start = read.start();
    let end = start.checked_add_months(chrono::Months::new(months));
    let end = end.ok_or_else(|| format!("“{text}” is not a period"))?;
    let whole = Period::from_dates(start, end).map_err(|error| error.to_string())?;
    if Some(whole.kind()) == frequency {
        Ok(whole)
    } else {
        Err(format!("“{text}” begins no period of {months} months"))
    }
}

/// What a symbol says.
enum Symbol {
    Status(ObservationStatus),
    Quality(&'static str),
    Nothing,
}

fn symbol(text: &str) -> Option<Symbol> {
    use ObservationStatus as S;
    Some(match text {
        "" | "r" | "t" | "0s" => Symbol::Nothing,
        ".." => Symbol::Status(S::Missing),
        "..." => Symbol::Status(S::CannotExist),
        "x" | "X" | "F" => Symbol::Status(S::Suppressed),
        "E" => Symbol::Status(S::LowReliability),
        "p" => Symbol::Status(S::Provisional),
        "A" => Symbol::Quality("data quality: excellent"),
        "B" => Symbol::Quality("data quality: very good"),
        "C" => Symbol::Quality("data quality: good"),
        "D" => Symbol::Quality("data quality: acceptable"),
        _ => return None,
    })
}

/// The power of ten that a word for a scale means.
fn power(word: &str) -> Option<i32> {
    Some(match fold(word).as_str() {
        "" | "units" | "unites" => 0,
        "tens" | "dizaines" => 1,
        "hundreds" | "centaines" => 2,
        "thousands" | "milliers" => 3,
        "tens of thousands" | "dizaines de milliers" => 4,
        "hundreds of thousands" | "centaines de milliers" => 5,
        "millions" => 6,
        "tens of millions" | "dizaines de millions" => 7,
        "hundreds of millions" | "centaines de millions" => 8,
        "billions" | "milliards" => 9,
        _ => return None,
    })
}

impl Statcan {
    /// A reader for rows under this header.
    ///
    /// # Errors
    /// `MISSING_COLUMN`, `DUPLICATE_COLUMN`, `UNKNOWN_COLUMN` for one without a name.
    pub fn new(header: &Header, options: &Options) -> Result<Self, Failure> {
        let (frequency, start) = (options.frequency, options.fiscal_year_start);
        Ok(Self {
            columns: Columns::read(header, options)?,
            periods: Periods::new(REF_DATE, move |text| period(text, frequency, start)),
            numbers: Numbers { decimal_comma: options.decimal_comma },
            totals: options.totals.clone(),
            blank_geography: options.blank_geography.is_some(),
            by_code: options.code_scheme.is_some(),
            months: Months { told: frequency.is_some(), ..Months::default() },
            key: String::new(),
        })
    }

    /// The power of ten that the row's value is multiplied by.
    fn power(&self, row: &Row<'_>) -> Result<i32, Reason> {
        let id = row.optional(self.columns.scalar);
        let word = row.optional(self.columns.scalar_factor);
        let power = if id.is_empty() { power(word) } else { id.parse().ok().filter(|power| (0..=9).contains(power)) };
        power.ok_or_else(|| {
            let kind = "not a scale of Statistics Canada";
            let shown = values::shown(if id.is_empty() { word } else { id });
            Reason::detailed("UNIT", SCALAR, kind, format!("“{shown}” is {kind}"))
        })
    }

    fn figure(&self, row: &Row<'_>, adjustments: &mut Adjustments) -> Result<Figure, Reason> {
        let columns = &self.columns;
        let value = self.numbers.read(row.cell(columns.value), VALUE, adjustments)?;
        let (mut status, mut quality) = (None, None);
        for &column in &columns.symbols {
            let cell = row.cell(column);
            match symbol(cell) {
                Some(Symbol::Status(found)) => status = status.or(Some(found)),
                Some(Symbol::Quality(found)) => quality = Some(found),
                Some(Symbol::Nothing) => {}
                None => {
                    let kind = "a symbol that says neither a value nor why there is none";
                    return Err(Reason::detailed(
                        "INVALID",
                        STATUS,
                        kind,
                        format!("“{}”: {kind}", values::shown(cell)),
                    ));
                }
            }
        }
        let status = match status {
            Some(status) => {
                adjustments.note(Adjustment::Symbol);
                status
            }
            None => values::status("", value.is_some(), (STATUS, VALUE), adjustments)?,
        };
        let power = self.power(row)?;
        let value = value.map(|value| if power == 0 { value } else { clean(value * 10_f64.powi(power)) });
        if power != 0 && value.is_some() {
            adjustments.note(Adjustment::Multiplied);
        }
        Ok(Figure { value, status, note: quality.map(str::to_owned), ..Figure::default() })
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
                let value = row.cell(*column);
                if self.totals.iter().any(|total| total.is(name, value)) {
                    adjustments.note(Adjustment::Total);
                } else if !value.is_empty() {
                    pairs.push((name.as_str(), value));
                }
            }
            Ok((values::part(&pairs, str::to_owned)?, adjustments))
        })
    }

    /// The name and code of the row's place.
    fn place<'a>(&self, row: &Row<'a>) -> (&'a str, &'a str) {
        let code = if self.by_code { row.optional(self.columns.code) } else { "" };
        (row.optional(self.columns.geography), code)
    }
}

/// The column that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    match field {
        "value" => VALUE.into(),
        "period" => REF_DATE.into(),
        "status" => STATUS.into(),
        other => other.to_owned().into(),
    }
}

impl RowReader for Statcan {
    fn read(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        if row.len() != self.columns.count {
            return Err(cells(row, self.columns.count));
        }
        let mut adjustments = Adjustments::default();
        let period = self.periods.read(row.cell(self.columns.date))?;
        let figure = self.figure(row, &mut adjustments)?;
        let power = self.power(row)?;
        let (name, code) = self.place(row);
        let unit = row.optional(self.columns.unit);
        values::check_names(&[(GEO, name), ("DGUID", code), ("UOM", unit)])?;
        let (disaggregation, totals) = self.disaggregation(row, keys)?;
        adjustments.also(totals);
        if name.is_empty() && code.is_empty() {
            if !self.blank_geography {
                let kind = "no community is named, and none is given for such rows";
                return Err(Reason::plain("REQUIRED", GEO, kind));
            }
            adjustments.note(Adjustment::BlankGeography);
        }
        if period.kind() == PeriodKind::Month {
            let first = matches!(chrono::Datelike::month(&period.start()), 1 | 4 | 7 | 10);
            self.months.first_of_quarter += u64::from(first);
            self.months.others |= !first;
        }
        self.key.clear();
        push(&mut self.key, name);
        push(&mut self.key, code);
        // From here on nothing fails, so that only good rows name anything.
        let area = keys.area(&self.key, || match (name, code) {
            ("", "") => AreaKey::Blank,
            (name, code) => AreaKey::Name { name: name.to_owned(), code: code.to_owned() },
        });
        let written = || values::decimals(row.cell(self.columns.value));
        let decimals = row.optional(self.columns.decimals).parse().unwrap_or_else(|_| written());
        let indicator = keys.indicator(unit, || IndicatorKey {
            name: String::new(),
            title: String::new(),
            series: String::new(),
            measure: String::new(),
            unit: unit.to_owned(),
            frequency: period.kind(),
            decimals: decimals.saturating_sub(power).max(0),
        });
        let source = keys.source("");
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        Ok(ReadRow { line: row.line, column: None, series, period, figure, act: Act::Record, adjustments })
    }

    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.columns.code.is_some() && !self.by_code {
            notices.push("column “DGUID” is not read: no scheme is named for its codes".to_owned());
        }
        if !self.months.told && !self.months.others && self.months.first_of_quarter > 1 {
            let message = "every REF_DATE is a first month of a quarter and was read as a month: say --frequency QUARTER if the table is quarterly";
            notices.push(message.to_owned());
        }
        notices
    }
}
