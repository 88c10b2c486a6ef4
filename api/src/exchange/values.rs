//! Numbers, status symbols and periods as cells hold them.

use std::collections::HashMap;

use domain::{observation::ObservationStatus, period::Period};

use super::report::{Adjustment, Adjustments, Reason};

/// How many spellings of periods are remembered.
const MOST_PERIODS: usize = 10_000;

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
            None => plain(text),
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(Reason::detailed("INVALID", column, "not a number", format!("“{}” is not a number", shown(text)))),
        }
    }
}

fn plain(text: &str) -> Option<f64> {
    // Rust also reads “inf” and “nan”, which no figure is.
    let good = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if good { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

/// The decimals that a number is written with.
pub fn decimals(text: &str) -> i32 {
    let digits = text.split_once(['.', ',']).map_or(0, |(_, digits)| digits.bytes().take_while(u8::is_ascii_digit).count());
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
