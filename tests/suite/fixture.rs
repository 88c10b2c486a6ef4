//! Small worlds for tests, made through the API itself.

use serde_json::{Value, json};

use crate::app::App;

/// A text in English and French.
pub fn text(en: &str, fr: &str) -> Value {
    json!({ "sourceLanguage": "en", "translations": [{ "language": "en", "text": en }, { "language": "fr", "text": fr }] })
}

/// A text in English.
pub fn english(en: &str) -> Value {
    json!({ "sourceLanguage": "en", "translations": [{ "language": "en", "text": en }] })
}

impl App {
    /// Creates a record with the administrator's rights and answers its global id.
    pub async fn create(&self, noun: &str, input: Value) -> String {
        let record = self.admin.change(&format!("{noun}Create"), input, noun, "id version").await;
        assert_eq!(record["version"], 1);
        record["id"].as_str().unwrap().to_owned()
    }

    pub async fn network(&self, slug: &str) -> String {
        let input = json!({ "slug": slug, "name": text("A network", "Un réseau"), "startsOn": "2015-01-01" });
        self.create("network", input).await
    }

    pub async fn community(&self, slug: &str) -> String {
        let input = json!({ "slug": slug, "name": english(slug), "kind": "MUNICIPALITY", "country": "CA" });
        self.create("community", input).await
    }

    pub async fn member(&self, network: &str, slug: &str) -> String {
        let community = self.community(slug).await;
        let input = json!({ "network": network, "community": community, "joinedOn": "2015-01-01" });
        self.create("membership", input).await;
        community
    }

    pub async fn source(&self, key: &str) -> String {
        self.create("source", json!({ "key": key, "name": english(key) })).await
    }

    /// An indicator with one definition; answers both ids.
    pub async fn indicator(&self, code: &str, version: Value) -> (String, String) {
        let input = json!({ "code": code, "kind": "POPULATION", "name": text("A rate", "Un taux") });
        let indicator = self.create("indicator", input).await;
        let version = self.version(&indicator, version).await;
        (indicator, version)
    }

    /// A definition: a percentage of which less is better, unless `changes` say otherwise.
    pub async fn version(&self, indicator: &str, changes: Value) -> String {
        let mut input = json!({
            "indicator": indicator, "measure": "PERCENTAGE", "unit": english("%"), "polarity": "LOWER_IS_BETTER",
            "frequency": "YEAR", "additivity": "NONE", "effectiveFrom": "2015-01-01",
        });
        merge(&mut input, changes);
        let version = self.admin.change("indicatorVersionCreate", input, "indicatorVersion", "id").await;
        version["id"].as_str().unwrap().to_owned()
    }

    /// Records a figure and answers what became of it.
    pub async fn record(&self, world: &World, community: &str, period: &str, figure: Value) -> String {
        let mut input = json!({
            "community": community, "indicatorVersion": world.version, "source": world.source, "period": period,
        });
        merge(&mut input, figure);
        let query = "mutation($input: ObservationRecordInput!) {
            observationRecord(input: $input) { outcome observation { value } userErrors { path message code } } }";
        let data = self.admin.data(query, json!({ "input": input })).await;
        let payload = &data["observationRecord"];
        assert_eq!(payload["userErrors"], json!([]));
        payload["outcome"].as_str().unwrap().to_owned()
    }

    /// The errors of a figure that is refused.
    pub async fn refused(&self, world: &World, community: &str, period: &str, figure: Value) -> Vec<Value> {
        let mut input = json!({
            "community": community, "indicatorVersion": world.version, "source": world.source, "period": period,
        });
        merge(&mut input, figure);
        self.admin.refusal("observationRecord", input, "observation").await
    }

    /// A network `net`, a source, and an indicator `rate` of which less is better.
    pub async fn world(&self) -> World {
        let network = self.network("net").await;
        let source = self.source("survey").await;
        let (indicator, version) = self.indicator("rate", json!({})).await;
        World { network, source, indicator, version }
    }
}

/// The ids of a small world.
pub struct World {
    pub network: String,
    pub source: String,
    pub indicator: String,
    pub version: String,
}

/// Puts the fields of one object into another.
pub fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
