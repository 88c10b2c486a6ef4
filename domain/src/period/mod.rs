//! Periods: the half-open spans of days that figures are for, each with its kind. January 2026 and the year 2026 begin on
//! the same day and are not the same period.

mod parse;
mod print;

use std::cmp::Ordering;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use crate::code::codes;

codes! {
    /// What kind of span a period is.
    pub enum PeriodKind {
        /// A calendar year.
        Year = "YEAR",
        /// Twelve months from the first of another month than January.
        FiscalYear = "FISCAL_YEAR",
        /// Six months from the first of a month.
        HalfYear = "HALF_YEAR",
        /// A calendar quarter.
        Quarter = "QUARTER",
        /// Two months from the first of an odd month.
        TwoMonths = "TWO_MONTHS",
        /// A calendar month.
        Month = "MONTH",
        /// An ISO week, from Monday.
        Week = "WEEK",
        /// A day.
        Day = "DAY",
        /// Two or more whole years from the first of a month. Such windows are moving averages and may overlap in a series.
        MultiYear = "MULTI_YEAR",
        /// Any other span.
        Range = "RANGE",
    }
}

impl PeriodKind {
    /// Whether periods of this kind may overlap within one series.
    pub const fn may_overlap(self) -> bool {
        matches!(self, Self::MultiYear)
    }

    /// Whether two periods of this kind are either the same or apart, by construction. Fiscal years and half-years may
    /// begin in different months, and a range anywhere.
    pub const fn is_aligned(self) -> bool {
        matches!(self, Self::Year | Self::Quarter | Self::TwoMonths | Self::Month | Self::Week | Self::Day)
    }
}

/// Why a period was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Of no known form.
    #[error(
        "“{0}” is not a period: write 2023, 2023-S1, 2023-Q1, 2023-03, 2023-W10, 2023-03-15, or a start and duration such as 2014-04-01/P1Y"
    )]
    Form(String),
    /// A form with more than one meaning.
    #[error(
        "“{0}” may be a fiscal year, a span of years or, if it ends in two digits, a month: say in which month the fiscal year starts, or write 2014-04-01/P1Y, or 2014-M04"
    )]
    Ambiguous(String),
    /// A month in which no fiscal year that takes two numbers starts.
    #[error(
        "“{text}” cannot be a fiscal year from month {month}: one over two calendar years starts in a month from 2 to 12"
    )]
    FiscalStart {
        /// What was to be read.
        text: String,
        /// The month given for the start.
        month: u32,
    },
    /// A day that the calendar does not have, or outside the years 1000 to 9999.
    #[error("“{0}” names a day that is not in the calendar between 1000 and 9999")]
    Calendar(String),
    /// An end that is not after the start.
    #[error("a period ends after it starts")]
    Empty,
    /// Days that do not make a period of the kind.
    #[error("{start} to {end} is not a period of the kind {kind}")]
    Kind {
        /// The kind.
        kind: PeriodKind,
        /// The first day.
        start: NaiveDate,
        /// The day after the last.
        end: NaiveDate,
    },
}

/// A half-open span of days, of a kind. Ordered by end, then start, so that the latest sorts last.
///
/// Its canonical text, also its serde form: `2023`, `2023-S1`, `2023-Q1`, `2023-03`, `2023-W10`, `2023-03-15`, and for the other
/// kinds the start with an ISO 8601 duration: `2014-04-01/P1Y`, `2016-01-01/P3Y`, `2015-11-16/P17D`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
pub struct Period {
    kind: PeriodKind,
    start: NaiveDate,
    end: NaiveDate,
}

impl Ord for Period {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.end, self.start, self.kind).cmp(&(other.end, other.start, other.kind))
    }
}

impl PartialOrd for Period {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn first_of(year: i32, month: u32) -> Result<NaiveDate, PeriodError> {
    let day = NaiveDate::from_ymd_opt(year, month, 1).filter(|_| (1000..=9999).contains(&year));
    day.ok_or_else(|| PeriodError::Calendar(format!("{year}-{month:02}")))
}

fn later(start: NaiveDate, months: u32) -> Result<NaiveDate, PeriodError> {
    start.checked_add_months(Months::new(months)).ok_or_else(|| PeriodError::Calendar(start.to_string()))
}

impl Period {
    /// The period from `start` up to `end`, which is not part of it. Its kind follows from the days.
    pub fn from_dates(start: NaiveDate, end: NaiveDate) -> Result<Self, PeriodError> {
        if end <= start {
            return Err(PeriodError::Empty);
        }
        let in_calendar = |day: NaiveDate| (1000..=10_000).contains(&day.year());
        if !in_calendar(start) || !in_calendar(end) || start.year() == 10_000 {
            return Err(PeriodError::Calendar(format!("{start}/{end}")));
        }
        Ok(Self { kind: kind_of(start, end), start, end })
    }

    /// The period of this kind from `start` up to `end`.
    pub fn from_parts(kind: PeriodKind, start: NaiveDate, end: NaiveDate) -> Result<Self, PeriodError> {
        let period = Self::from_dates(start, end)?;
        if period.kind == kind { Ok(period) } else { Err(PeriodError::Kind { kind, start, end }) }
    }

    /// A span from `start` up to `end` that is of no other kind.
    pub fn range(start: NaiveDate, end: NaiveDate) -> Result<Self, PeriodError> {
        Self::from_parts(PeriodKind::Range, start, end)
    }

    /// So many months from the first of a month, of whatever kind that makes.
    pub fn months(year: i32, month: u32, months: u32) -> Result<Self, PeriodError> {
        let start = first_of(year, month)?;
        Self::from_dates(start, later(start, months)?)
    }

    /// A calendar year.
    pub fn year(year: i32) -> Result<Self, PeriodError> {
        Self::months(year, 1, 12)
    }

    /// Twelve months from the first of a month from February to December.
    pub fn fiscal_year(start_year: i32, month: u32) -> Result<Self, PeriodError> {
        Self::of_kind(PeriodKind::FiscalYear, Self::months(start_year, month, 12)?)
    }

    /// The first or second half of a calendar year.
    pub fn half_year(year: i32, half: u32) -> Result<Self, PeriodError> {
        Self::part_of_year(year, half, 6, "S")
    }

    /// A quarter, 1 to 4, of a calendar year.
    pub fn quarter(year: i32, quarter: u32) -> Result<Self, PeriodError> {
        Self::part_of_year(year, quarter, 3, "Q")
    }

    /// Two months, 1 (January and February) to 6, of a calendar year.
    pub fn two_months(year: i32, pair: u32) -> Result<Self, PeriodError> {
        Self::part_of_year(year, pair, 2, "B")
    }

    /// A month.
    pub fn month(year: i32, month: u32) -> Result<Self, PeriodError> {
        Self::months(year, month, 1)
    }

    /// Two or more whole years from the first of a month.
    pub fn multi_year(start_year: i32, start_month: u32, years: u32) -> Result<Self, PeriodError> {
        Self::of_kind(PeriodKind::MultiYear, Self::months(start_year, start_month, years.saturating_mul(12))?)
    }

    /// The so-manieth part of a year that is cut into parts of so many months.
    fn part_of_year(year: i32, part: u32, months: u32, letter: &str) -> Result<Self, PeriodError> {
        match part {
            1..=12 if part * months <= 12 => Self::months(year, (part - 1) * months + 1, months),
            _ => Err(PeriodError::Calendar(format!("{year}-{letter}{part}"))),
        }
    }

    fn of_kind(kind: PeriodKind, period: Self) -> Result<Self, PeriodError> {
        Self::from_parts(kind, period.start, period.end)
    }

    /// An ISO week.
    pub fn week(year: i32, week: u32) -> Result<Self, PeriodError> {
        let start = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).filter(|_| (1000..=9999).contains(&year));
        Self::span(start.ok_or_else(|| PeriodError::Calendar(format!("{year}-W{week}")))?, 7)
    }

    /// A day.
    pub fn day(day: NaiveDate) -> Result<Self, PeriodError> {
        Self::span(day, 1)
    }

    fn span(start: NaiveDate, days: u64) -> Result<Self, PeriodError> {
        let end = start.checked_add_days(Days::new(days)).ok_or_else(|| PeriodError::Calendar(start.to_string()))?;
        Self::from_dates(start, end)
    }

    /// What kind of span it is.
    pub const fn kind(&self) -> PeriodKind {
        self.kind
    }

    /// The first day.
    pub const fn start(&self) -> NaiveDate {
        self.start
    }

    /// The day after the last.
    pub const fn end(&self) -> NaiveDate {
        self.end
    }

    /// The last day.
    pub fn last_day(&self) -> NaiveDate {
        self.end.pred_opt().unwrap_or(self.start)
    }

    /// How many days.
    pub fn days(&self) -> i64 {
        (self.end - self.start).num_days()
    }

    /// The midpoint in years, for trends: 2020.5 is the middle of 2020.
    pub fn midpoint_years(&self) -> f64 {
        let decimal = |day: NaiveDate| {
            let days = if day.leap_year() { 366.0 } else { 365.0 };
            f64::from(day.year()) + f64::from(day.ordinal0()) / days
        };
        f64::midpoint(decimal(self.start), decimal(self.end))
    }

    /// Whether the two have a day in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether it goes on after a day: its last day is later.
    pub fn ends_after(&self, day: NaiveDate) -> bool {
        self.last_day() > day
    }

    /// Whether figures for the two periods may be compared over time: they are of one kind, begin at the same place in
    /// the year where the kind leaves that open, and last as long.
    pub fn same_measure_of_time(&self, other: &Self) -> bool {
        let place = |period: &Self| (period.start.month(), period.start.day());
        self.kind == other.kind
            && match self.kind {
                PeriodKind::FiscalYear | PeriodKind::MultiYear => {
                    place(self) == place(other) && self.whole_months() == other.whole_months()
                }
                PeriodKind::HalfYear => self.start.month() % 6 == other.start.month() % 6,
                PeriodKind::Range => match (self.whole_months(), other.whole_months()) {
                    (None, None) => self.days() == other.days(),
                    (own, others) => own == others,
                },
                _ => true,
            }
    }

    /// How many whole months it lasts, if it does.
    fn whole_months(&self) -> Option<u32> {
        months_between(self.start, self.end)
    }
}

/// How many whole months lie between the same day of two months, if `end` is on that day.
fn months_between(start: NaiveDate, end: NaiveDate) -> Option<u32> {
    let months =
        (end.year() - start.year()) * 12 + i32::try_from(end.month()).ok()? - i32::try_from(start.month()).ok()?;
    let months = u32::try_from(months).ok().filter(|&months| months > 0)?;
    (start.checked_add_months(Months::new(months)) == Some(end) && start.day() == end.day()).then_some(months)
}

fn kind_of(start: NaiveDate, end: NaiveDate) -> PeriodKind {
    let days = (end - start).num_days();
    if days == 1 {
        return PeriodKind::Day;
    }
    if days == 7 && start.weekday() == Weekday::Mon {
        return PeriodKind::Week;
    }
    if start.day() != 1 {
        return PeriodKind::Range;
    }
    match (months_between(start, end), start.month()) {
        (Some(12), 1) => PeriodKind::Year,
        (Some(12), _) => PeriodKind::FiscalYear,
        (Some(6), _) => PeriodKind::HalfYear,
        (Some(3), 1 | 4 | 7 | 10) => PeriodKind::Quarter,
        (Some(2), month) if month % 2 == 1 => PeriodKind::TwoMonths,
        (Some(1), _) => PeriodKind::Month,
        (Some(months), _) if months >= 24 && months % 12 == 0 => PeriodKind::MultiYear,
        _ => PeriodKind::Range,
    }
}

#[cfg(test)]
mod tests;
