//! Who may see and change what.

use serde_json::{Value, json};

use crate::{
    app::App,
    fixture::{english, merge},
};

#[tokio::test]
async fn nobody_in_particular_changes_nothing() {
    let app = App::start().await;
    let query =
        "mutation($input: SourceCreateInput!) { sourceCreate(input: $input) { source { id } userErrors { code } } }";
    let input = json!({ "input": { "key": "s", "name": english("S") } });
    assert_eq!(app.anonymous.error(query, input).await["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(app.admin.data("{ sources { totalCount } }", json!({})).await["sources"]["totalCount"], 0);
}

#[tokio::test]
async fn a_learning_shows_itself_to_those_it_is_for() {
    let app = App::start().await;
    let community = app.community("c").await;
    let mut ids = Vec::new();
    for (slug, visibility, status) in [
        ("open", "PUBLIC", "SHARED"),
        ("draft", "PUBLIC", "DRAFT"),
        ("network", "NETWORK", "SHARED"),
        ("private", "PRIVATE", "SHARED"),
        ("counted", "AGGREGATE_ONLY", "SHARED"),
    ] {
        let input = json!({ "slug": slug, "community": community, "author": "A", "kind": "WORKED", "issue": "OTHER",
            "title": english(slug), "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING",
            "visibility": visibility, "status": status });
        ids.push((slug, app.create("learning", input).await));
    }
    let list =
        "{ learnings { totalCount nodes { slug } } communities { nodes { learnings { totalCount nodes { slug } } } } }";
    let seen = app.anonymous.data(list, json!({})).await;
    let only = json!({ "totalCount": 1, "nodes": [{ "slug": "open" }] });
    assert_eq!((&seen["learnings"], &seen["communities"]["nodes"][0]["learnings"]), (&only, &only));
    assert_eq!(app.admin.data(list, json!({})).await["learnings"]["totalCount"], 5);
    for (slug, id) in ids {
        let query = "query($id: ID!, $slug: String!) { node(id: $id) { id } learning(slug: $slug) { id } }";
        let found = app.anonymous.data(query, json!({ "id": id, "slug": slug })).await;
        let shown = slug == "open";
        assert_eq!((found["node"].is_object(), found["learning"].is_object()), (shown, shown), "{slug}");
    }
}

#[tokio::test]
async fn a_consent_is_for_the_administrator() {
    let app = App::start().await;
    let network = app.network("net").await;
    let community = app.community("c").await;
    let consent = json!({ "purpose": english("Comparing"), "scope": english("All"), "grantedBy": "The council" });
    let input = json!({ "network": network, "community": community, "joinedOn": "2020-01-01", "consent": consent });
    app.create("membership", input).await;
    let query = "{ networks { nodes { memberships { nodes { consent { grantedBy } } } } } }";
    let of = |data: Value| data["networks"]["nodes"][0]["memberships"]["nodes"][0]["consent"].clone();
    assert_eq!(of(app.admin.data(query, json!({})).await), json!({ "grantedBy": "The council" }));
    assert_eq!(of(app.anonymous.data(query, json!({})).await), Value::Null);
}

const SEEN: &str = "{ communities(first: 5) { nodes { slug latestValues { value } series(first: 5) { totalCount nodes { latest { value }
    observations(first: 9) { totalCount nodes { value revisions { value } } } } } targets { totalCount } baselines { totalCount } } }
    comparison(network: \"net\", indicator: \"rate\") { coverage { reporting } entries { current { value } } distribution { count } } }";

#[tokio::test]
async fn figures_under_an_indigenous_data_authority_are_seen_by_nobody_outside() {
    let app = App::start().await;
    let world = app.world().await;
    let input = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
        "indigenousDataAuthority": "The Nation's data council" });
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": world.network, "community": community, "joinedOn": "2015-01-01" }))
        .await;
    app.record(&world, &community, "2020", json!({ "value": 20.0 })).await;
    app.record(&world, &community, "2021", json!({ "value": 18.0 })).await;
    let series = app.admin.data("{ communities { nodes { series { nodes { id } } } } }", json!({})).await
        ["communities"]["nodes"][0]["series"]["nodes"][0]["id"].clone();
    app.create("baseline", json!({ "series": series, "period": "2020" })).await;
    let target = json!({ "indicator": world.indicator, "indicatorVersion": world.version, "community": community,
        "value": 10.0, "dueOn": "2030-12-31" });
    app.admin.change("targetSet", target, "target", "id").await;

    // The authority decides what its figures are used for, one use at a time, whoever reads.
    for (act, current, reporting) in [("PUBLISH", false, 0), ("COMPARE", true, 0), ("AGGREGATE", true, 1)] {
        let inside = app.admin.data(SEEN, json!({})).await;
        assert_eq!(inside["communities"]["nodes"][0]["latestValues"], json!([{ "value": 18.0 }]));
        let decision = json!({ "community": community, "act": act });
        let decision = app.create("authorityDecision", decision).await;
        let inside = app.admin.data(SEEN, json!({})).await;
        assert_eq!(inside["comparison"]["entries"][0]["current"].is_object(), current, "{act}");
        assert_eq!(inside["comparison"]["coverage"]["reporting"], reporting, "{act}");
        if act == "PUBLISH" {
            let withdrawn = json!({ "id": decision, "version": 1 });
            app.admin.change("authorityDecisionArchive", withdrawn, "authorityDecision", "id").await;
        }
    }
    let outside = app.anonymous.data(SEEN, json!({})).await;
    let nothing = json!({ "slug": "nation", "latestValues": [], "series": { "totalCount": 0, "nodes": [] },
        "targets": { "totalCount": 0 }, "baselines": { "totalCount": 0 } });
    assert_eq!(outside["communities"]["nodes"][0], nothing);
    let comparison = json!({ "coverage": { "reporting": 0 }, "entries": [{ "current": null }], "distribution": null });
    assert_eq!(outside["comparison"], comparison);
    let node = app.anonymous.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": series })).await;
    assert_eq!(node["node"], Value::Null);
}

#[tokio::test]
async fn confidential_and_embargoed_figures_are_seen_by_nobody_outside() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    app.record(&world, &community, "2019", json!({ "value": 30.0 })).await;
    let cases = [
        ("2020", json!({ "value": 20.0, "confidentiality": "CONFIDENTIAL" })),
        ("2021", json!({ "value": 15.0, "confidentiality": "EMBARGOED", "embargoUntil": "2999-01-01T00:00:00Z" })),
        ("2022", json!({ "value": 14.0, "confidentiality": "SMALL_COUNTS" })),
    ];
    for (period, figure) in cases {
        app.record(&world, &community, period, figure).await;
    }
    let inside = app.admin.data(SEEN, json!({})).await;
    assert_eq!(inside["communities"]["nodes"][0]["latestValues"], json!([{ "value": 14.0 }]));
    let outside = app.anonymous.data(SEEN, json!({})).await;
    let seen = &outside["communities"]["nodes"][0];
    assert_eq!(seen["latestValues"], json!([{ "value": 30.0 }]));
    let only = json!({ "totalCount": 1, "nodes": [{ "value": 30.0, "revisions": [{ "value": 30.0 }] }] });
    assert_eq!(seen["series"]["nodes"][0], json!({ "latest": { "value": 30.0 }, "observations": only }));
    assert_eq!(outside["comparison"]["entries"][0]["current"], json!({ "value": 30.0 }));

    // A figure that is published after its embargo is seen at once.
    let mut released = json!({ "value": 15.0, "confidentiality": "EMBARGOED" });
    merge(&mut released, json!({ "embargoUntil": "2022-06-01T00:00:00Z" }));
    app.record(&world, &community, "2021", released).await;
    let outside = app.anonymous.data(SEEN, json!({})).await;
    assert_eq!(outside["communities"]["nodes"][0]["latestValues"], json!([{ "value": 15.0 }]));
    assert_eq!(outside["comparison"]["entries"][0]["current"], json!({ "value": 15.0 }));
}
