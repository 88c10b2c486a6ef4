//! Recording figures, one by one.

use rstest::rstest;
use serde_json::{Value, json};

use crate::{app::App, client::codes, fixture::english};

const HISTORY: &str = "{ communities(first: 5) { nodes { series(first: 5) { nodes { observations(first: 9) { nodes { period value status revision
    revisions { revision value supersededAt } } } } } } } }";

#[tokio::test]
async fn nothing_is_overwritten() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    assert_eq!(app.record(&world, &community, "2020", json!({ "value": 12.5 })).await, "CREATED");
    assert_eq!(app.record(&world, &community, "2020", json!({ "value": 12.5 })).await, "UNCHANGED");
    assert_eq!(app.record(&world, &community, "2020", json!({ "value": 12.4, "note": "corrected" })).await, "UPDATED");
    assert_eq!(
        app.record(&world, &community, "2020-01", json!({ "value": 9.0 })).await,
        "CREATED",
        "a month is not its year"
    );
    let data = app.anonymous.data(HISTORY, json!({})).await;
    let figures = &data["communities"]["nodes"][0]["series"]["nodes"][0]["observations"]["nodes"];
    assert_eq!((&figures[0]["period"], &figures[1]["period"]), (&json!("2020-01"), &json!("2020")));
    let year = &figures[1];
    assert_eq!((&year["value"], &year["revision"]), (&json!(12.4), &json!(2)));
    assert_eq!(year["revisions"][0]["value"], 12.5);
    assert!(year["revisions"][0]["supersededAt"].is_string() && year["revisions"][1]["supersededAt"].is_null());
}

#[rstest]
#[case("2020", json!({ "value": 100.5 }), "value", "OUT_OF_RANGE")]
#[case("2020", json!({ "value": -0.1 }), "value", "OUT_OF_RANGE")]
#[case("2020", json!({}), "value", "REQUIRED")]
#[case("2020", json!({ "value": 1.0, "status": "SUPPRESSED" }), "status", "INVALID")]
#[case("2020", json!({ "value": 1.0, "lower": 2.0 }), "lower", "OUT_OF_RANGE")]
#[case("2020", json!({ "value": 1.0, "upper": 0.5 }), "upper", "OUT_OF_RANGE")]
#[case("2020", json!({ "value": 1.0, "denominator": 0.0 }), "denominator", "OUT_OF_RANGE")]
#[case("2020", json!({ "value": 1.0, "numerator": 3.0, "denominator": 2.0 }), "numerator", "OUT_OF_RANGE")]
#[case("2999", json!({ "value": 1.0 }), "period", "OUT_OF_RANGE")]
#[case("2014/2015", json!({ "value": 1.0 }), "period", "INVALID")]
#[case("2020-13", json!({ "value": 1.0 }), "period", "INVALID")]
#[case("2020", json!({ "value": 1.0, "confidentiality": "EMBARGOED" }), "embargoUntil", "INVALID")]
#[tokio::test]
async fn a_figure_that_breaks_a_rule_names_its_field(
    #[case] period: &str,
    #[case] figure: Value,
    #[case] field: &str,
    #[case] code: &str,
) {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let errors = app.refused(&world, &community, period, figure).await;
    assert_eq!(codes(&errors), [(format!("input.{field}"), code.to_owned())]);
    let data = app.anonymous.data("{ communities { nodes { series { totalCount } } } }", json!({})).await;
    assert_eq!(data["communities"]["nodes"][0]["series"]["totalCount"], 0, "nothing half-written stays");
}

#[tokio::test]
async fn a_ratio_must_be_the_ratio_that_it_says() {
    let app = App::start().await;
    let mut world = app.world().await;
    world.version = app
        .version(
            &world.indicator,
            json!({ "measure": "RATE", "unit": english("per 100 000"), "multiplier": 100_000.0,
            "numerator": english("deaths"), "denominator": english("persons"), "additivity": "RATIO_OF_SUMS" }),
        )
        .await;
    let community = app.member(&world.network, "c").await;
    let wrong = json!({ "value": 50.0, "numerator": 12.0, "denominator": 20_000.0 });
    assert_eq!(codes(&app.refused(&world, &community, "2020", wrong).await)[0].0, "input.value");
    let rounded = json!({ "value": 33.3, "numerator": 1.0, "denominator": 3_000.0 });
    assert_eq!(app.record(&world, &community, "2020", rounded).await, "CREATED");
}

#[tokio::test]
async fn a_definition_with_figures_does_not_change_and_performance_measures_are_not_the_communities() {
    let app = App::start().await;
    let mut world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let input = json!({ "code": "served", "kind": "PERFORMANCE_HOW_MUCH", "name": english("People served") });
    let indicator = app.create("indicator", input).await;
    world.version =
        app.version(&indicator, json!({ "measure": "COUNT", "unit": english("people"), "polarity": "NEUTRAL" })).await;
    let errors = app.refused(&world, &community, "2020", json!({ "value": 12.0 })).await;
    assert_eq!(codes(&errors), [("input.indicatorVersion".to_owned(), "INVALID".to_owned())]);
    let errors = app
        .admin
        .refusal("indicatorUpdate", json!({ "id": indicator, "version": 1, "code": "bad code" }), "indicator")
        .await;
    assert_eq!(codes(&errors), [("input.code".to_owned(), "INVALID".to_owned())]);
    let second = app.version(&world.indicator, json!({ "decimals": 0 })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on IndicatorVersion { number } } }";
    assert_eq!(app.anonymous.data(query, json!({ "id": second })).await["node"]["number"], 2);
}

#[tokio::test]
async fn a_community_that_left_keeps_its_history_and_takes_no_more() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.community("c").await;
    let input = json!({ "network": world.network, "community": community, "joinedOn": "2015-01-01" });
    let membership = app.create("membership", input).await;
    app.record(&world, &community, "2020", json!({ "value": 10.0 })).await;
    let left = json!({ "id": membership, "version": 1, "leftOn": "2021-01-01" });
    app.admin.change("membershipUpdate", left, "membership", "id").await;
    let errors = app.refused(&world, &community, "2021", json!({ "value": 9.0 })).await;
    assert_eq!(codes(&errors), [("input.community".to_owned(), "CONFLICT".to_owned())]);
    let data = app.anonymous.data(HISTORY, json!({})).await;
    assert_eq!(data["communities"]["nodes"][0]["series"]["nodes"][0]["observations"]["nodes"][0]["value"], 10.0);
}

#[tokio::test]
async fn many_who_record_the_same_agree_on_one() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let recorded = (0..12).map(|n| app.record(&world, &community, "2020", json!({ "value": f64::from(n % 3) })));
    let outcomes = futures_util::future::join_all(recorded).await;
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "CREATED").count(), 1, "{outcomes:?}");
    let data = app.anonymous.data(HISTORY, json!({})).await;
    let figure = &data["communities"]["nodes"][0]["series"]["nodes"][0]["observations"]["nodes"][0];
    let updates = outcomes.iter().filter(|outcome| *outcome == "UPDATED").count();
    let revisions = figure["revisions"].as_array().unwrap();
    assert_eq!(revisions.len(), 1 + updates, "every change is a revision, and every revision a change");
    assert!(revisions.windows(2).all(|pair| pair[0]["value"] != pair[1]["value"]));
}
