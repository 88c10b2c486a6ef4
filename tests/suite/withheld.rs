//! What was withheld stays withheld: in what is sent again, in history, in parts, in lists and in what is computed.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::App,
    cli::concert,
    fixture::{World, english},
};

const SEEN: &str = "{ community(slug: \"c\") { series { totalCount nodes { latest { value }
    observations(first: 50) { nodes { id value revisions { id value } } } } } } }";

/// Every value that nobody in particular reads of the community, and the ids of their revisions.
async fn public(app: &App) -> Value {
    app.anonymous.data(SEEN, json!({})).await["community"]["series"].take()
}

async fn start() -> (App, World, String) {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    (app, world, community)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_figure_that_is_sent_again_does_not_become_public() {
    let (app, world, community) = start().await;
    app.record(&world, &community, "2019", json!({ "value": 30.0 })).await;
    let small = json!({ "value": 5.0, "confidentiality": "SMALL_COUNTS", "externalId": "x1" });
    let embargoed = json!({ "value": 6.0, "confidentiality": "EMBARGOED", "embargoUntil": "2999-01-01T00:00:00Z" });
    assert_eq!(app.record(&world, &community, "2020", small).await, "CREATED");
    assert_eq!(app.record(&world, &community, "2021", embargoed).await, "CREATED");
    let before = public(&app).await;
    assert_eq!(before["nodes"][0]["latest"]["value"], 30.0);
    for (period, value, outcome) in [("2020", 5.0, "UNCHANGED"), ("2020", 7.0, "UPDATED"), ("2021", 6.0, "UNCHANGED")] {
        assert_eq!(
            app.record(&world, &community, period, json!({ "value": value })).await,
            outcome,
            "{period} {value}"
        );
        assert_eq!(public(&app).await, before, "{period} {value}");
    }
    // The same by a file.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("again.csv");
    let codes = json!({ "id": community, "version": 1, "codes": [{ "scheme": "areacd", "code": "C1" }] });
    app.admin.change("communityUpdate", codes, "community", "version").await;
    std::fs::write(&path, "areacd,indicator,period,observation,source\nC1,rate,2020,7,survey\nC1,rate,2021,8,survey\n")
        .unwrap();
    let output = concert(&["import", "--format", "tidy", "--network", "net"])
        .arg(&path)
        .env("DATABASE_URL", &app.db.url)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("1 updated, 1 unchanged, 0 rejected"), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(public(&app).await, before, "after the import");
    // Only an explicit word lifts it.
    assert_eq!(
        app.record(&world, &community, "2020", json!({ "value": 7.0, "confidentiality": "FREE" })).await,
        "UPDATED"
    );
    assert_eq!(public(&app).await["nodes"][0]["latest"]["value"], 7.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suppressed_figure_is_not_read_from_its_history_or_its_parts() {
    let (app, world, community) = start().await;
    app.record(&world, &community, "2016", json!({ "value": 40.0, "numerator": 40.0, "denominator": 100.0 })).await;
    let old = public(&app).await["nodes"][0]["observations"]["nodes"][0]["id"].clone();
    app.record(&world, &community, "2016", json!({ "status": "SUPPRESSED" })).await;
    let seen = public(&app).await;
    let revisions = &seen["nodes"][0]["observations"]["nodes"][0]["revisions"];
    assert_eq!(
        revisions.as_array().unwrap().iter().map(|revision| &revision["value"]).collect::<Vec<_>>(),
        [&Value::Null]
    );
    let node = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(app.anonymous.data(node, json!({ "id": old })).await["node"], Value::Null);
    assert!(app.admin.data(node, json!({ "id": old })).await["node"].is_object(), "those who answer for it read it");
    for part in ["numerator", "denominator"] {
        let refused = app.refused(&world, &community, "2017", json!({ "status": "SUPPRESSED", part: 3.0 })).await;
        assert_eq!((&refused[0]["path"], &refused[0]["code"]), (&json!(["input", part]), &json!("INVALID")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embargo_for_ever_is_refused_rather_than_over_at_once() {
    let (app, world, community) = start().await;
    let figure = json!({ "value": 7.0, "confidentiality": "EMBARGOED", "embargoUntil": "9999-12-31T23:59:59-05:00" });
    let refused = app.refused(&world, &community, "2020", figure).await;
    assert_eq!((&refused[0]["path"], &refused[0]["code"]), (&json!(["input", "embargoUntil"]), &json!("OUT_OF_RANGE")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_series_of_which_nothing_is_seen_is_not_there() {
    let (app, world, community) = start().await;
    let figure = json!({ "value": 7.0, "confidentiality": "CONFIDENTIAL",
        "disaggregation": [{ "name": "group", "value": "orphans" }] });
    app.record(&world, &community, "2020", figure).await;
    let inside = app.admin.data("{ community(slug: \"c\") { series { nodes { id } } } }", json!({})).await;
    let id = inside["community"]["series"]["nodes"][0]["id"].clone();
    assert_eq!(public(&app).await, json!({ "totalCount": 0, "nodes": [] }));
    let node = app.anonymous.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(node["node"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_is_computed_across_a_break_that_the_reader_does_not_see() {
    let (app, world, community) = start().await;
    app.record(&world, &community, "2015", json!({ "value": 10.0 })).await;
    app.record(
        &world,
        &community,
        "2017",
        json!({ "value": 50.0, "status": "SERIES_BREAK", "confidentiality": "CONFIDENTIAL" }),
    )
    .await;
    app.record(&world, &community, "2019", json!({ "value": 60.0 })).await;
    let query = "{ comparison(network: \"net\", indicator: \"rate\", baselinePeriod: \"2015\") { entries { change improvement } } }";
    for client in [&app.anonymous, &app.admin] {
        let entry = client.data(query, json!({})).await["comparison"]["entries"][0].take();
        assert_eq!(entry, json!({ "change": null, "improvement": null }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_learned_under_an_authority_is_published_by_its_decision() {
    let app = App::start().await;
    let nation = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
        "indigenousDataAuthority": "The council" });
    let nation = app.create("community", nation).await;
    let learning = json!({ "slug": "l", "community": nation, "author": "A", "kind": "WORKED", "issue": "OTHER",
        "title": english("33 of our households"), "whatWeDid": english("This"), "whatHappened": english("That"),
        "evidenceStage": "EMERGING", "visibility": "PUBLIC", "status": "SHARED" });
    app.create("learning", learning).await;
    let query = "{ learning(slug: \"l\") { id } learnings { totalCount } }";
    assert_eq!(
        app.anonymous.data(query, json!({})).await,
        json!({ "learning": null, "learnings": { "totalCount": 0 } })
    );
    app.create("authorityDecision", json!({ "community": nation, "act": "PUBLISH" })).await;
    assert_eq!(app.anonymous.data(query, json!({})).await["learnings"]["totalCount"], 1);
}
