//! SDMX-JSON 2.1 (data-message of sdmx-twg/sdmx-json), written and not read: `application/vnd.sdmx.data+json; version=2.1.0`.
//!
//! One data set with a series for each community, indicator, source and part of the population; its observations are by
//! `TIME_PERIOD`. What the indexes in keys mean stands in `structures`, behind the data set: it is not known before. A dimension
//! of a disaggregation is a dimension whose identifier is made of its name, with `_T` for no breakdown. A missing value is null,
//! and `OBS_STATUS` says why.

use std::collections::{BTreeSet, HashMap};

use domain::{
    export::{ExportOutline, ExportedFigure},
    observation::{Confidentiality, ObservationStatus},
    period::Period,
    text::LanguageTag,
};
use serde_json::{Value, json};

use super::export::{Dimensions, FigureWriter, LeftOut, Line, moment, push_json, text};

/// Where the published schema of such messages stands.
const SCHEMA: &str =
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/v2.1.0/data-message/tools/schemas/sdmx-json-data-schema.json";
/// The dimensions of a series before those of the disaggregation: identifier and name.
const FIXED: [(&str, &str); 3] = [("REF_AREA", "Community"), ("INDICATOR", "Indicator"), ("SOURCE", "Source")];
const TIME_PERIOD: &str = "TIME_PERIOD";
/// What a series is marked with.
const OF_SERIES: [(&str, &str); 2] = [("UNIT_MEASURE", "Unit"), ("DECIMALS", "Decimals")];
/// What an observation is marked with besides its status and confidentiality, whose values are listed.
const OF_OBSERVATION: [(&str, &str); 7] = [
    ("EMBARGO_TIME", "End of the embargo"),
    ("COMMENT_OBS", "Note"),
    ("NUMERATOR", "Numerator"),
    ("DENOMINATOR", "Denominator"),
    ("LOWER_LIMIT", "Lower 95 % limit"),
    ("UPPER_LIMIT", "Upper 95 % limit"),
    ("EXTERNAL_ID", "Identifier of the giver"),
];
/// No breakdown.
const WHOLE: &str = "_T";

/// The values of a dimension in the order in which they are met.
#[derive(Debug, Default)]
struct Values {
    places: HashMap<String, usize>,
    list: Vec<Value>,
}

impl Values {
    fn place(&mut self, id: &str, value: impl FnOnce() -> Value) -> usize {
        if let Some(&place) = self.places.get(id) {
            return place;
        }
        self.places.insert(id.to_owned(), self.list.len());
        self.list.push(value());
        self.list.len() - 1
    }
}

/// Writes SDMX-JSON.
pub struct Writer {
    meta: Value,
    name: String,
    language: LanguageTag,
    dimensions: Dimensions,
    /// The identifiers of all dimensions of a series, and their names.
    components: Vec<(String, String)>,
    /// The values of each of those.
    values: Vec<Values>,
    periods: Values,
    /// The series that is being written.
    series: Option<String>,
}

impl Writer {
    /// For the figures of this outline.
    pub fn new(outline: &ExportOutline, language: LanguageTag) -> Self {
        let (slug, at) = (&outline.network.slug, outline.at);
        let meta = json!({ "schema": SCHEMA, "id": format!("{slug}-{}", at.format("%Y%m%dT%H%M%S%6f")), "test": false,
            "prepared": moment(at), "contentLanguages": [language.as_str().to_lowercase()], "sender": { "id": "CONCERT" } });
        let dimensions = Dimensions::new(&outline.dimensions, |_| true, str::to_owned);
        let components = components(&dimensions);
        Self {
            meta,
            name: text(&outline.network.name, &language).to_owned(),
            language,
            values: components.iter().map(|_| Values::default()).collect(),
            components,
            dimensions,
            periods: Values::default(),
            series: None,
        }
    }

    /// The key of a figure's series: the places of its values.
    fn key(&mut self, of: &ExportedFigure, code: &str, name: &str) -> Result<String, LeftOut> {
        let parts = self.dimensions.cells(&of.disaggregation, WHOLE, |value| value != WHOLE)?;
        let indicator = text(&of.indicator.name, &self.language);
        let source = text(&of.source.name, &self.language);
        let fixed = [(code, name), (of.indicator.code.as_str(), indicator), (of.source.key.as_str(), source)];
        let parts = parts.into_iter().map(|part| (part, if part == WHOLE { "Total" } else { part }));
        let places =
            fixed.into_iter().chain(parts).zip(&mut self.values).map(|((value, name), values)| {
                values.place(value, || json!({ "value": value, "name": name })).to_string()
            });
        Ok(places.collect::<Vec<_>>().join(":"))
    }

    fn structure(&self) -> Value {
        let ids: Vec<_> = self.components.iter().map(|(id, _)| id).collect();
        let series: Vec<_> = self
            .components
            .iter()
            .zip(&self.values)
            .enumerate()
            .map(|(place, ((id, name), values))| {
                listed(json!({ "id": id, "name": name, "keyPosition": place }), &values.list)
            })
            .collect();
        let time = json!({ "id": TIME_PERIOD, "name": "Period", "keyPosition": series.len(), "roles": [TIME_PERIOD] });
        let own: Vec<_> =
            OF_SERIES.map(|(id, name)| json!({ "id": id, "name": name, "relationship": { "dimensions": ids } })).into();
        let coded = [
            ("OBS_STATUS", "Observation status", codes(ObservationStatus::ALL, ObservationStatus::code)),
            ("CONF_STATUS", "Confidentiality", codes(Confidentiality::ALL, Confidentiality::code)),
        ];
        let of_figure = |id, name| json!({ "id": id, "name": name, "relationship": { "observation": {} } });
        let marks = coded.into_iter().map(|(id, name, codes)| listed(of_figure(id, name), &codes));
        let marks: Vec<_> = marks.chain(OF_OBSERVATION.map(|(id, name)| of_figure(id, name))).collect();
        json!({
            "name": self.name,
            "dataSets": [0],
            "dimensions": { "series": series, "observation": [listed(time, &self.periods.list)] },
            "measures": { "observation": [{ "id": "OBS_VALUE", "name": "Value", "format": { "dataType": "Double" } }] },
            "attributes": { "series": own, "observation": marks },
        })
    }
}

/// A component with its values, if there is one: an empty list is none.
fn listed(mut component: Value, values: &[Value]) -> Value {
    if let Some(map) = component.as_object_mut().filter(|_| !values.is_empty()) {
        map.insert("values".to_owned(), values.into());
    }
    component
}

fn codes<C: Copy>(all: &[C], code: impl Fn(C) -> &'static str) -> Vec<Value> {
    all.iter().map(|&one| json!({ "id": code(one), "name": code(one) })).collect()
}

/// The identifier and name of each dimension of a series. An identifier is letters, digits, `_` and `-`, and begins with a letter.
fn components(dimensions: &Dimensions) -> Vec<(String, String)> {
    let mut taken: BTreeSet<String> = [TIME_PERIOD.to_owned()].into();
    let fixed = FIXED.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned()));
    let others = dimensions.names().map(|name| {
        let plain: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        let good = plain.starts_with(|c: char| c.is_ascii_alphabetic());
        (if good { plain } else { format!("D{plain}") }, name.to_owned())
    });
    fixed
        .chain(others)
        .map(|(id, name)| {
            let numbered = (2..).map(|number| format!("{id}_{number}"));
            let free = std::iter::once(id.clone()).chain(numbered).find(|id| !taken.contains(id));
            let id = free.unwrap_or(id);
            taken.insert(id.clone());
            (id, name)
        })
        .collect()
}

/// A period with its first and last moment.
fn span(period: Period) -> Value {
    json!({ "value": period.to_sdmx(), "start": format!("{}T00:00:00Z", period.start()),
        "end": format!("{}T23:59:59Z", period.last_day()) })
}

/// The value and the marks of an observation, those at the end that are missing left out.
fn observation(of: &ExportedFigure) -> Value {
    let figure = &of.figure;
    let place = |place: Option<usize>| place.map_or(Value::Null, Value::from);
    let mut values = vec![
        json!(figure.value),
        place(ObservationStatus::ALL.iter().position(|status| *status == figure.status)),
        place(Confidentiality::ALL.iter().position(|one| *one == figure.confidentiality)),
        json!(figure.embargo_until.map(moment)),
        json!(figure.note),
        json!(figure.numerator),
        json!(figure.denominator),
        json!(figure.lower),
        json!(figure.upper),
        json!(figure.external_id),
    ];
    while values.last().is_some_and(Value::is_null) {
        values.pop();
    }
    values.into()
}

impl FigureWriter for Writer {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"meta\":");
        push_json(out, &self.meta);
        out.extend_from_slice(b",\n\"data\":{\"dataSets\":[{\"structure\":0,\"action\":\"Information\",\"series\":{");
    }

    fn figure(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), LeftOut> {
        let of = line.of;
        let code = line.place.code.as_deref().ok_or(LeftOut::NoCode)?;
        let key = self.key(of, code, &line.place.name)?;
        if self.series.as_ref() == Some(&key) {
            out.push(b',');
        } else {
            let before = if self.series.is_some() { "}}," } else { "" };
            let marks = json!([text(&of.version.unit, &self.language), of.version.decimals]);
            out.extend_from_slice(
                format!("{before}\n\"{key}\":{{\"attributes\":{marks},\"observations\":{{").as_bytes(),
            );
            self.series = Some(key);
        }
        let period = self.periods.place(&of.period.to_sdmx(), || span(of.period));
        out.extend_from_slice(format!("\"{period}\":").as_bytes());
        push_json(out, &observation(of));
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let last = if self.series.is_some() { "}}" } else { "" };
        out.extend_from_slice(format!("{last}\n}}}}],\n\"structures\":[").as_bytes());
        push_json(out, &self.structure());
        out.extend_from_slice(b"]}}\n");
    }
}
