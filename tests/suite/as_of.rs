//! What was known at a moment: by the revisions of then, as far as it may be read now.

use serde_json::{Value, json};

use crate::{
    app::App,
    fixture::{World, english, merge},
};

const KNOWN: &str = "query($asOf: DateTime) {
    comparison(network: \"net\", indicator: \"rate\", asOf: $asOf) { period distribution { median }
        entries { community { slug } current { value revision supersededAt } baseline { value } change reasons } }
    community(slug: \"a\") { latestValues(indicators: [\"rate\"], asOf: $asOf) { value period observation { revision } }
        series { nodes { latest(asOf: $asOf) { value period revision } } } } }";

/// The present moment, with time before and after it.
fn moment(app: &App) -> String {
    app.clock.pass(60);
    let now = domain::port::clock::Clock::now(&*app.clock);
    app.clock.pass(60);
    now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// Records and answers the moment after.
async fn record(app: &App, world: &World, community: &str, period: &str, figure: Value) -> String {
    app.record(world, community, period, figure).await;
    moment(app)
}

async fn known(app: &App, as_of: Option<&str>) -> Value {
    app.anonymous.data(KNOWN, json!({ "asOf": as_of })).await
}

#[tokio::test]
async fn comparison_and_newest_values_say_what_was_known_then() {
    let app = App::start().await;
    let world = app.world().await;
    let a = app.member(&world.network, "a").await;
    let before = record(&app, &world, &a, "2015", json!({ "value": 20.0 })).await;
    let first = record(&app, &world, &a, "2020", json!({ "value": 10.0 })).await;
    let corrected = record(&app, &world, &a, "2020", json!({ "value": 12.0 })).await;
    record(&app, &world, &a, "2021", json!({ "value": 9.0 })).await;
    let seen = |data: &Value| {
        let entry = &data["comparison"]["entries"][0];
        let newest = &data["community"]["latestValues"][0];
        assert_eq!(newest["value"], entry["current"]["value"], "{data:#}");
        assert_eq!(data["community"]["series"]["nodes"][0]["latest"]["value"], newest["value"]);
        (data["comparison"]["period"].clone(), entry["current"]["value"].clone(), entry["current"]["revision"].clone())
    };
    for (as_of, period, value, revision) in [
        (Some(&before), "2015", 20.0, 1),
        (Some(&first), "2020", 10.0, 1),
        (Some(&corrected), "2020", 12.0, 2),
        (None, "2021", 9.0, 1),
    ] {
        // Once more from the cache, where there is one for each moment.
        for _ in 0..2 {
            let data = known(&app, as_of.map(String::as_str)).await;
            assert_eq!(seen(&data), (json!(period), json!(value), json!(revision)), "{as_of:?}");
        }
    }
    let then = known(&app, Some(&first)).await;
    assert!(then["comparison"]["entries"][0]["current"]["supersededAt"].is_string(), "{then:#}");
    let nothing = known(&app, Some("2001-01-01T00:00:00Z")).await;
    assert_eq!(nothing["comparison"]["entries"][0]["current"], Value::Null);
    assert_eq!(nothing["community"]["latestValues"], json!([]));
}

#[tokio::test]
async fn baselines_and_breaks_count_as_they_were_known() {
    let app = App::start().await;
    let world = app.world().await;
    let a = app.member(&world.network, "a").await;
    record(&app, &world, &a, "2015", json!({ "value": 20.0 })).await;
    let whole = record(&app, &world, &a, "2020", json!({ "value": 10.0 })).await;
    let query = "{ community(slug: \"a\") { series { nodes { id } } } }";
    let series = app.admin.data(query, json!({})).await["community"]["series"]["nodes"][0]["id"].take();
    app.create("baseline", json!({ "series": series, "period": "2015" })).await;
    record(&app, &world, &a, "2018", json!({ "value": 15.0, "status": "SERIES_BREAK" })).await;
    record(&app, &world, &a, "2015", json!({ "value": 22.0 })).await;
    let entry = |data: &Value| data["comparison"]["entries"][0].clone();
    let then = entry(&known(&app, Some(&whole)).await);
    assert_eq!((&then["baseline"]["value"], &then["change"]), (&json!(20.0), &json!(-10.0)), "{then:#}");
    let now = entry(&known(&app, None).await);
    assert_eq!((&now["baseline"]["value"], &now["change"]), (&json!(22.0), &Value::Null), "{now:#}");
    assert!(now["reasons"].as_array().unwrap().contains(&json!("SERIES_BREAK")));
}

#[tokio::test]
async fn declared_breaks_and_bridges_count_as_they_were_known() {
    let app = App::start().await;
    let world = app.world().await;
    let a = app.member(&world.network, "a").await;
    record(&app, &world, &a, "2015", json!({ "value": 10.0 })).await;
    let whole = record(&app, &world, &a, "2023", json!({ "value": 12.0 })).await;
    let change = async |mutation: &str, input: Value| {
        let changed = app.admin.change(mutation, input, "seriesBreak", "id version").await;
        (changed, moment(&app))
    };
    let input = json!({ "community": a, "indicator": world.indicator, "startsOn": "2020-01-01", "reason": "METHOD" });
    let (declared, broken) = change("seriesBreakCreate", input).await;
    let with = |version: i32, more: Value| {
        let mut input = json!({ "id": declared["id"], "version": version });
        merge(&mut input, more);
        input
    };
    let bridge = json!({ "factor": 1.5, "offset": -1.0, "evidence": english("2019 was measured both ways") });
    let (_, bridged) = change("seriesBreakUpdate", with(1, json!({ "bridge": bridge }))).await;
    let (_, later) = change("seriesBreakUpdate", with(2, json!({ "startsOn": "2024-01-01" }))).await;
    let (_, earlier) = change("seriesBreakUpdate", with(3, json!({ "startsOn": "2021-01-01", "bridge": null }))).await;
    let (_, archived) = change("seriesBreakArchive", with(4, json!({}))).await;
    change("seriesBreakArchive", with(5, json!({ "archived": false }))).await;
    let query = "query($asOf: DateTime) { comparison(network: \"net\", indicator: \"rate\", baselinePeriod: \"2015\", asOf: $asOf) {
        entries { change reasons } } }";
    for (when, as_of, change, reasons) in [
        ("before it was declared", Some(whole), json!(2.0), json!([])),
        ("declared", Some(broken), Value::Null, json!(["SERIES_BREAK"])),
        ("bridged: 12 - (1.5 x 10 - 1)", Some(bridged), json!(-2.0), json!(["BRIDGED"])),
        ("after both figures", Some(later), json!(2.0), json!([])),
        ("between them, without its bridge", Some(earlier), Value::Null, json!(["SERIES_BREAK"])),
        ("archived", Some(archived), json!(2.0), json!([])),
        ("brought back", None, Value::Null, json!(["SERIES_BREAK"])),
    ] {
        let data = app.anonymous.data(query, json!({ "asOf": as_of })).await;
        assert_eq!(data["comparison"]["entries"][0], json!({ "change": change, "reasons": reasons }), "{when}");
    }
}

/// Figures from before are by another definition: what was known of the bridge decides whether there is a baseline at all.
#[tokio::test]
async fn bridges_between_definitions_count_as_they_were_known() {
    let app = App::start().await;
    let mut world = app.world().await;
    let a = app.member(&world.network, "a").await;
    record(&app, &world, &a, "2015", json!({ "value": 10.0 })).await;
    world.version = app.version(&world.indicator, json!({ "effectiveFrom": "2020-01-01" })).await;
    let unbridged = record(&app, &world, &a, "2023", json!({ "value": 12.0 })).await;
    let bridge = json!({ "factor": 1.5, "offset": -1.0, "evidence": english("2019 was measured both ways") });
    let input = json!({ "community": a, "indicator": world.indicator, "startsOn": "2020-01-01", "reason": "DEFINITION", "bridge": bridge });
    let declared = app.admin.change("seriesBreakCreate", input, "seriesBreak", "id").await;
    let bridged = moment(&app);
    app.admin.change("seriesBreakArchive", json!({ "id": declared["id"], "version": 1 }), "seriesBreak", "id").await;
    let query = "query($asOf: DateTime) { comparison(network: \"net\", indicator: \"rate\", baselinePeriod: \"2015\", asOf: $asOf) {
        entries { change } } }";
    for (as_of, change) in [(Some(unbridged), Value::Null), (Some(bridged), json!(-2.0)), (None, Value::Null)] {
        let data = app.anonymous.data(query, json!({ "asOf": as_of })).await;
        assert_eq!(data["comparison"]["entries"][0]["change"], change, "{as_of:?}");
    }
}

#[tokio::test]
async fn whether_it_may_be_read_is_decided_now() {
    let app = App::start().await;
    let world = app.world().await;
    let a = app.member(&world.network, "a").await;
    let open = record(&app, &world, &a, "2020", json!({ "value": 10.0 })).await;
    record(&app, &world, &a, "2020", json!({ "value": 11.0, "confidentiality": "CONFIDENTIAL" })).await;
    let withdrawn = known(&app, Some(&open)).await;
    assert_eq!(withdrawn["comparison"]["entries"][0]["current"], Value::Null, "{withdrawn:#}");
    assert_eq!(withdrawn["community"]["latestValues"], json!([]));
    assert_eq!(withdrawn["community"]["series"]["nodes"][0]["latest"], Value::Null);
    let theirs = app.admin.data(KNOWN, json!({ "asOf": open })).await;
    assert_eq!(theirs["community"]["latestValues"][0]["value"], 10.0, "whoever reads everything reads its history");
    let rule = json!({ "community": a, "visibility": "PRIVATE" });
    record(&app, &world, &a, "2020", json!({ "value": 12.0, "confidentiality": "FREE" })).await;
    assert_eq!(known(&app, Some(&open)).await["community"]["latestValues"][0]["value"], 10.0);
    app.create("sharingRule", rule).await;
    assert_eq!(known(&app, Some(&open)).await["community"]["latestValues"], json!([]));
}

#[tokio::test]
async fn observations_are_paged_as_they_were_known() {
    let app = App::start().await;
    let world = app.world().await;
    let a = app.member(&world.network, "a").await;
    let mut then = String::new();
    for year in 2010..2015 {
        then = record(&app, &world, &a, &year.to_string(), json!({ "value": 1.0 })).await;
    }
    for year in 2010..2018 {
        record(&app, &world, &a, &year.to_string(), json!({ "value": 2.0 })).await;
    }
    let query = "query($asOf: DateTime, $after: String, $before: String, $first: Int, $last: Int) { community(slug: \"a\") { series { nodes {
        observations(asOf: $asOf, after: $after, before: $before, first: $first, last: $last) { totalCount
            nodes { period value revision supersededAt revisions { value } } pageInfo { hasNextPage endCursor startCursor } } } } } }";
    let page = async |more: Value| {
        let mut variables = json!({ "asOf": then });
        merge(&mut variables, more);
        app.anonymous.data(query, variables).await["community"]["series"]["nodes"][0]["observations"].take()
    };
    let periods = |page: &Value| -> Vec<String> {
        page["nodes"].as_array().unwrap().iter().map(|node| node["period"].as_str().unwrap().to_owned()).collect()
    };
    let first = page(json!({ "first": 2 })).await;
    assert_eq!((&first["totalCount"], &first["pageInfo"]["hasNextPage"]), (&json!(5), &json!(true)));
    assert_eq!(periods(&first), ["2010", "2011"]);
    let node = &first["nodes"][0];
    assert_eq!((&node["value"], &node["revision"]), (&json!(1.0), &json!(1)));
    assert!(node["supersededAt"].is_string());
    assert_eq!(node["revisions"], json!([{ "value": 1.0 }, { "value": 2.0 }]), "its history is told whole");
    let second = page(json!({ "first": 9, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(periods(&second), ["2012", "2013", "2014"]);
    let back = page(json!({ "last": 1, "before": second["pageInfo"]["startCursor"] })).await;
    assert_eq!(periods(&back), ["2011"]);
    let now = page(json!({ "asOf": null, "first": 9 })).await;
    assert_eq!((now["totalCount"].clone(), periods(&now).len()), (json!(8), 8));
    assert_eq!(now["nodes"][0]["value"], 2.0);
    // The same moment written otherwise, and what is none.
    let moment: chrono::DateTime<chrono::FixedOffset> = then.parse().unwrap();
    let elsewhere = moment.with_timezone(&chrono::FixedOffset::west_opt(5 * 3600).unwrap()).to_rfc3339();
    assert_eq!(page(json!({ "asOf": elsewhere, "first": 2 })).await, first);
    for wrong in ["yesterday", "2020-01-01", "2020-01-01T00:00:00"] {
        let error = app.anonymous.error(query, json!({ "asOf": wrong })).await;
        assert_eq!(error["extensions"]["field"], "asOf", "{wrong}");
        let error = app.anonymous.error(KNOWN, json!({ "asOf": wrong })).await;
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{wrong}");
    }
}

#[tokio::test]
async fn long_histories_are_read_in_parts() {
    let app = App::start().await;
    let world = app.world().await;
    let a = app.member(&world.network, "a").await;
    for value in 0..5 {
        app.record(&world, &a, "2020", json!({ "value": f64::from(value) })).await;
    }
    let query =
        "query($last: Int! = 20, $before: Int) { community(slug: \"a\") { series(first: 1) { nodes { observations(first: 1) { nodes {
        revisions(last: $last, before: $before) { revision } } } } } } }";
    let read = async |variables: Value| {
        let data = app.anonymous.data(query, variables).await;
        let revisions = &data["community"]["series"]["nodes"][0]["observations"]["nodes"][0]["revisions"];
        revisions.as_array().unwrap().iter().map(|one| one["revision"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(read(json!({})).await, [1, 2, 3, 4, 5]);
    assert_eq!(read(json!({ "last": 2 })).await, [4, 5]);
    assert_eq!(read(json!({ "last": 2, "before": 4 })).await, [2, 3]);
    for last in [0, 101, -1] {
        let error = app.anonymous.error(query, json!({ "last": last })).await;
        assert_eq!(error["extensions"]["field"], "last");
    }
}

#[tokio::test]
async fn between_a_retraction_and_the_next_figure_nothing_was_known() {
    let app = App::start().await;
    let world = app.world().await;
    let a = app.member(&world.network, "a").await;
    let first = record(&app, &world, &a, "2020", json!({ "value": 10.0 })).await;
    let query = "{ community(slug: \"a\") { series { nodes { id } } } }";
    let series = app.admin.data(query, json!({})).await["community"]["series"]["nodes"][0]["id"].take();
    let retract = "mutation($input: ObservationsRetractInput!) { observationsRetract(input: $input) { retracted } }";
    let input = json!({ "figures": [{ "series": series, "period": "2020" }], "reason": "ERROR" });
    let done = app.admin.data(retract, json!({ "input": input })).await;
    assert_eq!(done["observationsRetract"]["retracted"], 1);
    let gone = moment(&app);
    let again = record(&app, &world, &a, "2020", json!({ "value": 12.0 })).await;
    for (as_of, value) in [(&first, json!(10.0)), (&gone, Value::Null), (&again, json!(12.0))] {
        let data = known(&app, Some(as_of)).await;
        assert_eq!(data["comparison"]["entries"][0]["current"]["value"], value, "{as_of}");
        assert_eq!(data["community"]["latestValues"][0]["value"], value, "{as_of}");
        assert_eq!(data["community"]["series"]["nodes"][0]["latest"]["value"], value, "{as_of}");
        let export = format!("/exports?format=ndjson&network=net&asOf={as_of}");
        let file = app.anonymous.get(&export).send().await.unwrap().text().await.unwrap();
        assert_eq!(file.lines().count(), usize::from(!value.is_null()), "{as_of}: {file}");
    }
}
