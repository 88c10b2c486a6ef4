//! Targets are within range and better and later than their baselines, whichever of target, baseline and definition changes.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::codes,
    fixture::{World, english, merge},
};

/// A community with figures for 2015 and 2020 and the series that holds them.
async fn start() -> (App, World, String, Value) {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    for (period, value) in [("2015", 20.0), ("2020", 8.0)] {
        app.record(&world, &community, period, json!({ "value": value })).await;
    }
    let query = "{ community(slug: \"c\") { series { nodes { id } } } }";
    let series = app.admin.data(query, json!({})).await["community"]["series"]["nodes"][0]["id"].take();
    (app, world, community, series)
}

fn target(world: &World, owner: (&str, &str), value: f64, due_on: &str) -> Value {
    let mut input =
        json!({ "indicator": world.indicator, "indicatorVersion": world.version, "value": value, "dueOn": due_on });
    input[owner.0] = json!(owner.1);
    input
}

async fn refused(app: &App, name: &str, input: Value, record: &str) -> (String, String) {
    codes(&app.admin.refusal(name, input, record).await).remove(0)
}

#[tokio::test]
async fn a_baseline_that_a_target_is_not_better_than_is_refused() {
    let (app, world, community, series) = start().await;
    let own = target(&world, ("community", &community), 10.0, "2018-06-30");
    let set = app.admin.change("targetSet", own, "target", "id version").await;
    // 8.0 is better than the target already, and 2020 ends after it falls due.
    let conflict = ("input.period".to_owned(), "CONFLICT".to_owned());
    assert_eq!(
        refused(&app, "baselineCreate", json!({ "series": series, "period": "2020" }), "baseline").await,
        conflict
    );
    let baseline = app.create("baseline", json!({ "series": series, "period": "2015" })).await;
    let moved = |version: i32| json!({ "id": baseline, "version": version, "period": "2020" });
    assert_eq!(refused(&app, "baselineUpdate", moved(1), "baseline").await, conflict);
    // Without the target it can be moved; then the target cannot come back.
    let archive =
        |version: &Value, archived: bool| json!({ "id": set["id"], "version": version, "archived": archived });
    let archived = app.admin.change("targetArchive", archive(&set["version"], true), "target", "version").await;
    app.admin.change("baselineUpdate", moved(1), "baseline", "id").await;
    let back = refused(&app, "targetArchive", archive(&archived["version"], false), "target").await;
    assert_eq!(back, ("input.dueOn".to_owned(), "OUT_OF_RANGE".to_owned()));
}

#[tokio::test]
async fn a_baseline_of_a_part_of_the_population_has_no_targets() {
    let (app, world, community, _) = start().await;
    let own = target(&world, ("community", &community), 10.0, "2030-12-31");
    app.admin.change("targetSet", own, "target", "id").await;
    let part = json!({ "value": 5.0, "disaggregation": [{ "name": "age", "value": "0-17" }] });
    app.record(&world, &community, "2020", part).await;
    let query = "{ community(slug: \"c\") { series(filter: { disaggregation: [{ name: \"age\", value: \"0-17\" }] }) { nodes { id } } } }";
    let series = app.admin.data(query, json!({})).await["community"]["series"]["nodes"][0]["id"].take();
    app.create("baseline", json!({ "series": series, "period": "2020" })).await;
}

#[tokio::test]
async fn a_target_of_a_network_is_one_aim_for_members_on_either_side_of_it() {
    let (app, world, community, series) = start().await;
    app.create("baseline", json!({ "series": series, "period": "2020" })).await;
    let own = target(&world, ("community", &community), 10.0, "2030-12-31");
    assert_eq!(refused(&app, "targetSet", own, "target").await.0, "input.value");
    let network = target(&world, ("network", &world.network), 10.0, "2030-12-31");
    app.admin.change("targetSet", network.clone(), "target", "id").await;
    let mut out_of_range = network;
    merge(&mut out_of_range, json!({ "value": 101.0 }));
    assert_eq!(refused(&app, "targetSet", out_of_range, "target").await.0, "input.value");
}

#[tokio::test]
async fn a_definition_keeps_its_targets_in_range() {
    let app = App::start().await;
    let world = app.world().await;
    let network = target(&world, ("network", &world.network), 60.0, "2030-12-31");
    let set = app.admin.change("targetSet", network, "target", "id version").await;
    let narrowed = |bound: &str, value: f64| {
        let mut input = json!({ "id": world.version, "version": 1 });
        input[bound] = json!(value);
        input
    };
    for (bound, value) in [("maximum", 50.0), ("minimum", 70.0)] {
        let refused = refused(&app, "indicatorVersionUpdate", narrowed(bound, value), "indicatorVersion").await;
        assert_eq!(refused, (format!("input.{bound}"), "CONFLICT".to_owned()));
    }
    let archive = json!({ "id": set["id"], "version": set["version"] });
    app.admin.change("targetArchive", archive, "target", "id").await;
    app.admin.change("indicatorVersionUpdate", narrowed("maximum", 50.0), "indicatorVersion", "id").await;
}

/// Invariant 7.
#[tokio::test]
async fn nobody_sets_communities_a_target_on_a_performance_measure() {
    let (app, mut world, community, _) = start().await;
    let input = json!({ "code": "served", "kind": "PERFORMANCE_HOW_MUCH", "name": english("People served") });
    world.indicator = app.create("indicator", input).await;
    world.version = app.version(&world.indicator, json!({ "measure": "COUNT", "unit": english("people") })).await;
    for owner in [("community", &community), ("network", &world.network)] {
        let input = target(&world, (owner.0, owner.1), 5.0, "2030-12-31");
        assert_eq!(
            refused(&app, "targetSet", input, "target").await,
            ("input.indicator".to_owned(), "INVALID".to_owned())
        );
    }
}
