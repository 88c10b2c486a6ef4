//! Data-quality rules: what they find in figures that come in, what becomes of those, and who is told.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::{Client, codes},
    fixture::{World, merge},
};

const PUSH: &str = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) {
    created updated unchanged received kept rejectedRows { index field code message }
    findings { index rule effect message } userErrors { path code message } } }";

struct Town {
    app: App,
    world: World,
    here: String,
    steward: Client,
    contributor: Client,
}

impl Town {
    /// A community whose figures add up.
    async fn new() -> Self {
        let app = App::start().await;
        let mut world = app.world().await;
        let counts = json!({ "measure": "COUNT", "unit": crate::fixture::english("persons"), "additivity": "SUM", "countsPersons": false });
        (world.indicator, world.version) = app.indicator("count", counts).await;
        let here = app.member(&world.network, "here").await;
        let role = |role: &str| json!([{ "role": role, "community": here }]);
        let steward = app.somebody("s@example.org", role("STEWARD")).await.client;
        let contributor = app.somebody("c@example.org", role("CONTRIBUTOR")).await.client;
        Self { app, world, here, steward, contributor }
    }

    async fn rule(&self, rule: Value) -> Value {
        let mut input = json!({ "community": self.here });
        merge(&mut input, rule);
        self.steward.change("qualityRuleCreate", input, "qualityRule", "id version").await
    }

    fn row(&self, period: &str, value: f64, more: Value) -> Value {
        let mut row = json!({ "community": self.here, "indicatorVersion": self.world.version, "source": self.world.source,
            "period": period, "value": value });
        merge(&mut row, more);
        row
    }

    /// What is found in rows that are pushed: `index RULE EFFECT`, and `index !CODE` of those that are refused.
    async fn push(&self, client: &Client, rows: Vec<Value>) -> Vec<String> {
        let input = json!({ "rows": rows, "mode": "BEST_EFFORT" });
        let payload = client.data(PUSH, json!({ "input": input })).await["observationsPush"].take();
        assert_eq!(payload["userErrors"], json!([]));
        let text = |value: &Value| value.to_string().replace('"', "");
        let findings = payload["findings"].as_array().unwrap().iter();
        let found = findings.map(|found| ["index", "rule", "effect"].map(|name| text(&found[name])).join(" "));
        let rejected = payload["rejectedRows"].as_array().unwrap().iter();
        found.chain(rejected.map(|row| format!("{} !{}", text(&row["index"]), text(&row["code"])))).collect()
    }
}

fn part(name: &str, value: &str) -> Value {
    json!({ "disaggregation": [{ "name": name, "value": value }] })
}

#[tokio::test]
async fn what_is_implausible_is_told_or_refused() {
    let town = Town::new().await;
    let value = |period: &str, value: f64| town.row(period, value, json!({}));
    assert!(
        town.push(&town.steward, vec![value("2015", 5000.0)]).await.is_empty(),
        "without a rule nothing is doubtful"
    );
    let rule = json!({ "indicator": town.world.indicator, "rule": "RANGE", "maximum": 1000.0 });
    let rule = town.rule(rule).await;
    assert_eq!(town.push(&town.steward, vec![value("2016", 999.0), value("2017", 1001.0)]).await, ["1 RANGE WARN"]);
    let refuse = json!({ "id": rule["id"], "version": rule["version"], "effect": "REFUSE" });
    let rule = town.steward.change("qualityRuleUpdate", refuse, "qualityRule", "id version").await;
    assert_eq!(town.push(&town.steward, vec![value("2018", 999.0), value("2019", 1001.0)]).await, ["1 !QUALITY"]);
    assert_eq!(town.push(&town.contributor, vec![value("2020", 1001.0)]).await, ["0 !QUALITY"]);
    let lax = json!({ "id": rule["id"], "version": rule["version"] });
    town.steward.change("qualityRuleArchive", lax, "qualityRule", "id").await;
    assert!(town.push(&town.steward, vec![value("2019", 1001.0)]).await.is_empty());
}

#[tokio::test]
async fn a_jump_is_held_against_what_is_recorded_and_what_comes_with_it() {
    let town = Town::new().await;
    town.rule(json!({ "rule": "JUMP", "percent": 50.0 })).await;
    let value = |period: i32, value: f64| town.row(&period.to_string(), value, json!({}));
    let years = (2010..2014).map(|year| value(year, 100.0)).collect();
    assert!(town.push(&town.steward, years).await.is_empty());
    let rows = vec![value(2014, 149.0), value(2015, 400.0), value(2016, 410.0)];
    assert_eq!(town.push(&town.steward, rows).await, ["1 JUMP WARN"]);
    // A series that comes in at once is its own history.
    let all = [7.0, 7.0, 8.0, 7.0, 70.0, 71.0].into_iter().zip(2010..);
    let all = all.map(|(value, year)| town.row(&year.to_string(), value, part("age", "old"))).collect();
    assert_eq!(town.push(&town.steward, all).await, ["4 JUMP WARN"]);
}

#[tokio::test]
async fn a_jump_is_not_held_against_what_was_before_a_declared_break() {
    let town = Town::new().await;
    town.rule(json!({ "rule": "JUMP", "percent": 50.0 })).await;
    let value = |period: i32, value: f64| town.row(&period.to_string(), value, json!({}));
    let one = |value: Value| town.push(&town.steward, vec![value]);
    assert!(town.push(&town.steward, (2010..2015).map(|year| value(year, 100.0)).collect()).await.is_empty());
    let declare = async |starts_on: &str, source: Option<&str>| {
        let input = json!({ "community": town.here, "indicator": town.world.indicator, "startsOn": starts_on, "reason": "METHOD", "source": source });
        town.steward.change("seriesBreakCreate", input, "seriesBreak", "id version").await
    };
    // By another source, or after the figure: it does not count.
    let other = town.app.source("other").await;
    declare("2015-01-01", Some(&other)).await;
    declare("2016-01-01", None).await;
    assert_eq!(one(value(2015, 400.0)).await, ["0 JUMP WARN"]);
    // Before the figure, or within its period: what was before is no history.
    let declared = declare("2015-07-01", Some(&town.world.source)).await;
    assert!(one(value(2015, 401.0)).await.is_empty());
    // After it a history begins anew.
    assert!(town.push(&town.steward, (2016..2019).map(|year| value(year, 900.0)).collect()).await.is_empty());
    assert!(one(value(2019, 9.0)).await.is_empty(), "three values say nothing yet");
    assert!(one(value(2019, 900.0)).await.is_empty());
    assert_eq!(one(value(2020, 9.0)).await, ["0 JUMP WARN"]);
    // Archived, it no longer counts.
    let archived = json!({ "id": declared["id"], "version": 1 });
    town.steward.change("seriesBreakArchive", archived, "seriesBreak", "id").await;
    assert_eq!(one(value(2015, 402.0)).await, ["0 JUMP WARN"]);
}

#[tokio::test]
async fn a_total_is_held_against_its_parts() {
    let town = Town::new().await;
    town.rule(
        json!({ "indicator": town.world.indicator, "rule": "TOTAL_AGAINST_PARTS", "percent": 1.0, "effect": "REFUSE" }),
    )
    .await;
    let row = |period: &str, value: f64, of: Option<(&str, &str)>| {
        town.row(period, value, of.map_or(json!({}), |(name, value)| part(name, value)))
    };
    let (men, women) = (Some(("gender", "men")), Some(("gender", "women")));
    assert!(
        town.push(&town.steward, vec![row("2018", 100.0, None), row("2018", 49.0, men), row("2018", 51.0, women)])
            .await
            .is_empty()
    );
    assert_eq!(
        town.push(&town.steward, vec![row("2019", 49.0, men), row("2019", 51.0, women), row("2019", 200.0, None)])
            .await,
        ["2 !QUALITY"]
    );
    // While a part is missing, the others may be less, and not more.
    assert!(town.push(&town.steward, vec![row("2020", 100.0, None), row("2020", 49.0, men)]).await.is_empty());
    assert_eq!(town.push(&town.steward, vec![row("2020", 60.0, women)]).await, ["0 !QUALITY"]);
    assert!(town.push(&town.steward, vec![row("2020", 51.0, women)]).await.is_empty());
    // Another dimension is another breakdown, and one of two dimensions none.
    let both = json!({ "disaggregation": [{ "name": "gender", "value": "men" }, { "name": "age", "value": "old" }] });
    let rows = vec![row("2020", 102.0, Some(("age", "old"))), town.row("2020", 500.0, both)];
    assert_eq!(town.push(&town.steward, rows).await, ["0 !QUALITY"]);
}

#[tokio::test]
async fn findings_that_tell_of_other_figures_are_for_those_who_read_them() {
    let town = Town::new().await;
    town.rule(json!({ "rule": "JUMP", "percent": 50.0, "effect": "REFUSE" })).await;
    town.rule(json!({ "indicator": town.world.indicator, "rule": "RANGE", "maximum": 1000.0 })).await;
    let value = |period: i32, value: f64| town.row(&period.to_string(), value, json!({}));
    assert!(town.push(&town.steward, (2010..2014).map(|year| value(year, 100.0)).collect()).await.is_empty());
    // Whoever sends it in is told what can be known from the figure itself, and it waits.
    assert_eq!(town.push(&town.contributor, vec![value(2014, 2000.0)]).await, ["0 RANGE WARN"]);
    let query = "query($with: Boolean) { pendingObservations(filter: { withFindings: $with }) { totalCount nodes { id findings { rule effect } } } }";
    let seen = async |client: &Client, with: Option<bool>| {
        client.data(query, json!({ "with": with })).await["pendingObservations"].take()
    };
    let found = seen(&town.steward, Some(true)).await;
    assert_eq!(
        found["nodes"][0]["findings"],
        json!([{ "rule": "JUMP", "effect": "REFUSE" }, { "rule": "RANGE", "effect": "WARN" }])
    );
    assert_eq!(
        seen(&town.contributor, None).await["nodes"][0]["findings"],
        json!([{ "rule": "RANGE", "effect": "WARN" }])
    );
    assert_eq!(seen(&town.contributor, Some(true)).await["totalCount"], 0, "what it was filtered by would tell");
    assert_eq!(seen(&town.steward, Some(false)).await["totalCount"], 0);
    // It is looked at again when it is published.
    let query = "mutation($input: ObservationsPublishInput!) { observationsPublish(input: $input) { decided refusedRows { code } } }";
    let input = json!({ "input": { "ids": [found["nodes"][0]["id"]] } });
    let published = town.steward.data(query, input).await["observationsPublish"].take();
    assert_eq!(published, json!({ "decided": 0, "refusedRows": [{ "code": "QUALITY" }] }));
    let recorded = town.row("2015", 900.0, json!({}));
    let refused = town.steward.refusal("observationRecord", recorded, "observation").await;
    assert_eq!(codes(&refused), [("input.value".to_owned(), "QUALITY".to_owned())]);
}

#[tokio::test]
async fn networks_warn_of_their_members_figures() {
    let town = Town::new().await;
    let coordinator = json!([{ "role": "COORDINATOR", "network": town.world.network }]);
    let coordinator = town.app.somebody("k@example.org", coordinator).await.client;
    let rule =
        json!({ "network": town.world.network, "indicator": town.world.indicator, "rule": "RANGE", "minimum": 10.0 });
    let mut strict = rule.clone();
    merge(&mut strict, json!({ "effect": "REFUSE" }));
    let refused = coordinator.refusal("qualityRuleCreate", strict, "qualityRule").await;
    assert_eq!(codes(&refused), [("input.effect".to_owned(), "INVALID".to_owned())]);
    coordinator.change("qualityRuleCreate", rule, "qualityRule", "id").await;
    assert_eq!(town.push(&town.steward, vec![town.row("2020", 9.0, json!({}))]).await, ["0 RANGE WARN"]);
    let outside = town.app.community("outside").await;
    let row = town.row("2020", 9.0, json!({ "community": outside }));
    assert!(town.push(&town.app.admin, vec![row]).await.is_empty());
}
