//! NDJSON (github.com/ndjson/ndjson-spec): one JSON object a line, each a figure. Blank lines are skipped.
//!
//! Keys: `community` (needed: its slug, or its code where the scheme of the codes is named for all rows, or
//! `{"scheme": …, "code": …}`), `indicator` (needed unless one is named for all rows: its code or name), `source` (needed unless one
//! is named for all rows), `period` (needed), `value`, `numerator`, `denominator`, `lower`, `upper` (numbers or null), `status`,
//! `confidentiality`, `embargoUntil`, `note`, `externalId`, `disaggregation` (an object of texts, by dimension), and `withdrawn`:
//! with `true` the figure is withdrawn, and the row needs nothing but community, indicator, source, period and disaggregation. Any other key,
//! and one that stands twice, rejects the row, as does a line that is not JSON or longer than 1 MiB.

use std::{
    borrow::Cow,
    fmt,
    io::{self, BufRead},
};

use chrono::{DateTime, Utc};
use domain::{
    key::ExternalId,
    observation::{Confidentiality, Figure},
    period::Period,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    batch::{Act, AreaKey, IndicatorKey, Keys, ReadRow, SeriesKey, push},
    failure::{Failure, FailureCode},
    json::{self, Exact, Fields, Slot, Text},
    options::Options,
    reader::Input,
    report::{Adjustment, Adjustments, Reason},
    sink::Sink,
    values::{self, Periods},
};

#[cfg(test)]
mod tests;
mod write;

pub use write::Writer;

/// The longest line, in bytes.
const LONGEST_LINE: usize = json::LONGEST_PART;
/// A line that is longer still, in bytes, is taken to have no end: nothing after it is read.
const ENDLESS: usize = 8 * LONGEST_LINE;
/// How much of a line that is too long is kept to show it.
const SHOWN: usize = 200;
const KEYS: &str = "community, indicator, source, period, value, numerator, denominator, lower, upper, status, confidentiality, \
                    embargoUntil, note, externalId, disaggregation or withdrawn";

/// Which files of a folder are of this format.
pub fn is_data_file(name: &str) -> bool {
    super::reader::is_called(name, &[".ndjson", ".jsonl"])
}

/// The key that holds a field of the domain's figure.
pub fn column_of(field: &str) -> Cow<'static, str> {
    field.to_owned().into()
}

/// Reads every line.
///
/// # Errors
/// Whatever keeps the rest from being read.
pub fn read(mut input: Input, options: &Options, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let mut rows = Rows {
        by_code: options.code_scheme.is_some(),
        has_indicator: options.indicator.is_some(),
        periods: Periods::new("period", |text| text.parse::<Period>().map_err(|error| error.to_string())),
        key: String::new(),
    };
    let (mut line, mut bytes) = (0, Vec::new());
    loop {
        line += 1;
        let met = next(input.text(), &mut bytes).map_err(|error| Failure::reading(&error, line))?;
        let read = match met {
            Line::End => return Ok(()),
            Line::TooLong => {
                bytes.truncate(SHOWN);
                Err(Reason::plain("TOO_LONG", "", "the line is longer than 1 MiB"))
            }
            Line::Endless => {
                let message = "a line is longer than 8 MiB: are the ends of lines missing?";
                return Err(Failure::new(FailureCode::TooLong, message).at(line));
            }
            Line::Whole if bytes.iter().all(u8::is_ascii_whitespace) => continue,
            Line::Whole => match std::str::from_utf8(&bytes) {
                Ok(text) => rows.read(line, text, &mut sink.keys),
                Err(_) => Err(Reason::plain("ENCODING", "", "the line is not UTF-8")),
            },
        };
        if sink.put(line, read, &bytes).is_break() {
            return Ok(());
        }
    }
}

enum Line {
    Whole,
    /// It is left behind, but for its beginning.
    TooLong,
    /// It is so long that its end is not looked for.
    Endless,
    End,
}

/// Reads a line without its end, of which a CR may be part.
fn next(text: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let (mut any, mut length) = (false, 0_usize);
    loop {
        let buffer = text.fill_buf()?;
        if buffer.is_empty() && !any {
            return Ok(Line::End);
        }
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let taken = end.unwrap_or(buffer.len());
        length = length.saturating_add(taken);
        if length <= LONGEST_LINE {
            line.extend_from_slice(buffer.get(..taken).unwrap_or_default());
        }
        if length > ENDLESS {
            return Ok(Line::Endless);
        }
        let done = end.is_some() || buffer.is_empty();
        any = true;
        text.consume(taken + usize::from(end.is_some()));
        if done {
            break;
        }
    }
    while line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(if length <= LONGEST_LINE { Line::Whole } else { Line::TooLong })
}

/// A line as it stands.
#[derive(Default)]
struct Row<'a> {
    community: Slot<Place<'a>>,
    indicator: Slot<Text<'a>>,
    source: Slot<Text<'a>>,
    period: Slot<Text<'a>>,
    value: Slot<Exact>,
    numerator: Slot<Exact>,
    denominator: Slot<Exact>,
    lower: Slot<Exact>,
    upper: Slot<Exact>,
    status: Slot<Text<'a>>,
    confidentiality: Slot<Confidentiality>,
    embargo_until: Slot<DateTime<Utc>>,
    note: Slot<Text<'a>>,
    external_id: Slot<Text<'a>>,
    disaggregation: Slot<Pairs<'a>>,
    withdrawn: Slot<bool>,
}

impl<'de> Fields<'de> for Row<'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "community" => self.community.fill(map),
            "indicator" => self.indicator.fill(map),
            "source" => self.source.fill(map),
            "period" => self.period.fill(map),
            "value" => self.value.fill(map),
            "numerator" => self.numerator.fill(map),
            "denominator" => self.denominator.fill(map),
            "lower" => self.lower.fill(map),
            "upper" => self.upper.fill(map),
            "status" => self.status.fill(map),
            "confidentiality" => self.confidentiality.fill(map),
            "embargoUntil" => self.embargo_until.fill(map),
            "note" => self.note.fill(map),
            "externalId" => self.external_id.fill(map),
            "disaggregation" => self.disaggregation.fill(map),
            "withdrawn" => self.withdrawn.fill(map),
            _ => Err(json::unknown(KEYS)),
        }
    }
}

/// How a line names its community.
enum Place<'a> {
    Text(Text<'a>),
    External(ExternalId),
}

impl<'de> Deserialize<'de> for Place<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Places;
        impl<'de> Visitor<'de> for Places {
            type Value = Place<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or an object with scheme and code")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Place::Text(Text(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Place::Text(Text(Cow::Owned(text.to_owned()))))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                ExternalId::deserialize(MapAccessDeserializer::new(map)).map(Place::External)
            }
        }
        deserializer.deserialize_any(Places)
    }
}

/// The dimensions of a disaggregation with their values.
struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dimensions;
        impl<'de> Visitor<'de> for Dimensions {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    // More than any disaggregation has; the domain says how many that are.
                    if pairs.len() > 100 {
                        return Err(A::Error::custom("too many dimensions"));
                    }
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Dimensions)
    }
}

struct Rows {
    /// Whether texts are codes, of a scheme named for all rows.
    by_code: bool,
    has_indicator: bool,
    periods: Periods,
    key: String,
}

impl Rows {
    fn read(&mut self, line: u64, text: &str, keys: &mut Keys) -> Result<ReadRow, Reason> {
        let mut row = Row::default();
        json::object(text, &mut row)?;
        let named = match row.community.get() {
            Some(Place::Text(text)) => !text.0.trim().is_empty(),
            Some(Place::External(_)) => true,
            None => false,
        };
        if !named {
            return Err(Reason::plain("REQUIRED", "community", "no community"));
        }
        if row.indicator.text().is_empty() && !self.has_indicator {
            return Err(Reason::plain("REQUIRED", "indicator", "no indicator"));
        }
        let period = self.periods.read(row.period.text())?;
        let act = if row.withdrawn.get() == Some(&true) { Act::Retract } else { Act::Record };
        let mut adjustments = Adjustments::default();
        let figure = if act == Act::Retract { Figure::default() } else { figure(&row, &mut adjustments)? };
        let place = match row.community.get() {
            Some(Place::Text(text)) => text.as_ref(),
            Some(Place::External(_)) | None => "",
        };
        let named = [("community", place), ("indicator", row.indicator.text()), ("source", row.source.text())];
        values::check_names(&named)?;
        let disaggregation = self.part(&row, keys)?;
        // From here on nothing fails, so that only good rows name anything.
        let area = self.area(&row, keys);
        let name = row.indicator.text();
        let indicator = keys.indicator(name, || IndicatorKey {
            name: name.to_owned(),
            title: String::new(),
            series: String::new(),
            measure: String::new(),
            unit: String::new(),
            frequency: period.kind(),
            decimals: row.value.get().map_or(0, |value| values::decimals(&value.0.to_string())),
        });
        let source = keys.source(row.source.text());
        let series = keys.series(SeriesKey { area, indicator, source, disaggregation });
        Ok(ReadRow { line, column: None, series, period, figure, act, adjustments })
    }

    fn area(&mut self, row: &Row<'_>, keys: &mut Keys) -> u32 {
        self.key.clear();
        match row.community.get() {
            Some(Place::External(ExternalId { scheme, code })) => {
                push(&mut self.key, scheme.as_str());
                push(&mut self.key, code.as_str());
            }
            Some(Place::Text(text)) => self.key.push_str(text.0.trim()),
            None => {}
        }
        keys.area(&self.key, || match row.community.get() {
            Some(Place::External(external)) => AreaKey::External(external.clone()),
            _ if self.by_code => {
                AreaKey::Code { code: self.key.clone(), name: String::new(), geography: String::new() }
            }
            _ => AreaKey::Slug(self.key.clone()),
        })
    }

    fn part(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<u32, Reason> {
        let pairs = row.disaggregation.get().map_or(&[][..], |pairs| pairs.0.as_slice());
        self.key.clear();
        for (dimension, value) in pairs {
            push(&mut self.key, dimension.as_ref());
            push(&mut self.key, value.as_ref());
        }
        let read = keys.disaggregation(&self.key, || {
            let pairs: Vec<_> = pairs.iter().map(|(dimension, value)| (dimension.as_ref(), value.as_ref())).collect();
            let read = values::part(&pairs, |_| "disaggregation".to_owned())?;
            Ok((read, Adjustments::default()))
        });
        read.map(|(number, _)| number)
    }
}

fn figure(row: &Row<'_>, adjustments: &mut Adjustments) -> Result<Figure, Reason> {
    let number = |slot: &Slot<Exact>| slot.get().map(|number| number.0);
    let value = number(&row.value);
    let status = values::status(row.status.text(), value.is_some(), ("status", "value"), adjustments)?;
    let (mut numerator, mut denominator) = (number(&row.numerator), number(&row.denominator));
    if value.is_none() && (numerator.is_some() || denominator.is_some()) {
        // They would give away what is withheld.
        adjustments.note(Adjustment::PartsWithheld);
        (numerator, denominator) = (None, None);
    }
    let text = |slot: &Slot<Text<'_>>| Some(slot.text()).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Figure {
        value,
        numerator,
        denominator,
        lower: number(&row.lower),
        upper: number(&row.upper),
        status,
        confidentiality: row.confidentiality.get().copied().unwrap_or(Confidentiality::Free),
        embargo_until: row.embargo_until.get().copied(),
        note: text(&row.note),
        external_id: text(&row.external_id),
    })
}
