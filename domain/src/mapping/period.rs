//! Periods that are written in a declared order.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::period::Period;

/// How a period is written: `YYYY` with `MM`, `DD`, `Q`, `WW` or `S` in any order, and whatever stands between. A year alone is
/// a year, with a month a month, with a day a day, with a quarter, week or half year that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeriodFormat {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// One of the letters of [`FIELDS`].
    Field(char),
    Literal(char),
}

/// Letter, how often it stands, and the least digits of the number.
const FIELDS: [(char, &str, usize); 6] =
    [('Y', "YYYY", 4), ('M', "MM", 1), ('D', "DD", 1), ('W', "WW", 1), ('Q', "Q", 1), ('S', "S", 1)];

/// Why a format was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no format: write YYYY with MM and DD, or with Q, WW or S, such as DD/MM/YYYY")]
pub struct FormatError(String);

impl FromStr for PeriodFormat {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let (mut steps, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            let field = FIELDS.iter().find(|(_, word, _)| rest.starts_with(word));
            let (step, length) = field.map_or((Step::Literal(first), first.len_utf8()), |(letter, word, _)| {
                (Step::Field(*letter), word.len())
            });
            steps.push(step);
            rest = rest.get(length..).unwrap_or_default();
        }
        let mut fields: Vec<char> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Field(letter) => Some(*letter),
                Step::Literal(_) => None,
            })
            .collect();
        fields.sort_unstable();
        let known = ["Y", "MY", "DMY", "QY", "WY", "SY"];
        if text.len() > 40 || !known.contains(&fields.iter().collect::<String>().as_str()) {
            return Err(FormatError(text.chars().take(40).collect()));
        }
        Ok(Self { text: text.to_owned(), steps })
    }
}

impl TryFrom<String> for PeriodFormat {
    type Error = FormatError;

    fn try_from(text: String) -> Result<Self, FormatError> {
        text.parse()
    }
}

impl From<PeriodFormat> for String {
    fn from(format: PeriodFormat) -> Self {
        format.text
    }
}

impl fmt::Display for PeriodFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PeriodFormat {
    /// The period that a text says in this format, if it does.
    pub fn read(&self, text: &str) -> Option<Period> {
        let [mut year, mut month, mut day, mut week, mut quarter, mut half] = [None; 6];
        let mut rest = text;
        for step in &self.steps {
            let letter = match step {
                Step::Literal(literal) => {
                    rest = rest.strip_prefix(*literal)?;
                    continue;
                }
                Step::Field(letter) => *letter,
            };
            let (_, word, least) = FIELDS.iter().find(|(field, ..)| *field == letter)?;
            let digits = rest.bytes().take(word.len()).take_while(u8::is_ascii_digit).count();
            let number: u32 = rest.get(..digits).filter(|_| digits >= *least)?.parse().ok()?;
            rest = rest.get(digits..)?;
            let field = match letter {
                'Y' => &mut year,
                'M' => &mut month,
                'D' => &mut day,
                'W' => &mut week,
                'Q' => &mut quarter,
                _ => &mut half,
            };
            *field = Some(number);
        }
        let year = i32::try_from(year?).ok().filter(|year| *year >= 1_000 && rest.is_empty())?;
        match (month, day, week, quarter, half) {
            (Some(month), Some(day), ..) => Period::day(NaiveDate::from_ymd_opt(year, month, day)?).ok(),
            (Some(month), ..) => Period::month(year, month).ok(),
            (_, _, Some(week), ..) => Period::week(year, week).ok(),
            (_, _, _, Some(quarter), _) => Period::quarter(year, quarter).ok(),
            (.., Some(half)) => Period::half_year(year, half).ok(),
            _ => Period::year(year).ok(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        format.parse::<PeriodFormat>().unwrap().read(text).map(|period| period.to_string())
    }

    #[test]
    fn a_period_is_read_in_the_declared_order() {
        for (format, text, period) in [
            ("DD/MM/YYYY", "15/03/2004", "2004-03-15"),
            ("D/M/YYYY".replace('D', "DD").replace('M', "MM").as_str(), "5/3/2004", "2004-03-05"),
            ("MM.YYYY", "12.2004", "2004-12"),
            ("Q/YYYY", "4/2004", "2004-Q4"),
            ("YYYY year", "2004 year", "2004"),
            ("T Q YYYY", "T 2 2004", "2004-Q2"),
            ("WW-YYYY", "10-2004", "2004-W10"),
        ] {
            assert_eq!(read(format, text).as_deref(), Some(period), "{format} {text}");
        }
        for (format, text) in [
            ("DD/MM/YYYY", "31/02/2004"),
            ("MM.YYYY", "13.2004"),
            ("YYYY", "04"),
            ("YYYY", "2004 "),
            ("Q/YYYY", "5/2004"),
        ] {
            assert_eq!(read(format, text), None, "{format} {text}");
        }
        for format in ["", "MM", "YYYY YYYY", "DD.YYYY", "YYYY Q MM"] {
            assert!(format.parse::<PeriodFormat>().is_err(), "{format}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not(format in "[YMDQWS/é ]{0,14}", text in "[0-9/é ]{0,14}") {
            if let Ok(format) = format.parse::<PeriodFormat>() {
                let _ = format.read(&text);
            }
        }
    }
}
