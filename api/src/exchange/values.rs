//! Numbers, status symbols and periods as cells hold them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::{
    observation::{Confidentiality, ObservationStatus},
    period::Period,
    series::Disaggregation,
};

use super::report::{Adjustment, Adjustments, Reason};

/// How many spellings of periods are remembered.
const MOST_PERIODS: usize = 10_000;
/// The longest spelling that is remembered, bytes: what is longer is no period, and would only take room.
const LONGEST_KNOWN: usize = 64;
/// The longest spelling that is read at all, bytes. Two moments with their offsets from UTC take 60.
const LONGEST_PERIOD: usize = 200;
/// The longest name, code or unit that a row may say, bytes: several times the longest that is kept.
pub const LONGEST_NAME: usize = 2_000;

/// Reads numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    /// Whether a comma is the decimal mark.
    pub decimal_comma: bool,
}

impl Numbers {
    /// The number in a cell, none if it is blank: digits with a point and an exponent if need be, `12`, `-0.5`, `1e+05`.
    ///
    /// # Errors
    /// INVALID. Commas are never guessed at: `1,234` is either 1.234 or 1234.
    pub fn read(self, text: &str, column: &'static str, adjustments: &mut Adjustments) -> Result<Option<f64>, Reason> {
        if text.is_empty() {
            return Ok(None);
        }
        let number = match text.split_once(',') {
            Some((whole, rest)) if self.decimal_comma && !rest.contains([',', '.']) && !whole.contains('.') => {
                adjustments.note(Adjustment::DecimalComma);
                plain(&format!("{whole}.{rest}"))
            }
            Some(_) => {
                let kind = "a number with a comma: write a decimal point and no thousands separators, or declare decimal commas";
                return Err(Reason::detailed("INVALID", column, kind, format!("“{}”: {kind}", shown(text))));
            }
            None if self.decimal_comma && is_grouped(text) => {
                let kind =
                    "a number with points that may stand for thousands: write it without, or with a decimal comma";
                return Err(Reason::detailed("INVALID", column, kind, format!("“{}”: {kind}", shown(text))));
            }
            None => plain(text),
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => {
                Err(Reason::detailed("INVALID", column, "not a number", format!("“{}” is not a number", shown(text))))
            }
        }
    }
}

/// Whether the points of a number stand where those of thousands would: `1.234`, `12.345.678`. Where a comma is the decimal mark
/// they most likely do, and the number would be a thousand times too small.
fn is_grouped(text: &str) -> bool {
    let mut groups = text.trim_start_matches(['+', '-']).split('.');
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()) && digits(group));
    let rest: Vec<&str> = groups.collect();
    first && !rest.is_empty() && rest.iter().all(|group| group.len() == 3 && digits(group))
}

fn plain(text: &str) -> Option<f64> {
    // Rust also reads “inf” and “nan”, which no figure is.
    let good = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if good { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

/// The decimals that a number is written with.
pub fn decimals(text: &str) -> i32 {
    let digits =
        text.split_once(['.', ',']).map_or(0, |(_, digits)| digits.bytes().take_while(u8::is_ascii_digit).count());
    i32::try_from(digits).unwrap_or(i32::MAX)
}

/// The beginning of a text, for messages.
pub fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Refuses names that are longer than any that is kept, before they become keys and are looked up: a name that holds for many
/// rows is compared, copied and quoted for each of them. Each stands beside its column.
///
/// # Errors
/// `TOO_LONG`.
pub fn check_names(names: &[(&str, &str)]) -> Result<(), Reason> {
    match names.iter().find(|(_, name)| name.len() > LONGEST_NAME) {
        None => Ok(()),
        Some((column, _)) => {
            Err(Reason::plain("TOO_LONG", (*column).to_owned(), "a name or code of more than 2 000 bytes"))
        }
    }
}

/// The part of the population that pairs of a dimension and its value say.
///
/// # Errors
/// INVALID, in the column that `column_of` says for the dimension at fault.
pub fn part(pairs: &[(&str, &str)], column_of: impl Fn(&str) -> String) -> Result<Disaggregation, Reason> {
    Disaggregation::new(pairs.iter().copied()).map_err(|error| {
        let mut met = BTreeSet::new();
        let at_fault = pairs.iter().find(|pair| Disaggregation::new([**pair]).is_err() || !met.insert(pair.0));
        // Of too many none is wrong by itself: the last is told of.
        let dimension = at_fault.or(pairs.last()).map_or("", |(dimension, _)| dimension);
        Reason::detailed("INVALID", column_of(dimension), "not a disaggregation", error.to_string())
    })
}

/// The status in a cell: a letter of the SDMX code list `CL_OBS_STATUS`, or one of the lower-case symbols of the
/// UK Government Analysis Function for tables (x not available, c confidential, z not applicable, u low reliability).
/// A blank cell beside a value means a normal one.
///
/// # Errors
/// REQUIRED for neither status nor value, INVALID for anything else.
pub fn status(
    text: &str,
    has_value: bool,
    columns: (&'static str, &'static str),
    adjustments: &mut Adjustments,
) -> Result<ObservationStatus, Reason> {
    let (status_column, value_column) = columns;
    let (status, adjustment) = match text {
        "" if has_value => return Ok(ObservationStatus::Normal),
        "" => {
            let kind = "neither a value nor a status that says why there is none";
            return Err(Reason::plain("REQUIRED", value_column, kind));
        }
        "x" => (ObservationStatus::Missing, Adjustment::NotAvailable),
        "c" => (ObservationStatus::Suppressed, Adjustment::Confidential),
        "z" => (ObservationStatus::CannotExist, Adjustment::NotApplicable),
        "u" if has_value => (ObservationStatus::LowReliability, Adjustment::LowReliability),
        "u" => (ObservationStatus::Suppressed, Adjustment::LowReliabilityWithheld),
        _ => {
            return text.parse().map_err(|_| {
                let kind = "not a status";
                let expected = "expected a letter of the SDMX list CL_OBS_STATUS (A, B, D, E, F, G, I, L, M, O, P, Q, U, V) or x, c, z, u";
                Reason::detailed("INVALID", status_column, kind, format!("“{}” is not a status: {expected}", shown(text)))
            });
        }
    };
    adjustments.note(adjustment);
    Ok(status)
}

/// The confidentiality in a cell: a code of the list `CL_CONF_STATUS`; a blank one is free.
///
/// # Errors
/// INVALID for anything else.
pub fn confidentiality(code: &str, column: &'static str) -> Result<Confidentiality, Reason> {
    if code.is_empty() {
        return Ok(Confidentiality::Free);
    }
    code.parse().map_err(|_| {
        let kind = "not a confidentiality: expected F, N, E, C, A or S";
        Reason::detailed("INVALID", column, kind, format!("“{}” is {kind}", shown(code)))
    })
}

/// The moment in a cell, with its offset from UTC; none if it is blank.
///
/// # Errors
/// INVALID for anything else.
pub fn moment(text: &str, column: &'static str) -> Result<Option<DateTime<Utc>>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    DateTime::parse_from_rfc3339(text).map(|moment| Some(moment.to_utc())).map_err(|_| {
        let kind = "not a moment, such as 2026-11-23T09:00:00Z";
        Reason::detailed("INVALID", column, kind, format!("“{}” is {kind}", shown(text)))
    })
}

/// Reads periods, each spelling once.
pub struct Periods {
    read: Box<dyn Fn(&str) -> Spelling + Send>,
    known: HashMap<String, Spelling>,
    column: &'static str,
}

/// What a spelling means, or why it means nothing.
type Spelling = Result<Period, String>;

impl Periods {
    /// Reads by `read` what stands in the column.
    pub fn new(column: &'static str, read: impl Fn(&str) -> Spelling + Send + 'static) -> Self {
        Self { read: Box::new(read), known: HashMap::new(), column }
    }

    /// The period in a cell.
    ///
    /// # Errors
    /// REQUIRED for a blank one, INVALID for anything that is not a period.
    pub fn read(&mut self, text: &str) -> Result<Period, Reason> {
        if text.is_empty() {
            return Err(Reason::plain("REQUIRED", self.column, "no period"));
        }
        let refuse = |error: &String| Reason::detailed("INVALID", self.column, "not a period", error);
        if text.len() > LONGEST_PERIOD {
            return Err(refuse(&format!("“{}” is longer than any period", shown(text))));
        }
        if text.len() > LONGEST_KNOWN {
            return (self.read)(text).map_err(|error| refuse(&error));
        }
        if let Some(known) = self.known.get(text) {
            return known.as_ref().copied().map_err(refuse);
        }
        if self.known.len() >= MOST_PERIODS {
            self.known.clear();
        }
        let period = (self.read)(text);
        self.known.entry(text.to_owned()).or_insert(period).as_ref().copied().map_err(refuse)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<Option<f64>, Reason> {
        Numbers::default().read(text, "observation", &mut Adjustments::default())
    }

    #[test]
    fn numbers_are_plain_and_never_guessed() {
        for (text, value) in [("12", 12.0), ("-0.5", -0.5), ("1e+05", 100_000.0), (".5", 0.5), ("5.", 5.0), ("+3", 3.0)]
        {
            assert_eq!(number(text), Ok(Some(value)), "{text}");
        }
        assert_eq!(number(""), Ok(None));
        for text in ["1,5", "1,234", "1 234", "12%", "nan", "inf", "-", "e", "1e999", "½", "..", "0x1f"] {
            let reason = number(text).unwrap_err();
            assert_eq!((reason.code, reason.column.as_ref()), ("INVALID", "observation"), "{text}");
        }
        assert!(number("1,5").unwrap_err().to_string().contains("decimal"));
    }

    #[test]
    fn a_decimal_comma_is_read_where_it_is_declared() {
        let numbers = Numbers { decimal_comma: true };
        let mut adjustments = Adjustments::default();
        assert_eq!(numbers.read("1,5", "x", &mut adjustments), Ok(Some(1.5)));
        assert_ne!(adjustments, Adjustments::default());
        assert_eq!(numbers.read("1.5", "x", &mut adjustments), Ok(Some(1.5)));
        for text in ["1.234,5", "1,234,5", "1,2.3", ","] {
            assert!(numbers.read(text, "x", &mut adjustments).is_err(), "{text}");
        }
    }

    #[test]
    fn symbols_are_translated_and_every_translation_is_noted() {
        use ObservationStatus as S;
        let cases = [
            ("", true, S::Normal, None),
            ("A", true, S::Normal, None),
            ("P", true, S::Provisional, None),
            ("Q", false, S::Suppressed, None),
            ("x", false, S::Missing, Some(Adjustment::NotAvailable)),
            ("c", false, S::Suppressed, Some(Adjustment::Confidential)),
            ("z", false, S::CannotExist, Some(Adjustment::NotApplicable)),
            ("u", true, S::LowReliability, Some(Adjustment::LowReliability)),
            ("u", false, S::Suppressed, Some(Adjustment::LowReliabilityWithheld)),
        ];
        for (text, has_value, expected, noted) in cases {
            let mut adjustments = Adjustments::default();
            assert_eq!(status(text, has_value, ("status", "observation"), &mut adjustments), Ok(expected), "{text}");
            let mut one = Adjustments::default();
            if let Some(noted) = noted {
                one.note(noted);
            }
            assert_eq!(adjustments, one, "{text}");
        }
        for (text, has_value, code) in
            [("", false, "REQUIRED"), ("Value for two places combined", true, "INVALID"), ("a", true, "INVALID")]
        {
            let refused = status(text, has_value, ("status", "observation"), &mut Adjustments::default());
            assert_eq!(refused.unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn decimals_are_those_written() {
        for (text, places) in [("12", 0), ("1.50", 2), ("", 0), ("1,5", 1), ("-3.25e2", 2)] {
            assert_eq!(decimals(text), places, "{text}");
        }
    }

    #[test]
    fn long_spellings_are_neither_remembered_nor_read() {
        let mut periods = Periods::new("period", |_| Err("read".to_owned()));
        for length in [LONGEST_KNOWN + 1, 100, LONGEST_PERIOD] {
            assert!(periods.read(&"x".repeat(length)).unwrap_err().to_string().ends_with("read"));
        }
        let refused = periods.read(&"x".repeat(1024 * 1024)).unwrap_err();
        assert!(refused.to_string().contains("longer than any period") && refused.to_string().len() < 300);
        assert!(periods.known.is_empty());
    }

    #[test]
    fn a_period_is_read_once_for_each_spelling_and_never_forgotten_wrongly() {
        let mut periods = Periods::new("period", |text| text.parse().map_err(|_| format!("“{text}”")));
        for year in 0..MOST_PERIODS + 10 {
            let text = (1_000 + year % 9_000).to_string();
            assert_eq!(periods.read(&text).unwrap().to_string(), text);
        }
        assert_eq!(periods.read("").unwrap_err().code, "REQUIRED");
        assert_eq!(periods.read("soon").unwrap_err().to_string(), "period: “soon”");
        assert_eq!(periods.read("soon").unwrap_err().to_string(), "period: “soon”");
    }
}
