//! Declared breaks of series and bridges over them, as comparisons respect them.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::codes,
    fixture::{World, english, merge},
};

const COMPARE: &str = "{ comparison(network: \"net\", indicator: \"rate\", baselinePeriod: \"2015\") {
    entries { baseline { value } current { value } change improvement reasons } } }";

struct Town {
    app: App,
    world: World,
    community: String,
}

impl Town {
    async fn new() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let community = app.member(&world.network, "c").await;
        for (period, value) in [("2015", 10.0), ("2023", 12.0)] {
            app.record(&world, &community, period, json!({ "value": value })).await;
        }
        Self { app, world, community }
    }

    fn input(&self, more: Value) -> Value {
        let mut input = json!({ "community": self.community, "indicator": self.world.indicator, "startsOn": "2020-01-01", "reason": "METHOD" });
        merge(&mut input, more);
        input
    }

    async fn declare(&self, more: Value) -> Value {
        let select = "id version startsOn reason bridge { factor offset evidence { text } }";
        self.app.admin.change("seriesBreakCreate", self.input(more), "seriesBreak", select).await
    }

    /// The change and its reasons.
    async fn compared(&self) -> (Value, Value) {
        let mut data = self.app.anonymous.data(COMPARE, json!({})).await;
        let entry = &mut data["comparison"]["entries"][0];
        assert_eq!(
            (&entry["baseline"]["value"], &entry["current"]["value"]),
            (&json!(10.0), &json!(12.0)),
            "both stay as they are"
        );
        (entry["change"].take(), entry["reasons"].take())
    }
}

fn bridge(factor: f64, offset: f64) -> Value {
    json!({ "factor": factor, "offset": offset, "evidence": english("2019 was measured both ways") })
}

#[tokio::test]
async fn no_change_is_computed_across_a_declared_break() {
    let town = Town::new().await;
    assert_eq!(town.compared().await, (json!(2.0), json!([])));
    let declared = town.declare(json!({})).await;
    assert_eq!(town.compared().await, (Value::Null, json!(["SERIES_BREAK"])));
    let archived = json!({ "id": declared["id"], "version": 1 });
    town.app.admin.change("seriesBreakArchive", archived, "seriesBreak", "id").await;
    assert_eq!(town.compared().await, (json!(2.0), json!([])), "archived, it no longer counts");
}

#[tokio::test]
async fn a_break_counts_from_within_the_baseline_to_within_the_figure() {
    for (day, broken) in [
        ("2015-01-01", false),
        ("2015-01-02", true),
        ("2016-01-01", true),
        ("2023-01-01", true),
        ("2023-12-31", true),
        ("2024-01-01", false),
    ] {
        let town = Town::new().await;
        town.declare(json!({ "startsOn": day, "source": town.world.source })).await;
        assert_eq!(town.compared().await.0.is_null(), broken, "{day}");
    }
}

#[tokio::test]
async fn a_bridge_leads_over_it_and_is_told() {
    let town = Town::new().await;
    let declared = town.declare(json!({ "bridge": bridge(1.5, -1.0) })).await;
    assert_eq!(
        declared["bridge"],
        json!({ "factor": 1.5, "offset": -1.0, "evidence": { "text": "2019 was measured both ways" } })
    );
    // 12 - (1.5 x 10 - 1)
    assert_eq!(town.compared().await, (json!(-2.0), json!(["BRIDGED"])));
    // Another one after it, by another source alone: it does not count. By this one, it has no bridge.
    let other = town.app.source("other").await;
    town.declare(json!({ "startsOn": "2021-01-01", "source": other })).await;
    assert_eq!(town.compared().await.1, json!(["BRIDGED"]));
    let second = town.declare(json!({ "startsOn": "2022-01-01" })).await;
    assert_eq!(town.compared().await, (Value::Null, json!(["SERIES_BREAK"])));
    let update = json!({ "id": second["id"], "version": 1, "bridge": bridge(0.5, 0.0) });
    town.app.admin.change("seriesBreakUpdate", update, "seriesBreak", "version").await;
    // 12 - 0.5 x (1.5 x 10 - 1)
    assert_eq!(town.compared().await, (json!(5.0), json!(["BRIDGED"])));
    let update = json!({ "id": declared["id"], "version": 1, "bridge": null });
    town.app.admin.change("seriesBreakUpdate", update, "seriesBreak", "version").await;
    assert_eq!(town.compared().await, (Value::Null, json!(["SERIES_BREAK"])));
}

#[tokio::test]
async fn a_figure_marked_as_a_break_is_not_bridged_by_another() {
    let town = Town::new().await;
    town.declare(json!({ "bridge": bridge(1.0, 0.0) })).await;
    town.app.record(&town.world, &town.community, "2019", json!({ "value": 11.0, "status": "SERIES_BREAK" })).await;
    assert_eq!(town.compared().await, (Value::Null, json!(["SERIES_BREAK"])));
}

#[tokio::test]
async fn what_a_break_needs_is_asked_for() {
    let town = Town::new().await;
    for (more, field, code) in [
        (json!({ "reason": "OTHER" }), "note", "REQUIRED"),
        (json!({ "bridge": bridge(0.0, 1.0) }), "bridge.factor", "OUT_OF_RANGE"),
        (json!({ "source": town.world.indicator }), "source", "INVALID"),
    ] {
        let errors = town.app.admin.refusal("seriesBreakCreate", town.input(more), "seriesBreak").await;
        assert_eq!(codes(&errors), [(format!("input.{field}"), code.to_owned())]);
    }
}

/// An indicator defined anew in 2020: figures before are by the first version, figures after by the second.
#[tokio::test]
async fn a_bridge_leads_from_one_definition_to_the_next() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    app.record(&world, &community, "2015", json!({ "value": 10.0 })).await;
    let version = app.version(&world.indicator, json!({ "effectiveFrom": "2020-01-01" })).await;
    let world = World { version, ..world };
    app.record(&world, &community, "2023", json!({ "value": 12.0 })).await;
    let town = Town { app, world, community };
    let entry = async |from: &str| {
        let query = COMPARE.replace("baselinePeriod: \"2015\"", from);
        town.app.anonymous.data(&query, json!({})).await["comparison"]["entries"][0].take()
    };
    let asked = "baselinePeriod: \"2015\"";
    let unbridged = entry(asked).await;
    assert_eq!((&unbridged["baseline"], &unbridged["change"]), (&Value::Null, &Value::Null));
    let declared = town.declare(json!({ "reason": "DEFINITION" })).await;
    assert_eq!(entry(asked).await["change"], Value::Null, "a declared change of definition alone is no bridge");
    let update = json!({ "id": declared["id"], "version": 1, "bridge": bridge(1.5, -1.0) });
    town.app.admin.change("seriesBreakUpdate", update, "seriesBreak", "version").await;
    let bridged = entry(asked).await;
    assert_eq!((&bridged["baseline"]["value"], &bridged["change"]), (&json!(10.0), &json!(-2.0)));
    assert_eq!((&bridged["improvement"], &bridged["reasons"]), (&json!(2.0), &json!(["BRIDGED"])));
    // So it does from the declared baseline.
    assert_eq!(entry("period: null").await["change"], Value::Null);
    let query = "{ community(slug: \"c\") { series { nodes { id latest { period } } } } }";
    let series = town.app.admin.data(query, json!({})).await["community"]["series"]["nodes"].take();
    let first = series.as_array().unwrap().iter().find(|one| one["latest"]["period"] == "2015").unwrap();
    town.app.create("baseline", json!({ "series": first["id"], "period": "2015" })).await;
    assert_eq!(entry("period: null").await["change"], -2.0);
    // Another break on the way has none, or a figure is marked as one.
    let other = town.declare(json!({ "startsOn": "2018-01-01", "reason": "GEOGRAPHY" })).await;
    assert_eq!(entry(asked).await["change"], Value::Null);
    town.app.admin.change("seriesBreakArchive", json!({ "id": other["id"], "version": 1 }), "seriesBreak", "id").await;
    assert_eq!(entry(asked).await["change"], -2.0);
    town.app.record(&town.world, &town.community, "2021", json!({ "value": 11.0, "status": "SERIES_BREAK" })).await;
    assert_eq!(entry(asked).await["change"], Value::Null);
}

/// Both figures are by one definition, whatever was declared of another.
#[tokio::test]
async fn a_bridge_between_definitions_is_not_taken_within_one() {
    let town = Town::new().await;
    town.declare(json!({ "reason": "DEFINITION", "bridge": bridge(2.0, 0.0) })).await;
    assert_eq!(town.compared().await, (Value::Null, json!(["SERIES_BREAK"])));
}

#[tokio::test]
async fn every_change_of_definition_needs_its_bridge() {
    let Town { app, world, community } = Town::new().await;
    for (year, from) in [("2023", "2020-01-01"), ("2024", "2024-01-01")] {
        let version = app.version(&world.indicator, json!({ "effectiveFrom": from })).await;
        let by = World { version, network: String::new(), source: world.source.clone(), indicator: String::new() };
        app.record(&by, &community, year, json!({ "value": 30.0 })).await;
    }
    let town = Town { app, world, community };
    let change = async || {
        let mut data =
            town.app.anonymous.data(&COMPARE.replace("network:", "period: \"2024\", network:"), json!({})).await;
        data["comparison"]["entries"][0]["change"].take()
    };
    assert_eq!(change().await, Value::Null);
    town.declare(json!({ "reason": "DEFINITION", "bridge": bridge(2.0, 0.0) })).await;
    assert_eq!(change().await, Value::Null, "two changes and one bridge");
    town.declare(json!({ "reason": "DEFINITION", "startsOn": "2024-01-01", "bridge": bridge(0.5, 0.0) })).await;
    assert_eq!(change().await, 20.0, "30 - 0.5 x 2 x 10");
}
