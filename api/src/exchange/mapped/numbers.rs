//! Numbers as a mapping declares them to be written.

use std::borrow::Cow;

use domain::mapping::NumberForm;

use super::super::{
    report::{Adjustment, Adjustments, Reason},
    values::{self, shown},
};

/// Reads numbers.
#[derive(Debug, Clone, Copy)]
pub struct Numbers(pub NumberForm);

impl Numbers {
    /// The number in a cell, none if it is blank.
    ///
    /// # Errors
    /// INVALID for anything else, for separators of thousands that are not declared or stand in the wrong places.
    pub fn read(self, text: &str, column: &str, adjustments: &mut Adjustments) -> Result<Option<f64>, Reason> {
        let mut number = text;
        if self.0.percent_sign
            && let Some(before) = number.strip_suffix('%')
        {
            number = before.trim_end();
        }
        let mut number = Cow::Borrowed(number);
        if let Some(separator) = self.0.thousands.filter(|separator| number.contains(*separator)) {
            let Some(joined) = ungrouped(&number, separator, self.0.decimal) else {
                let kind = "separators of thousands stand in the wrong places";
                return Err(Reason::detailed("INVALID", column.to_owned(), kind, format!("“{}”: {kind}", shown(text))));
            };
            adjustments.note(Adjustment::Thousands);
            number = Cow::Owned(joined);
        }
        let plain = values::Numbers { decimal_comma: self.0.decimal == ',' };
        plain.read(&number, "", adjustments).map_err(|reason| reason.in_column(column.to_owned()))
    }
}

/// A number without separators of thousands, if they stand where they should: `1,234,567.8`.
fn ungrouped(text: &str, separator: char, decimal: char) -> Option<String> {
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once(decimal).map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let (sign, whole) = whole.strip_prefix(['-', '+']).map_or(("", whole), |rest| (whole.get(..1).unwrap_or(""), rest));
    let mut groups = whole.split(separator);
    let first = groups.next().filter(|group| digits(group) && group.len() <= 3)?;
    let mut joined = format!("{sign}{first}");
    for group in groups {
        if !digits(group) || group.len() != 3 {
            return None;
        }
        joined.push_str(group);
    }
    if let Some(fraction) = fraction {
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        joined.push(decimal);
        joined.push_str(fraction);
    }
    Some(joined)
}

/// A number without the noise that arithmetic of doubles leaves in its last digits: 38.2 thousand are 38,200.
pub fn clean(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(form: NumberForm, text: &str) -> Option<f64> {
        Numbers(form).read(text, "x", &mut Adjustments::default()).ok().flatten()
    }

    #[test]
    fn separators_are_left_out_where_they_are_declared_and_stand_right() {
        let english = NumberForm { thousands: Some(','), percent_sign: true, ..NumberForm::default() };
        for (text, number) in
            [("29,113", 29_113.0), ("1,234,567.8", 1_234_567.8), ("-3.90%", -3.9), ("12", 12.0), ("-1,000", -1_000.0)]
        {
            assert_eq!(read(english, text), Some(number), "{text}");
        }
        for text in ["1,23", "1234,567", ",123", "1,,234", "1,234.5,6", "1,234,", "%", "1,234e5", "12%%"] {
            assert_eq!(read(english, text), None, "{text}");
        }
        let german = NumberForm { decimal: ',', thousands: Some('.'), percent_sign: false };
        assert_eq!(read(german, "1.234,5"), Some(1_234.5));
        assert_eq!(read(german, "1,5"), Some(1.5));
        assert_eq!(read(german, "1.5"), None);
        assert_eq!(read(NumberForm::default(), "1,234"), None);
        assert_eq!(read(NumberForm::default(), "12%"), None);
        let french = NumberForm { decimal: ',', thousands: Some('\u{a0}'), percent_sign: false };
        assert_eq!(read(french, "1\u{a0}234,5"), Some(1_234.5));
    }

    #[test]
    #[allow(clippy::float_cmp)]
    fn multiples_are_exact() {
        assert_eq!(clean(38.2 * 1_000.0), 38_200.0);
        assert_eq!(clean(0.1 + 0.2), 0.3);
        assert_eq!(clean(2_731_571.0), 2_731_571.0);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(text in "[0-9,.%+ é-]{0,12}", comma in any::<bool>()) {
            let (decimal, thousands) = if comma { (',', '.') } else { ('.', ',') };
            let _ = read(NumberForm { decimal, thousands: Some(thousands), percent_sign: comma }, &text);
        }
    }
}
