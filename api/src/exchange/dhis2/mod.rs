//! DHIS2 data value sets, JSON and CSV (src/developer/web-api/data.md of dhis2/dhis2-docs). Which of the two it is, is told by
//! the first byte.
//!
//! JSON: an object with `dataValues`, a list of values, each with `dataElement`, `period`, `orgUnit`,
//! `categoryOptionCombo`, `attributeOptionCombo`, `value` (a text or a number), `comment` and `deleted`. `period`, `orgUnit` and
//! `attributeOptionCombo` may stand beside the list and then hold for values without their own. Other keys are not read.
//!
//! CSV: columns by their places, `dataelement, period, orgunit, catoptcombo, attroptcombo, value, storedby, lastupdated,
//! comment, flwup, deleted`, of which the first three are needed. The first row may name them.
//!
//! A data element is an indicator by its code, an organisation unit a community by its code of the scheme `dhis2:UID` or
//! `dhis2:code`, or by its name. The combinations of options are dimensions of the disaggregation, `categoryOptionCombo` and
//! `attributeOptionCombo`; the one called `default`, which has the identifier `HllvX50cXC0` in every DHIS2, is no breakdown.
//! The caller can say what other combinations mean. A value is a number: texts, dates and truth values are rejected.

use std::{borrow::Cow, collections::BTreeMap};

use domain::{
    observation::{Figure, ObservationStatus},
    period::Period,
    series::Disaggregation,
};

use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, SeriesKey, push},
    failure::{Failure, FailureCode},
    options::{Options, Total},
    reader::Input,
    report::{Adjustment, Adjustments, Reason},
    sink::Sink,
    values::{self, Numbers, Periods},
};

mod csv;
mod json;
#[cfg(test)]
mod tests;
mod write;

pub use write::{CsvWriter, JsonWriter};

const ELEMENT: &str = "dataElement";
const PERIOD: &str = "period";
const ORG_UNIT: &str = "orgUnit";
const CATEGORY: &str = "categoryOptionCombo";
const ATTRIBUTE: &str = "attributeOptionCombo";
const VALUE: &str = "value";
/// What every DHIS2 calls the combination of no options: its name, code and identifier.
const DEFAULTS: [&str; 2] = ["default", "HllvX50cXC0"];

/// How much white space may stand before the first letter, which tells JSON from CSV, bytes.
const LONGEST_BLANK: usize = 64 * 1024;

/// What is done with the values. DHIS2 has no default that its versions agree on, so the caller says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// They are recorded; those known already become new revisions where they differ.
    CreateAndUpdate,
    /// Those of series and periods without a figure are recorded.
    Create,
    /// Those of series and periods with a figure become new revisions where they differ.
    Update,
    /// They are withdrawn.
    Delete,
}

/// By what organisation units, or data elements, are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IdScheme {
    /// By the identifiers of DHIS2, eleven letters and digits.
    #[default]
    Uid,
    /// By codes.
    Code,
    /// By names.
    Name,
}

impl IdScheme {
    /// The scheme of the communities' codes.
    pub const fn scheme(self) -> Option<&'static str> {
        match self {
            Self::Uid => Some("dhis2:UID"),
            Self::Code => Some("dhis2:code"),
            Self::Name => None,
        }
    }
}

/// What a combination of options means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combo {
    /// The combination, as the values name it.
    pub combo: String,
    /// The part of the population; everybody if it is blank.
    pub part: Disaggregation,
}

impl std::str::FromStr for Combo {
    type Err = &'static str;

    /// `COMBO=DIM=VALUE;DIM=VALUE`, or `COMBO=` for everybody.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "write COMBO=DIM=VALUE;DIM=VALUE, or COMBO= for everybody";
        let (combo, part) = text.split_once('=').ok_or(form)?;
        let (combo, part) = (combo.trim(), part.trim());
        if combo.is_empty() {
            return Err(form);
        }
        Ok(Self { combo: combo.to_owned(), part: part.parse().map_err(|_| form)? })
    }
}

/// What the caller decides about DHIS2 payloads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dhis2 {
    /// What is done with the values.
    pub strategy: Option<Strategy>,
    /// By what organisation units are named.
    pub org_units: IdScheme,
    /// By what data elements are named: identifiers and codes are codes of indicators.
    pub elements: IdScheme,
    /// What combinations of options mean.
    pub combos: Vec<Combo>,
}

impl Dhis2 {
    /// Nothing is decided.
    pub const fn new() -> Self {
        Self { strategy: None, org_units: IdScheme::Uid, elements: IdScheme::Uid, combos: Vec::new() }
    }
}

/// Which files of a folder may be such payloads.
pub fn is_data_file(name: &str) -> bool {
    super::reader::is_called(name, &[".json", ".csv"])
}

/// The key or column that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    match field {
        "note" => "comment".into(),
        other => other.to_owned().into(),
    }
}

/// Reads a payload to its end.
///
/// # Errors
/// Whatever keeps it from being read.
pub fn read(mut input: Input, options: &Options, sink: &mut Sink<'_>) -> Result<Vec<String>, Failure> {
    let head = input.head(LONGEST_BLANK)?;
    let first = head.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None if head.len() == LONGEST_BLANK => {
            Err(Failure::new(FailureCode::Malformed, "it begins with more than 64 KiB of blanks").at(1))
        }
        Some(b'{' | b'[') => json::read(input, options, sink),
        Some(b'<') => {
            let message = "this is XML: send data value sets as JSON or CSV";
            Err(Failure::new(FailureCode::Malformed, message).at(1))
        }
        _ => csv::read(input, options, sink).map(|()| Vec::new()),
    }
}

/// A value as either form says it. Blank is missing.
#[derive(Debug, Clone, Copy, Default)]
struct Said<'a> {
    element: &'a str,
    period: &'a str,
    org_unit: &'a str,
    category: &'a str,
    attribute: &'a str,
    value: &'a str,
    comment: &'a str,
    deleted: bool,
}

/// Makes rows of values.
struct Values {
    strategy: Strategy,
    by_name: bool,
    combos: BTreeMap<String, Disaggregation>,
    totals: Vec<Total>,
    periods: Periods,
    numbers: Numbers,
    // Kept from value to value so that nothing is allocated for a key that is known.
    key: String,
}

impl Values {
    fn new(options: &Options) -> Self {
        let Dhis2 { strategy, org_units, combos, .. } = &options.dhis2;
        Self {
            strategy: strategy.unwrap_or(Strategy::CreateAndUpdate),
            by_name: *org_units == IdScheme::Name && options.code_scheme.is_none(),
            combos: combos.iter().map(|combo| (combo.combo.clone(), combo.part.clone())).collect(),
            totals: options.totals.clone(),
            periods: Periods::new(PERIOD, |text| text.parse::<Period>().map_err(|error| error.to_string())),
            numbers: Numbers { decimal_comma: options.decimal_comma },
            key: String::new(),
        }
    }

    /// Whether a combination is none.
    fn is_total(&self, combo: &str) -> bool {
        combo.is_empty() || self.combos.get(combo).map_or_else(|| DEFAULTS.contains(&combo), Disaggregation::is_total)
    }

    fn row(&mut self, line: u64, said: &Said<'_>, keys: &mut Keys) -> Result<ReadRow, Reason> {
        for (column, text) in [(ELEMENT, said.element), (ORG_UNIT, said.org_unit)] {
            if text.is_empty() {
                return Err(Reason::plain("REQUIRED", column, "it is missing"));
            }
        }
        values::check_names(&[
            (ELEMENT, said.element),
            (ORG_UNIT, said.org_unit),
            (CATEGORY, said.category),
            (ATTRIBUTE, said.attribute),
        ])?;
        let period = self.periods.read(said.period)?;
        let retract = said.deleted || self.strategy == Strategy::Delete;
        let act = match self.strategy {
            _ if retract => Act::Retract,
            Strategy::Create => Act::Create,
            Strategy::Update => Act::Update,
            Strategy::CreateAndUpdate | Strategy::Delete => Act::Record,
        };
        let mut adjustments = Adjustments::default();
        let figure = if retract { Figure::default() } else { self.figure(said, &mut adjustments)? };
        let (disaggregation, totals) = self.part(said, keys)?;
        adjustments.also(totals);
        // From here on nothing fails, so that only good rows name anything.
        let area = keys.area(said.org_unit, || {
            if self.by_name {
                AreaKey::Name { name: said.org_unit.to_owned(), code: String::new() }
            } else {
                AreaKey::Code { code: said.org_unit.to_owned(), name: String::new(), geography: String::new() }
            }
        });
        let indicator = keys.indicator(said.element, || IndicatorKey {
            name: said.element.to_owned(),
            title: String::new(),
            series: String::new(),
            measure: String::new(),
            unit: String::new(),
            frequency: period.kind(),
            decimals: values::decimals(said.value),
        });
        let source = keys.source("");
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        Ok(ReadRow { line, column: None, series, period, figure, act, adjustments })
    }

    fn figure(&self, said: &Said<'_>, adjustments: &mut Adjustments) -> Result<Figure, Reason> {
        let Some(value) = self.numbers.read(said.value, VALUE, adjustments)? else {
            return Err(Reason::plain("REQUIRED", VALUE, "no value"));
        };
        let note = Some(said.comment).filter(|comment| !comment.is_empty()).map(str::to_owned);
        Ok(Figure { value: Some(value), status: ObservationStatus::Normal, note, ..Figure::default() })
    }

    fn part(&mut self, said: &Said<'_>, keys: &mut Keys) -> Result<(u32, Adjustments), Reason> {
        self.key.clear();
        for combo in [said.category, said.attribute] {
            push(&mut self.key, combo);
        }
        keys.disaggregation(&self.key, || {
            let mut adjustments = Adjustments::default();
            let mut pairs: Vec<(&str, &str)> = Vec::new();
            for (dimension, combo) in [(CATEGORY, said.category), (ATTRIBUTE, said.attribute)] {
                if let Some(part) = self.combos.get(combo) {
                    pairs.extend(part.iter());
                } else if self.totals.iter().any(|total| total.is(dimension, combo)) {
                    adjustments.note(Adjustment::Total);
                } else if !self.is_total(combo) {
                    pairs.push((dimension, combo));
                }
            }
            let column_of = |dimension: &str| if dimension == ATTRIBUTE { ATTRIBUTE } else { CATEGORY }.to_owned();
            Ok((values::part(&pairs, column_of)?, adjustments))
        })
    }
}
