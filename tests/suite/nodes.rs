use serde_json::{Value, json};

use crate::{app::App, fixture::text};

const NODE: &str = "query($id: ID!) { node(id: $id) { __typename id } }";

#[tokio::test]
async fn any_record_is_found_by_its_id() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "winnipeg").await;
    app.record(&world, &community, "2020", json!({ "value": 12.5 })).await;
    let data = app
        .anonymous
        .data(
            "query($id: ID!) { node(id: $id) { ... on Community {
                memberships { nodes { id } } series { nodes { id latest { value period } observations { totalCount } } } } } }",
            json!({ "id": community }),
        )
        .await;
    let series = &data["node"]["series"]["nodes"][0];
    assert_eq!((&series["latest"]["value"], &series["observations"]["totalCount"]), (&json!(12.5), &json!(1)));
    let ids = [
        ("Network", &json!(world.network)),
        ("Community", &json!(community)),
        ("Source", &json!(world.source)),
        ("Indicator", &json!(world.indicator)),
        ("IndicatorVersion", &json!(world.version)),
        ("Membership", &data["node"]["memberships"]["nodes"][0]["id"]),
        ("Series", &series["id"]),
    ];
    for (kind, id) in ids {
        let node = app.anonymous.data(NODE, json!({ "id": id })).await;
        assert_eq!(node["node"], json!({ "__typename": kind, "id": id }));
    }
}

#[tokio::test]
async fn what_does_not_exist_is_nothing() {
    let app = App::start().await;
    let network = app.network("net").await;
    // A well-formed id of a community that is not there: the network's own bytes under another kind.
    let unknown = "Q29tbXVuaXR5OgAAAAAAAAAAAAAAAAAAAAA";
    for id in [unknown, "", "x", "é", "Q29tbXVuaXR5Og", &"A".repeat(500)] {
        assert_eq!(app.anonymous.data(NODE, json!({ "id": id })).await["node"], Value::Null, "{id}");
    }
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename } }";
    let data = app.anonymous.data(query, json!({ "ids": [unknown, network, "x"] })).await;
    assert_eq!(data["nodes"], json!([null, { "__typename": "Network" }, null]));
    let error = app.anonymous.error(query, json!({ "ids": vec!["x"; 101] })).await;
    assert_eq!(
        (&error["extensions"]["code"], &error["extensions"]["field"]),
        (&json!("BAD_USER_INPUT"), &json!("ids"))
    );
}

#[tokio::test]
async fn an_id_of_another_kind_is_refused_by_its_field() {
    let app = App::start().await;
    let network = app.network("net").await;
    let query = "query($id: ID) { learnings(filter: { community: $id }) { nodes { id } } }";
    let error = app.anonymous.error(query, json!({ "id": network })).await;
    assert_eq!(error["extensions"]["field"], "filter.community");
    let errors = app
        .admin
        .refusal(
            "membershipCreate",
            json!({ "network": "x", "community": network, "joinedOn": "2020-01-01" }),
            "membership",
        )
        .await;
    assert_eq!(errors[0]["path"], json!(["input", "network"]));
}

#[tokio::test]
async fn records_lead_to_each_other_both_ways() {
    let app = App::start().await;
    let network = app.network("net").await;
    let community = app.member(&network, "winnipeg").await;
    let partner =
        app.create("partner", json!({ "slug": "hub", "name": text("Hub", "Carrefour"), "sector": "NONPROFIT" })).await;
    let initiative = app
        .create(
            "initiative",
            json!({ "slug": "out-of-poverty", "community": community, "issue": "POVERTY", "title": text("Out", "Dehors"),
                "startedOn": "2019-01-01", "status": "ACTIVE",
                "phases": [{ "phase": "INITIATE_ACTION", "startedOn": "2019-01-01" }] }),
        )
        .await;
    app.create(
        "participation",
        json!({ "initiative": initiative, "partner": partner, "role": text("Host", "Hôte"), "ring": "CORE", "joinedOn": "2019-01-01" }),
    )
    .await;
    let query = "{ networks(first: 2) { nodes { communities(first: 2) { nodes { initiatives(first: 2) { nodes { community { slug } currentPhase { phase }
        participations(first: 2) { nodes { partner { slug participations(first: 2) { nodes { initiative { slug } } } } } } } }
        partners { totalCount nodes { slug } } memberships { nodes { network { slug } } } } } } } }";
    let data = app.anonymous.data(query, json!({})).await;
    let found = &data["networks"]["nodes"][0]["communities"]["nodes"][0];
    let initiative = &found["initiatives"]["nodes"][0];
    assert_eq!(initiative["community"]["slug"], "winnipeg");
    assert_eq!(initiative["currentPhase"]["phase"], "INITIATE_ACTION");
    let partner = &initiative["participations"]["nodes"][0]["partner"];
    assert_eq!(partner["participations"]["nodes"][0]["initiative"]["slug"], "out-of-poverty");
    assert_eq!(found["partners"], json!({ "totalCount": 1, "nodes": [{ "slug": "hub" }] }));
    assert_eq!(found["memberships"]["nodes"][0]["network"]["slug"], "net");
}
