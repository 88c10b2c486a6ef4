//! Tables of any make, read by a column mapping ([`domain::mapping`]): a row may say many figures, one in each column of
//! values. Memory grows with the width of the table and not with its length.

mod bind;
mod numbers;
#[cfg(test)]
mod tests;

use domain::{
    mapping::ColumnMapping,
    observation::{Figure, NOTE_LENGTH, ObservationStatus},
    period::Period,
};

pub use self::numbers::clean;
use self::{
    bind::{Bound, Column, Plan},
    numbers::Numbers,
};
use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, SeriesKey, push},
    csv::{Header, Next, Row, Table},
    failure::{Failure, FailureCode},
    reader::Input,
    report::{Adjustment, Adjustments, LEFT_OUT, Reason},
    sink::Sink,
    tidy::cells,
    values::{self, Periods},
};

/// Columns that are named among those not read.
const MOST_NAMED: usize = 20;
/// The column that problems with a community are told of where no column names it.
pub const COMMUNITY: &str = "community";

/// Reads rows by a mapping.
pub struct Mapped<'a> {
    mapping: &'a ColumnMapping,
    plan: Plan<'a>,
    numbers: Numbers,
    periods: Vec<Periods>,
    // Kept from figure to figure so that nothing is allocated for a key that is known.
    key: String,
    value: String,
}

impl<'a> Mapped<'a> {
    /// A reader for rows under this header.
    ///
    /// # Errors
    /// `MISSING_COLUMN`, `DUPLICATE_COLUMN`, `UNKNOWN_COLUMN`.
    pub fn new(header: &Header, mapping: &'a ColumnMapping) -> Result<Self, Failure> {
        let plan = Plan::new(mapping, header)?;
        let reader = |columns: &domain::mapping::PeriodColumns| {
            let (format, start) = (columns.format.clone(), columns.fiscal_year_start);
            Periods::new("period", move |text| match &format {
                Some(format) => {
                    format.read(text).ok_or_else(|| format!("“{}” is not written as {format}", values::shown(text)))
                }
                None => Period::parse_year_span(text, start).map_err(|error| error.to_string()),
            })
        };
        let periods = plan.periods.iter().copied().map(reader).collect();
        Ok(Self { mapping, plan, numbers: Numbers(mapping.numbers), periods, key: String::new(), value: String::new() })
    }

    /// Hears every figure of a row; one reason for all of them if the row itself is at fault.
    fn row(&mut self, row: &Row<'_>, keys: &mut Keys, mut hear: impl FnMut(Result<ReadRow, Reason>)) {
        if row.len() != self.plan.cells {
            return hear(Err(cells(row, self.plan.cells)));
        }
        for rule in &self.plan.rules {
            let (cell, told) = (row.cell(rule.column), &rule.said);
            if told.values.contains(cell) || !(told.except.is_empty() || told.except.contains(cell)) {
                return hear(Err(Reason::plain(LEFT_OUT, told.column.clone(), told.because.clone())));
            }
        }
        let columns = std::mem::take(&mut self.plan.columns);
        for column in &columns {
            hear(self.figure(row, column, keys));
        }
        self.plan.columns = columns;
    }

    /// The figure of a column.
    fn figure(&mut self, row: &Row<'_>, column: &Column<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        let cell = row.cell(column.value);
        if cell.is_empty() && self.mapping.leave_out_blank && !self.mapping.missing.contains_key("") {
            return Err(Reason::plain(LEFT_OUT, column.name.to_string(), "a blank cell"));
        }
        let mut adjustments = Adjustments::default();
        let period = self.period(row, column)?;
        let figure = self.says(row, column, &mut adjustments)?;
        let (disaggregation, totals) = self.disaggregation(row, column, keys)?;
        adjustments.also(totals);
        let indicator = IndicatorKey {
            name: Self::needed(row, &column.indicator.code, "indicator")?,
            title: column.indicator.name.text(row)?,
            series: String::new(),
            measure: column.indicator.measure.clone(),
            unit: column.indicator.unit.text(row)?,
            frequency: period.kind(),
            decimals: column.indicator.decimals.unwrap_or_else(|| values::decimals(cell)),
        };
        let source = column.source.text(row)?;
        let area = self.area(row, column)?;
        // From here on nothing fails, so that only good figures name anything.
        let area = keys.area(&self.key, || area);
        self.key.clear();
        for part in [&indicator.name, &indicator.unit] {
            push(&mut self.key, part);
        }
        let indicator = keys.indicator(&self.key, || indicator);
        let source = keys.source(&source);
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        let column = Some(column.name.clone());
        Ok(ReadRow { line: row.line, column, series, period, figure, act: Act::Record, adjustments })
    }

    fn period(&mut self, row: &Row<'_>, column: &Column<'_>) -> Result<Period, Reason> {
        self.key.clear();
        column.period.write(row, &mut self.key)?;
        let named = |reason: Reason| reason.in_column(column.period.named("period"));
        match self.periods.get_mut(column.reader) {
            Some(periods) => periods.read(&self.key).map_err(named),
            None => Err(Reason::plain("REQUIRED", "period", "no period")),
        }
    }

    /// The value with all that describes it.
    fn says(&self, row: &Row<'_>, column: &Column<'_>, adjustments: &mut Adjustments) -> Result<Figure, Reason> {
        let name = &*column.name;
        let cell = row.cell(column.value);
        let token = self.mapping.missing.get(cell).copied();
        let value = if token.is_some() { None } else { self.numbers.read(cell, name, adjustments)? };
        let status = Self::status(row, column, (value.is_some(), token), adjustments)?;
        let multiplier = Self::multiplier(row, column)?;
        if multiplier.is_some() && value.is_some() {
            adjustments.note(Adjustment::Multiplied);
        }
        let scaled = |number: f64| multiplier.map_or(number, |multiplier| clean(number * multiplier));
        let mut number = |place: Option<usize>, what: &str| {
            // What stands for no value says as little about it as a blank cell.
            let cell = Some(row.optional(place)).filter(|cell| !self.mapping.missing.contains_key(*cell));
            self.numbers.read(cell.unwrap_or_default(), &format!("{name}, {what}"), adjustments)
        };
        let lower = number(column.lower, "lower")?.map(scaled);
        let upper = number(column.upper, "upper")?.map(scaled);
        let numerator = number(column.numerator, "numerator")?;
        let denominator = number(column.denominator, "denominator")?;
        let value = value.map(scaled);
        let (numerator, denominator) = if value.is_none() && (numerator.is_some() || denominator.is_some()) {
            // They would give away what is withheld.
            adjustments.note(Adjustment::PartsWithheld);
            (None, None)
        } else {
            (numerator, denominator)
        };
        let mut stretched = |limit: Option<f64>| match (limit, value, column.stretch) {
            (Some(limit), Some(value), Some(stretch)) => {
                adjustments.note(Adjustment::LimitsMoved);
                Some(clean(value + (limit - value) * stretch))
            }
            _ => limit,
        };
        let (lower, upper) = (stretched(lower), stretched(upper));
        let note = Self::note(row, column)?;
        let confidentiality = column.confidentiality.text(row)?;
        let confidentiality = match confidentiality.as_str() {
            "" => Figure::default().confidentiality,
            letter => letter.parse().map_err(|_| {
                let kind = "not a letter of the SDMX list CL_CONF_STATUS";
                let column = column.confidentiality.named("confidentiality");
                Reason::detailed("INVALID", column, kind, format!("“{}” is {kind}", values::shown(letter)))
            })?,
        };
        Ok(Figure { value, numerator, denominator, lower, upper, status, confidentiality, note, ..Figure::default() })
    }

    /// The status that the row gives, else that of the cell that stands for no value.
    fn status(
        row: &Row<'_>,
        column: &Column<'_>,
        (has_value, token): (bool, Option<ObservationStatus>),
        adjustments: &mut Adjustments,
    ) -> Result<ObservationStatus, Reason> {
        let text = column.status.text(row)?;
        match token {
            Some(status) if text.is_empty() => {
                adjustments.note(Adjustment::MissingToken);
                Ok(status)
            }
            _ => values::status(&text, has_value, ("status", "value"), adjustments).map_err(|reason| {
                let named = match reason.column.as_ref() {
                    "status" => column.status.named("status"),
                    _ => column.name.to_string(),
                };
                reason.in_column(named)
            }),
        }
    }

    /// The note, which each figure of the row has a copy of.
    fn note(row: &Row<'_>, column: &Column<'_>) -> Result<Option<String>, Reason> {
        let mut note = String::new();
        // A letter takes up to four bytes.
        column.note.write_within(row, &mut note, 4 * NOTE_LENGTH)?;
        if note.chars().count() > NOTE_LENGTH {
            let kind = format!("a note of more than {NOTE_LENGTH} characters");
            return Err(Reason::plain("TOO_LONG", column.note.named("note"), kind));
        }
        Ok(Some(note).filter(|note| !note.is_empty()))
    }

    fn multiplier(row: &Row<'_>, column: &Column<'_>) -> Result<Option<f64>, Reason> {
        if column.multiplier.is_empty() {
            return Ok(None);
        }
        let text = column.multiplier.text(row)?;
        match text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0) {
            _ if text.is_empty() => Ok(None),
            Some(number) => Ok(Some(number)),
            None => {
                let kind = "not a number above zero to multiply by";
                let detail = format!("“{}” is {kind}", values::shown(&text));
                Err(Reason::detailed("INVALID", column.multiplier.named("multiplier"), kind, detail))
            }
        }
    }

    fn disaggregation(
        &mut self,
        row: &Row<'_>,
        column: &Column<'_>,
        keys: &mut Keys,
    ) -> Result<(u32, Adjustments), Reason> {
        self.key.clear();
        for dimension in &column.dimensions {
            push(&mut self.key, dimension.name);
            self.value.clear();
            dimension.value.write(row, &mut self.value)?;
            push(&mut self.key, &self.value);
        }
        keys.disaggregation(&self.key, || {
            let mut adjustments = Adjustments::default();
            let mut pairs = Vec::with_capacity(column.dimensions.len());
            for dimension in &column.dimensions {
                let value = dimension.value.text(row)?;
                if dimension.totals.contains(&value) {
                    adjustments.note(Adjustment::Total);
                } else if !value.is_empty() {
                    pairs.push((dimension.name, value));
                }
            }
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let column_of = |name: &str| {
                let dimension = column.dimensions.iter().find(|dimension| dimension.name == name);
                dimension.map_or_else(|| name.to_owned(), |dimension| dimension.value.named(name))
            };
            Ok((values::part(&pairs, column_of)?, adjustments))
        })
    }

    /// How the row names its community; what tells it from others is left in `key`.
    fn area(&mut self, row: &Row<'_>, column: &Column<'_>) -> Result<AreaKey, Reason> {
        self.key.clear();
        let name = column.community.text(row)?;
        if column.code.is_empty() {
            if name.is_empty() {
                return Err(Reason::plain("REQUIRED", column.community.named(COMMUNITY), "no community is named"));
            }
            self.key.push_str(&name);
            return Ok(AreaKey::Name { name, code: String::new() });
        }
        let code = column.code.text(row)?;
        if code.is_empty() {
            return Err(Reason::plain("NO_CODE", column.code.named(COMMUNITY), "no area code"));
        }
        self.key.push_str(&code);
        Ok(AreaKey::Code { code, name, geography: column.level.text(row)? })
    }

    fn needed(row: &Row<'_>, text: &Bound<'_>, what: &str) -> Result<String, Reason> {
        let found = text.text(row)?;
        if found.is_empty() {
            return Err(Reason::plain("REQUIRED", text.named(what), format!("no {what}")));
        }
        Ok(found)
    }

    /// Which columns are not read.
    pub fn notices(&self) -> Vec<String> {
        let unused = &self.plan.unused;
        if unused.is_empty() {
            return Vec::new();
        }
        let named: Vec<_> = unused.iter().take(MOST_NAMED).map(String::as_str).collect();
        let more = unused.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        vec![format!("columns that the mapping does not speak of are not read: {}{more}", named.join(", "))]
    }
}

/// Reads every row of a table by a mapping; answers what should be known of it.
///
/// # Errors
/// Whatever keeps the rest of the text from being read, and columns that are not there.
pub fn read(input: Input, mapping: Option<&ColumnMapping>, sink: &mut Sink<'_>) -> Result<Vec<String>, Failure> {
    // `Options::complaint` tells that before anything is read.
    let none = || Failure::new(FailureCode::UnknownColumn, "there is no mapping of its columns");
    let mapping = mapping.ok_or_else(none)?;
    let delimiter = u8::try_from(mapping.table.delimiter).unwrap_or(b',');
    let mut table = Table::shaped(input, delimiter, &mapping.table)?;
    let mut mapped = Mapped::new(table.header(), mapping)?;
    let mut figures = Vec::new();
    loop {
        let line = match table.next()? {
            Next::End => return Ok(mapped.notices()),
            Next::Row(row) if row.is_blank() => continue,
            Next::Row(row) => {
                mapped.row(&row, &mut sink.keys, |read| figures.push(read));
                row.line
            }
            Next::Broken(line, column) => {
                let kind = "the cell is not UTF-8 or holds the byte 0";
                figures.push(Err(Reason::plain("ENCODING", column, kind)));
                line
            }
        };
        // All figures of a row go into one batch: what they name for the first time is numbered in it.
        if sink.put_all(line, figures.drain(..), table.raw()).is_break() {
            return Ok(Vec::new());
        }
    }
}
