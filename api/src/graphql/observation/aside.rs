//! The rows of large pushes, read straight from the text of the request.
//!
//! The library keeps the variables of a request as values, checks them against their types, copies them and reads them value by value:
//! for ten thousand rows that is most of what a push costs. So where a variable is the input of a push and nothing else, its rows are
//! read aside, and a token stands for them among the variables that the library sees. Whatever is not exactly as the schema says is left
//! to the library and to the errors that it has for it: what is read here is what it would have read.

use std::{borrow::Cow, fmt, marker::PhantomData};

use async_graphql::{Context, InputType, InputValueResult, Name, Value, indexmap::IndexMap, registry::Registry};
use serde::{
    Deserialize, Deserializer,
    de::{
        Error as _, MapAccess, Visitor,
        value::{MapAccessDeserializer, StringDeserializer},
    },
};
use serde_json::Map;

use super::push::ObservationRowInput;

/// Rows that were read aside, by the number of their token. Each are taken once.
#[derive(Debug, Default)]
pub struct Aside(std::sync::Mutex<Vec<Option<Vec<ObservationRowInput>>>>);

impl Aside {
    /// Reads the input of a push from its JSON, and answers what stands for it among the variables; nothing if it is not the input of a
    /// push, or not in order.
    pub fn read(&mut self, json: &str) -> Option<Value> {
        let Read { rows, others } = serde_json::from_str(json).ok()?;
        let held = self.0.get_mut().ok()?;
        // No JSON holds bytes, so nobody else can write a token.
        let token = Value::Binary(u32::try_from(held.len()).ok()?.to_be_bytes().to_vec().into());
        held.push(Some(rows));
        let row = Value::Object(IndexMap::from([(Name::new("period"), token)]));
        let Ok(Value::Object(mut input)) = Value::from_json(others.into()) else { return None };
        input.insert(Name::new("rows"), Value::List(vec![row]));
        Some(Value::Object(input))
    }

    fn take(&self, token: usize) -> Vec<ObservationRowInput> {
        let mut held = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        held.get_mut(token).and_then(Option::take).unwrap_or_default()
    }
}

/// The input of a push: its rows, and whatever else it says.
struct Read {
    rows: Vec<ObservationRowInput>,
    others: Map<String, serde_json::Value>,
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Read;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the input of a push")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Read, A::Error> {
                let (mut rows, mut others) = (None, Map::new());
                while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
                    if name != "rows" {
                        others.insert(name.into_owned(), fields.next_value()?);
                    } else if rows.replace(fields.next_value::<Objects<_>>()?.0).is_some() {
                        return Err(A::Error::duplicate_field("rows"));
                    }
                }
                Ok(Read { rows: rows.ok_or_else(|| A::Error::missing_field("rows"))?, others })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// An object, which is nothing but that: what is derived takes arrays, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A list of objects.
struct Objects<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let objects = <Vec<Object<T>>>::deserialize(deserializer)?;
        Ok(Self(objects.into_iter().map(|Object(object)| object).collect()))
    }
}

/// For fields that hold an object, or nothing.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(<Option<Object<T>>>::deserialize(deserializer)?.map(|Object(object)| object))
}

/// For fields that hold a list of objects, or nothing.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
    Ok(<Option<Objects<T>>>::deserialize(deserializer)?.map(|Objects(objects)| objects))
}

/// For values of enumerations, which are written as texts and not as objects.
pub fn name<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(StringDeserializer::new(String::deserialize(deserializer)?))
}

/// The same for those that may be absent.
pub fn some_name<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let name = <Option<String>>::deserialize(deserializer)?;
    name.map(|name| T::deserialize(StringDeserializer::new(name))).transpose()
}

/// The rows of a push as they came.
#[derive(Debug, Clone)]
pub enum PushRows {
    /// Through the library.
    Given(Vec<ObservationRowInput>),
    /// Aside.
    Aside(usize),
}

impl PushRows {
    /// The rows.
    pub fn get(self, ctx: &Context<'_>) -> Vec<ObservationRowInput> {
        match self {
            Self::Given(rows) => rows,
            Self::Aside(token) => ctx.data_opt::<Aside>().map(|aside| aside.take(token)).unwrap_or_default(),
        }
    }

    fn token(value: &Value) -> Option<usize> {
        let Value::List(rows) = value else { return None };
        let [Value::Object(row)] = rows.as_slice() else { return None };
        let Value::Binary(token) = row.get("period")? else { return None };
        usize::try_from(u32::from_be_bytes(token.as_ref().try_into().ok()?)).ok()
    }
}

/// To the schema they are the list that they stand for.
impl InputType for PushRows {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Vec<ObservationRowInput> as InputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<ObservationRowInput> as InputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<ObservationRowInput> as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        if let Some(token) = value.as_ref().and_then(Self::token) {
            return Ok(Self::Aside(token));
        }
        let rows = <Vec<ObservationRowInput> as InputType>::parse(value);
        rows.map(Self::Given).map_err(async_graphql::InputValueError::propagate)
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Given(rows) => rows.to_value(),
            Self::Aside(_) => Value::Null,
        }
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::{super::push::ObservationsPushInput, *};

    fn row() -> serde_json::Value {
        json!({ "community": "a", "indicator": "rate", "sourceKey": "survey", "period": "2020", "value": 1 })
    }

    /// What the library makes of an input, and what is read aside; both as text.
    fn both(input: &serde_json::Value) -> (Option<String>, Option<String>) {
        // Through the text: numbers keep their last digit on both ways.
        let value = Value::from_json(input.clone()).unwrap();
        let library = ObservationsPushInput::parse(Some(value)).ok().map(|input| format!("{input:?}"));
        let mut aside = Aside::default();
        let read = aside.read(&input.to_string()).map(|token| {
            let mut input = ObservationsPushInput::parse(Some(token)).unwrap_or_else(|error| panic!("{error:?}"));
            let PushRows::Aside(token) = input.rows else { panic!("{input:?}") };
            input.rows = PushRows::Given(aside.take(token));
            assert!(aside.take(token).is_empty(), "they are taken once");
            format!("{input:?}")
        });
        (library, read)
    }

    #[rstest]
    #[case(json!({ "rows": [row(), row()], "mode": "BEST_EFFORT", "idempotencyKey": "k" }), true)]
    #[case(json!({ "rows": [] }), true)]
    // What the library takes too, and what it refuses: both are left to it.
    #[case(json!({ "rows": row() }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "community": 7 }] }), false)]
    #[case(json!({ "rows": [{ "period": null }] }), false)]
    #[case(json!({ "rows": [{}] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "more": 1 }] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "value": "1" }] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "status": null }] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "communityCode": { "scheme": "a" } }] }), false)]
    #[case(json!({ "rows": [{ "period": [50] }] }), false)]
    #[case(json!({ "rows": [["a", "b"]] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "communityCode": ["s", "c"] }] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "disaggregation": [["age", "0-17"]] }] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "status": { "NORMAL": null } }] }), false)]
    #[case(json!({ "rows": [{ "period": "2020", "confidentiality": { "FREE": null } }] }), false)]
    #[case(json!({ "input": 1 }), false)]
    fn only_what_is_in_order_is_read_aside(#[case] input: serde_json::Value, #[case] is_read: bool) {
        let (library, read) = both(&input);
        assert_eq!(read.is_some(), is_read);
        assert!(read.is_none() || read == library, "{read:?}\n{library:?}");
    }

    #[test]
    fn what_is_said_twice_is_left_to_the_library() {
        for json in [r#"{ "rows": [], "rows": [] }"#, r#"{ "rows": [{ "period": "2020", "period": "2021" }] }"#] {
            assert!(Aside::default().read(json).is_none(), "{json}");
        }
    }

    fn texts() -> impl Strategy<Value = serde_json::Value> {
        prop_oneof![Just(json!(null)), "\\PC{0,8}".prop_map(|text| json!(text))]
    }

    fn numbers() -> impl Strategy<Value = serde_json::Value> {
        prop_oneof![
            Just(json!(null)),
            any::<f64>().prop_map(|number| json!(number)),
            any::<i64>().prop_map(|n| json!(n))
        ]
    }

    prop_compose! {
        fn rows()(
            named in prop::collection::btree_map("community|indicator|indicatorVersion|source|sourceKey|note|externalId", texts(), 0..6),
            counted in prop::collection::btree_map("value|numerator|denominator|lower|upper", numbers(), 0..4),
            status in prop::option::of("NORMAL|SERIES_BREAK|LOW_RELIABILITY|NOT_COLLECTED|normal"),
            confidentiality in prop::option::of("FREE|SMALL_COUNTS|SECONDARY|X"),
            period in prop_oneof![Just("2020".to_owned()), Just("2020-Q1".to_owned()), "\\PC{0,6}"],
            parts in prop::option::of(prop::collection::vec(("\\PC{0,4}", "\\PC{0,4}"), 0..3)),
            moment in prop::option::of(prop_oneof![Just("2026-01-01T00:00:00Z"), Just("soon")]),
        ) -> serde_json::Value {
            let mut row: Map<_, _> = named.into_iter().chain(counted).collect();
            row.insert("period".to_owned(), json!(period));
            row.extend(status.map(|status| ("status".to_owned(), json!(status))));
            row.extend(confidentiality.map(|said| ("confidentiality".to_owned(), json!(said))));
            row.extend(moment.map(|moment| ("embargoUntil".to_owned(), json!(moment))));
            let parts = parts.map(|parts| parts.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect());
            row.extend(parts.map(|parts: serde_json::Value| ("disaggregation".to_owned(), parts)));
            row.into()
        }
    }

    proptest! {
        #[test]
        fn what_is_read_aside_is_what_the_library_reads(rows in prop::collection::vec(rows(), 0..4), dry in any::<bool>()) {
            let (library, read) = both(&json!({ "rows": rows, "dryRun": dry }));
            prop_assert_eq!(read.is_some(), library.is_some());
            prop_assert_eq!(read, library);
        }
    }
}
