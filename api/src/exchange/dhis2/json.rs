//! Data value sets as JSON, each value handled as it is met.
//!
//! The keys of an object have no order, so `period`, `orgUnit` and `attributeOptionCombo` may stand behind the values that
//! need them. Such values wait, but not without end: then a payload is refused that gives no period or organisation
//! unit before, and values without a combination of attributes are taken to have none.

use std::{fmt, mem};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{ATTRIBUTE, ORG_UNIT, PERIOD, Said, Values};
use crate::exchange::{
    failure::{Failure, FailureCode},
    json::{self, Allowance, Fields, Guarded, Owned, Scalar, Slot, Text},
    options::Options,
    reader::Input,
    report::Reason,
    sink::Sink,
};

/// Values that may wait for what stands behind them.
const MOST_WAITING: usize = 10_000;
/// Bytes of them.
const MOST_WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Keys that are said to be unread at most.
const MOST_NOTICES: usize = 10;

/// Reads a document to its end.
///
/// # Errors
/// Whatever keeps it from being read.
pub fn read(mut input: Input, options: &Options, sink: &mut Sink<'_>) -> Result<Vec<String>, Failure> {
    let (guarded, allowance) = Guarded::new(input.text());
    let mut document = Document {
        values: Values::new(options),
        defaults: Defaults::default(),
        has_values: false,
        count: 0,
        waiting: Vec::new(),
        waiting_bytes: 0,
        none_assumed: false,
        allowance: allowance.clone(),
        sink,
        stopped: false,
        failure: None,
        notices: Vec::new(),
    };
    let mut deserializer = serde_json::Deserializer::from_reader(guarded);
    let outcome = deserializer.deserialize_map(Top(&mut document)).and_then(|()| {
        document.allowance.renew();
        deserializer.end()
    });
    if let Some(failure) = document.failure {
        return Err(failure);
    }
    if document.stopped {
        return Ok(Vec::new());
    }
    outcome.map_err(|error| json::failure(error, &allowance))?;
    if !document.has_values {
        let message = "there must be a list “dataValues”";
        return Err(Failure::new(FailureCode::MissingColumn, message).in_column("dataValues"));
    }
    document.release();
    let mut notices = document.notices;
    notices.push("values are told by their number in the list, not by their line".to_owned());
    Ok(notices)
}

/// What holds for values without their own.
#[derive(Debug, Default)]
struct Defaults {
    period: Slot<Owned>,
    org_unit: Slot<Owned>,
    attribute: Slot<Owned>,
}

struct Document<'s, 'k> {
    values: Values,
    defaults: Defaults,
    has_values: bool,
    count: u64,
    waiting: Vec<(u64, Box<RawValue>)>,
    waiting_bytes: usize,
    /// Whether values were taken to have no combination of attributes.
    none_assumed: bool,
    allowance: Allowance,
    sink: &'s mut Sink<'k>,
    stopped: bool,
    failure: Option<Failure>,
    notices: Vec<String>,
}

/// A value as it stands.
#[derive(Default)]
struct Value<'a> {
    element: Slot<Text<'a>>,
    period: Slot<Scalar<'a>>,
    org_unit: Slot<Text<'a>>,
    category: Slot<Text<'a>>,
    attribute: Slot<Text<'a>>,
    given: Slot<Scalar<'a>>,
    comment: Slot<Text<'a>>,
    deleted: Slot<bool>,
}

impl<'de> Fields<'de> for Value<'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "dataElement" => self.element.fill(map),
            "period" => self.period.fill(map),
            "orgUnit" => self.org_unit.fill(map),
            "categoryOptionCombo" => self.category.fill(map),
            "attributeOptionCombo" => self.attribute.fill(map),
            "value" => self.given.fill(map),
            "comment" => self.comment.fill(map),
            "deleted" => self.deleted.fill(map),
            // followup, storedBy, created, lastUpdated and whatever DHIS2 adds say nothing of the figure.
            _ => json::skip(map),
        }
    }
}

impl Document<'_, '_> {
    /// Takes the next value of the list. Breaks off where nothing more is to be read.
    fn take(&mut self, raw: Box<RawValue>) -> Result<(), ()> {
        self.count += 1;
        let number = self.count;
        self.allowance.renew();
        let mut value = Value::default();
        if let Err(fault) = json::object(raw.get(), &mut value) {
            let stopped = self.sink.put(number, Err(Reason::from(fault)), raw.get().as_bytes()).is_break();
            return self.stop_if(stopped);
        }
        let Defaults { period, org_unit, attribute } = &self.defaults;
        let waits = value.period.text().is_empty() && !period.is_met()
            || value.org_unit.text().is_empty() && !org_unit.is_met()
            || value.attribute.text().is_empty() && !attribute.is_met() && !self.none_assumed;
        if waits {
            drop(value);
            return self.wait(number, raw);
        }
        let stopped = self.put(number, &value, raw.get());
        self.stop_if(stopped)
    }

    fn stop_if(&mut self, stopped: bool) -> Result<(), ()> {
        self.stopped |= stopped;
        if stopped { Err(()) } else { Ok(()) }
    }

    /// Answers whether nobody listens any more.
    fn put(&mut self, number: u64, value: &Value<'_>, raw: &str) -> bool {
        fn or<'t>(own: &'t str, default: &'t Slot<Owned>) -> &'t str {
            if own.is_empty() { default.text() } else { own }
        }
        let Defaults { period, org_unit, attribute } = &self.defaults;
        let said = Said {
            element: value.element.text(),
            period: or(value.period.text(), period),
            org_unit: or(value.org_unit.text(), org_unit),
            category: value.category.text(),
            attribute: or(value.attribute.text(), attribute),
            value: value.given.text(),
            comment: value.comment.text(),
            deleted: value.deleted.get().copied().unwrap_or(false),
        };
        let read = self.values.row(number, &said, &mut self.sink.keys);
        self.sink.put(number, read, raw.as_bytes()).is_break()
    }

    fn wait(&mut self, number: u64, raw: Box<RawValue>) -> Result<(), ()> {
        self.waiting_bytes += raw.get().len();
        self.waiting.push((number, raw));
        if self.waiting.len() <= MOST_WAITING && self.waiting_bytes <= MOST_WAITING_BYTES {
            return Ok(());
        }
        if let Some(key) = self.missing() {
            let message = format!(
                "more than {MOST_WAITING} values need “{key}”, which does not stand before them: put it before “dataValues” or into the values"
            );
            self.failure = Some(Failure::new(FailureCode::MissingColumn, message).in_column(key));
            return Err(());
        }
        self.none_assumed |= !self.defaults.attribute.is_met();
        let stopped = self.release();
        self.stop_if(stopped)
    }

    /// What waiting values lack that nothing so far gives them.
    fn missing(&self) -> Option<&'static str> {
        let (has_period, has_org_unit) = (self.defaults.period.is_met(), self.defaults.org_unit.is_met());
        self.waiting.iter().find_map(|(_, raw)| {
            let mut value = Value::default();
            json::object(raw.get(), &mut value).ok()?;
            let lacks = |text: &str, has: bool| text.is_empty() && !has;
            if lacks(value.period.text(), has_period) {
                Some(PERIOD)
            } else {
                lacks(value.org_unit.text(), has_org_unit).then_some(ORG_UNIT)
            }
        })
    }

    /// Takes every value that waits by what is known now. Answers whether nobody listens any more.
    fn release(&mut self) -> bool {
        self.waiting_bytes = 0;
        for (number, raw) in mem::take(&mut self.waiting) {
            let mut value = Value::default();
            // It was read once already.
            if json::object(raw.get(), &mut value).is_ok() && self.put(number, &value, raw.get()) {
                return true;
            }
        }
        false
    }

    /// A combination of attributes that stands behind values that were taken to have none.
    fn check_attribute(&mut self) -> Result<(), ()> {
        if !self.none_assumed || self.values.is_total(self.defaults.attribute.text()) {
            return Ok(());
        }
        let message = format!(
            "“{ATTRIBUTE}” stands behind more than {MOST_WAITING} values that need it: put it before “dataValues”"
        );
        self.failure = Some(Failure::new(FailureCode::MissingColumn, message).in_column(ATTRIBUTE));
        Err(())
    }
}

/// The document itself.
struct Top<'d, 's, 'k>(&'d mut Document<'s, 'k>);

impl<'de> Visitor<'de> for Top<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with “dataValues”")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let document = self.0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "dataValues" if mem::replace(&mut document.has_values, true) => {
                    return Err(A::Error::custom("“dataValues” stands twice"));
                }
                "dataValues" => map.next_value_seed(List(document))?,
                "period" => document.defaults.period.fill(&mut map)?,
                "orgUnit" => document.defaults.org_unit.fill(&mut map)?,
                "attributeOptionCombo" => {
                    document.defaults.attribute.fill(&mut map)?;
                    document.check_attribute().map_err(|()| A::Error::custom("refused"))?;
                }
                "dataSet" | "completeDate" => json::skip(&mut map)?,
                other => {
                    json::skip(&mut map)?;
                    if document.notices.len() < MOST_NOTICES {
                        document.notices.push(format!("“{}” is not read", crate::exchange::values::shown(other)));
                    }
                }
            }
            document.allowance.renew();
        }
        Ok(())
    }
}

/// The list of values.
struct List<'d, 's, 'k>(&'d mut Document<'s, 'k>);

impl<'de> DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.allowance.renew();
        while let Some(raw) = list.next_element::<Box<RawValue>>()? {
            self.0.take(raw).map_err(|()| A::Error::custom("broken off"))?;
        }
        Ok(())
    }
}
