//! How numbers are written.

use domain::mapping::NumberForm;

use super::Doubts;

/// How one number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Whether a percent sign follows.
    pub percent: bool,
    /// What its points, commas and spaces mean.
    pub marks: Marks,
}

/// What the points, commas and spaces of a number mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Marks {
    /// There are none but a point before decimals: `1234.5`.
    #[default]
    Plain,
    /// A comma before decimals: `1234,5`.
    DecimalComma,
    /// Commas between thousands: `1,234.5`.
    Commas,
    /// One or the other: `1,234`.
    Either,
    /// Points between thousands, a comma before decimals: `1.234,5`, `1.234.567`.
    Points,
    /// Spaces between thousands: `1 234`.
    Spaces,
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is groups of three digits, the first of one to three, with this between them.
fn grouped(text: &str, separator: char) -> bool {
    let mut groups = text.split(separator);
    let first = groups.next().unwrap_or_default();
    digits(first) && first.len() <= 3 && groups.all(|group| digits(group) && group.len() == 3)
}

fn decimals(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(whole, decimals)| (whole, Some(decimals)))
}

impl Written {
    /// How a cell writes a number; nothing if it is none.
    pub fn of(cell: &str) -> Option<Self> {
        let text = cell.trim();
        let (text, percent) = text.strip_suffix('%').map_or((text, false), |text| (text.trim_end(), true));
        let text = text.strip_prefix(['-', '+', '−']).unwrap_or(text);
        Some(Self { percent, marks: Marks::of(text)? })
    }
}

impl Marks {
    fn of(text: &str) -> Option<Self> {
        if text.len() > 40 {
            return None;
        }
        let (whole, after) = decimals(text, '.');
        let decimal = after.is_none_or(digits);
        if decimal && digits(whole) || text.starts_with(|c: char| c.is_ascii_digit()) && exponent(text) {
            return Some(Self::Plain);
        }
        if decimal && whole.contains(',') && grouped(whole, ',') {
            let once = after.is_none() && whole.matches(',').count() == 1;
            return Some(if once && !whole.starts_with('0') {
                Self::Either
            } else if once {
                Self::DecimalComma
            } else {
                Self::Commas
            });
        }
        if decimal && whole.contains([' ', '\u{a0}', '\u{202f}']) {
            let spaced = whole.replace(['\u{a0}', '\u{202f}'], " ");
            return grouped(&spaced, ' ').then_some(Self::Spaces);
        }
        let (whole, after) = decimals(text, ',');
        match after {
            Some(after) if digits(after) && digits(whole) => Some(Self::DecimalComma),
            Some(after) if digits(after) && whole.contains('.') && grouped(whole, '.') => Some(Self::Points),
            None if whole.matches('.').count() > 1 && grouped(whole, '.') => Some(Self::Points),
            _ => None,
        }
    }
}

/// Whether it is a number with a power of ten: `1.2e5`.
fn exponent(text: &str) -> bool {
    text.contains(['e', 'E']) && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// How the numbers of a table are written: what the clearest of them say.
pub fn form<'a>(cells: impl Iterator<Item = &'a str>, delimiter: char, doubts: &mut Doubts) -> NumberForm {
    let mut form = NumberForm::default();
    let (mut met, mut either) = ([0_usize; 6], None);
    let place = |marks: Marks| match marks {
        Marks::Plain => 0,
        Marks::DecimalComma => 1,
        Marks::Commas => 2,
        Marks::Either => 3,
        Marks::Points => 4,
        Marks::Spaces => 5,
    };
    for cell in cells {
        let Some(written) = Written::of(cell) else { continue };
        form.percent_sign |= written.percent;
        if let Some(count) = met.get_mut(place(written.marks)) {
            *count += 1;
        }
        if written.marks == Marks::Either && either.is_none() {
            either = Some(cell.to_owned());
        }
    }
    let [_, comma, commas, eithers, points, spaces] = met;
    if spaces > 0 {
        form.thousands = Some(' ');
    }
    if comma + points > 0 && commas == 0 {
        form.decimal = ',';
        form.thousands = if points > 0 { Some('.') } else { form.thousands };
    } else if commas + eithers > 0 {
        form.thousands = Some(',');
        let semicolons = commas == 0 && delimiter == ';';
        if let Some(cell) = either.filter(|_| commas == 0) {
            let other = if semicolons {
                ", and cells are set apart by “;”, as where commas stand before decimals"
            } else {
                ""
            };
            let reason = format!(
                "“{cell}” is taken for a number above a thousand; it could have decimals behind its comma{other}"
            );
            doubts.add("numbers", reason);
        }
    }
    if comma > 0 && commas > 0 {
        doubts.add(
            "numbers",
            "commas stand before decimals in some cells and between thousands in others: check the columns",
        );
    }
    if form.percent_sign {
        doubts.add("numbers.percentSign", "numbers with a percent sign are read as they stand, 5 % as 5");
    }
    form
}
