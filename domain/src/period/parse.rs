//! Reading periods in the spellings of ISO 8601, SDMX, DHIS2 and the year labels of open data portals.

use std::str::FromStr;

use chrono::{Days, Months, NaiveDate};

use super::{Period, PeriodError, PeriodKind, print::FINANCIAL};

type Parsed = Result<Period, PeriodError>;

fn form(text: &str) -> PeriodError {
    PeriodError::Form(text.chars().take(60).collect())
}

fn ambiguous(text: &str) -> PeriodError {
    PeriodError::Ambiguous(text.chars().take(60).collect())
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// The year that a text begins with, and the rest.
fn year_and_rest(text: &str) -> Option<(i32, &str)> {
    let (year, rest) = (text.get(..4)?, text.get(4..)?);
    Some((i32::try_from(number(year, 4)?).ok()?, rest))
}

/// A day of ISO 8601, extended (`2004-03-15`) or basic (`20040315`), alone or with the midnight that SDMX writes with it.
fn day(text: &str) -> Option<NaiveDate> {
    let text = text.strip_suffix("T00:00:00").unwrap_or(text);
    let (y, m, d) = match text.len() {
        10 if text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-') => {
            (text.get(..4)?, text.get(5..7)?, text.get(8..)?)
        }
        8 => (text.get(..4)?, text.get(4..6)?, text.get(6..)?),
        _ => return None,
    };
    NaiveDate::from_ymd_opt(i32::try_from(number(y, 4)?).ok()?, number(m, 2)?, number(d, 2)?)
}

impl FromStr for Period {
    type Err = PeriodError;

    /// Reads every spelling with one meaning: `2004`, `2004-A1`, `2004-S1` `2004S1`, `2004-Q1` `2004Q1` `2004 Q1`, `200401B`,
    /// `2004-03` `200403` `2004-M03`, `2004-W10` `2004W10`, `2004-03-15` `20040315` `2004-D075`, the fiscal years of DHIS2
    /// `2004Feb` `2004April` `2004July` `2004Aug` `2004Sep` `2004Oct` `2004Nov` and their halves `2004AprilS1` `2004NovS1` (those of November
    /// are named by the year they end in: `2004Nov` begins in November 2003), start and duration `2014-04-01/P1Y`, and first and last day `2014-04-01/2014-09-30`.
    fn from_str(text: &str) -> Parsed {
        if text.len() > 40 || !text.is_ascii() {
            return Err(form(text));
        }
        if let Some((start, end)) = text.split_once('/') {
            return interval(text, start, end);
        }
        let (year, rest) = year_and_rest(text).ok_or_else(|| form(text))?;
        if year < 1000 {
            return Err(PeriodError::Calendar(text.to_owned()));
        }
        if rest.is_empty() {
            return Period::year(year);
        }
        if let Some(parsed) = designated(year, rest) {
            return parsed;
        }
        if let Some(day) = day(text) {
            return Period::day(day);
        }
        digits(text, year, rest)
    }
}

/// What follows a year, after a hyphen or space or neither, with a letter that says what it is.
fn designated(year: i32, rest: &str) -> Option<Parsed> {
    let part = rest.strip_prefix(['-', ' ']).unwrap_or(rest);
    let (letter, count) = (part.get(..1)?, part.get(1..)?);
    let short = |most: usize| (1..=most).find_map(|digits| number(count, digits));
    let lettered = match letter {
        "A" => (count == "1").then(|| Period::year(year)),
        "S" => short(1).filter(|n| (1..=2).contains(n)).map(|n| Period::months(year, n * 6 - 5, 6)),
        "Q" => short(1).filter(|n| (1..=4).contains(n)).map(|n| Period::months(year, n * 3 - 2, 3)),
        "M" if number(count, 2).is_some() => number(count, 2).map(|n| Period::months(year, n, 1)),
        "W" => short(2).map(|n| Period::week(year, n)),
        "D" if number(count, 3).is_some() => {
            let day = NaiveDate::from_yo_opt(year, number(count, 3)?);
            Some(day.ok_or_else(|| PeriodError::Calendar(format!("{year}-{part}"))).and_then(Period::day))
        }
        _ => None,
    };
    lettered.or_else(|| named_month(year, rest))
}

/// `April`, `Oct` (a fiscal year of DHIS2) and `AprilS1` (a half of one). Only as DHIS2 writes them: after a hyphen or space,
/// or by another name, a reader would more likely mean the month.
fn named_month(year: i32, rest: &str) -> Option<Parsed> {
    let half = rest.strip_suffix("S1").map(|name| (name, 0)).or_else(|| rest.strip_suffix("S2").map(|name| (name, 6)));
    let name = half.map_or(rest, |(name, _)| name);
    let financial = FINANCIAL.iter().find(|financial| financial.name == name)?;
    let first_year = if financial.named_by_end { year - 1 } else { year };
    Some(match half {
        None => Period::months(first_year, financial.month, 12),
        Some(_) if !financial.has_halves => return None,
        // The second half may begin in the year after.
        Some((_, after)) => match financial.month + after {
            month @ 1..=12 => Period::months(first_year, month, 6),
            month => Period::months(first_year + 1, month - 12, 6),
        },
    })
}

/// What is written in digits and hyphens alone, apart from days.
fn digits(text: &str, year: i32, rest: &str) -> Parsed {
    if let Some(bimonth) = rest.strip_suffix('B').and_then(|rest| number(rest, 2)) {
        return match bimonth {
            1..=6 => Period::months(year, bimonth * 2 - 1, 2),
            _ => Err(PeriodError::Calendar(text.to_owned())),
        };
    }
    let part = rest.strip_prefix('-').unwrap_or(rest);
    if let Some(month) = number(part, 2) {
        return match month {
            1..=12 => Period::months(year, month, 1),
            _ if is_next_year(year, part) => Err(ambiguous(text)),
            _ => Err(PeriodError::Calendar(text.to_owned())),
        };
    }
    if rest.starts_with('-') && number(part, 4).is_some() {
        return Err(ambiguous(text));
    }
    // Of the shape of a day, and yet none: anything else is no period at all.
    let is_day = match rest.strip_prefix('-').and_then(|rest| rest.split_once('-')) {
        Some((month, day)) => number(month, 2).is_some() && number(day, 2).is_some(),
        None => number(rest, 4).is_some(),
    };
    Err(if is_day { PeriodError::Calendar(text.to_owned()) } else { form(text) })
}

fn is_next_year(year: i32, two_digits: &str) -> bool {
    number(two_digits, 2).and_then(|n| i32::try_from(n).ok()) == Some((year + 1) % 100)
}

fn interval(text: &str, start: &str, end: &str) -> Parsed {
    if number(start, 4).is_some() && (number(end, 4).is_some() || number(end, 2).is_some()) {
        return Err(ambiguous(text));
    }
    let start = day(start).ok_or_else(|| form(text))?;
    let end = match end.strip_prefix('P') {
        Some(duration) => {
            let (unit, count) = unit_and_count(duration).ok_or_else(|| form(text))?;
            add(start, unit, count)
        }
        None => day(end).ok_or_else(|| form(text))?.succ_opt(),
    };
    Period::from_dates(start, end.ok_or_else(|| PeriodError::Calendar(text.to_owned()))?)
}

/// A duration of one unit, after its `P`: `3Y`, `6M`, `2W`, `17D`.
fn unit_and_count(duration: &str) -> Option<(char, u32)> {
    let unit = duration.chars().next_back().filter(|unit| matches!(unit, 'Y' | 'M' | 'W' | 'D'))?;
    let digits = duration.strip_suffix(unit).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    Some((unit, digits.parse().ok()?))
}

/// The day that lies so many units after another, if the calendar has it.
fn add(start: NaiveDate, unit: char, count: u32) -> Option<NaiveDate> {
    match unit {
        'Y' => start.checked_add_months(Months::new(count.checked_mul(12)?)),
        'M' => start.checked_add_months(Months::new(count)),
        'W' => start.checked_add_days(Days::new(u64::from(count) * 7)),
        _ => start.checked_add_days(Days::new(u64::from(count))),
    }
}

impl Period {
    /// Reads the label of a year as open data portals write it: all that [`FromStr`] reads, and spans of years.
    ///
    /// `2014/2015`, `2014-2015`, `2014-15`, `2014/15` are the fiscal year that starts in the month `fiscal_year_start` (2 to 12; a
    /// year from January has one number, so any other month is refused); without it they have more than one meaning. So has
    /// `2009-10`, which may be a month as well: it is taken for one nowhere here. Spans of more than two years, `2005-2007`, are windows from January of the first to
    /// December of the last.
    pub fn parse_year_span(text: &str, fiscal_year_start: Option<u32>) -> Parsed {
        let Some((first, last)) = years(text) else { return text.parse() };
        match last - first {
            1 => match fiscal_year_start {
                Some(month @ 2..=12) => Self::months(first, month, 12),
                Some(month) => Err(PeriodError::FiscalStart { text: text.chars().take(60).collect(), month }),
                None => Err(ambiguous(text)),
            },
            2..=100 => {
                let months = u32::try_from((last - first + 1) * 12).map_err(|_| form(text))?;
                let window = Self::months(first, 1, months)?;
                debug_assert_eq!(window.kind(), PeriodKind::MultiYear);
                Ok(window)
            }
            _ => Err(form(text)),
        }
    }
}

/// Two years joined by a stroke or hyphen; the second may be its last two digits if it is the year after the first.
fn years(text: &str) -> Option<(i32, i32)> {
    let (first, rest) = year_and_rest(text)?;
    let last = rest.strip_prefix(['-', '/', '\u{2013}'])?;
    if number(last, 4).is_some() {
        return Some((first, i32::try_from(number(last, 4)?).ok()?));
    }
    is_next_year(first, last).then_some((first, first + 1))
}
