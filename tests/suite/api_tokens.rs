//! Tokens of programs, and roles: what they are limited to, and when they end.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    app::{App, Options},
    client::Client,
    fixture::World,
    identity::{VIEWER, text},
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A token with these limits: its id and its secret.
async fn token(app: &App, limits: Value) -> (String, String) {
    let query = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) {
        apiToken { id } secret userErrors { path message } } }";
    let mut input = json!({ "name": "Push", "actions": ["READ", "RECORD_FIGURES"] });
    crate::fixture::merge(&mut input, limits);
    let made = app.admin.data(query, json!({ "input": input })).await["apiTokenCreate"].take();
    assert_eq!(made["userErrors"], json!([]));
    (text(&made["apiToken"]["id"]), text(&made["secret"]))
}

async fn status(app: &App, secret: &str) -> u16 {
    Client::new(&app.url, Some(secret)).status(VIEWER).await.as_u16()
}

/// The codes that a figure by a token is refused with.
async fn record(app: &App, secret: &str, world: &World, version: &str, community: &str) -> Value {
    let query =
        "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) { userErrors { code } } }";
    let input = json!({ "community": community, "indicatorVersion": version, "source": world.source, "period": "2020", "value": 30.0 });
    let answer = Client::new(&app.url, Some(secret)).data(query, json!({ "input": input })).await;
    answer["observationRecord"]["userErrors"].clone()
}

#[tokio::test]
async fn a_token_ends_when_it_was_to_end() {
    let app = App::start().await;
    let community = app.community("here").await;
    let end = (Utc::now() + TimeDelta::seconds(HOUR)).to_rfc3339();
    let (_, secret) = token(&app, json!({ "communities": [community], "expiresAt": end })).await;
    assert_eq!(status(&app, &secret).await, 200);
    app.clock.pass(HOUR - 60);
    assert_eq!(status(&app, &secret).await, 200);
    app.clock.pass(61);
    // Remembered or not.
    assert_eq!(status(&app, &secret).await, 401);
    let replica = app.replica().await;
    replica.clock.pass(HOUR + 1);
    assert_eq!(status(&replica, &secret).await, 401);
}

/// A token for several communities is given by who answers for all of them, and taken back by who answers for any.
#[tokio::test]
async fn each_community_takes_back_a_token_that_is_for_it() {
    let app = App::start().await;
    let world = app.world().await;
    let (here, there) = (app.member(&world.network, "here").await, app.member(&world.network, "there").await);
    let (id, secret) = token(&app, json!({ "communities": [here, there] })).await;
    let steward = app.somebody("s@example.org", json!([{ "role": "STEWARD", "community": here }])).await.client;
    let seen = steward.data("{ apiTokens { nodes { id viewerCanArchive } } }", json!({})).await;
    assert_eq!(seen["apiTokens"]["nodes"], json!([{ "id": id, "viewerCanArchive": true }]));
    steward.change("apiTokenArchive", json!({ "id": id, "version": 1 }), "apiToken", "archivedAt").await;
    assert_eq!(status(&app, &secret).await, 401);
    // Nobody gives it back for the others.
    let back = json!({ "id": id, "version": 2, "archived": false });
    assert_eq!(steward.refusal("apiTokenArchive", back, "apiToken").await[0]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_token_is_good_only_from_its_addresses() {
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let app = App::opened(Options { proxies, ..Options::default() }).await;
    let community = app.community("here").await;
    let addresses = json!(["192.0.2.0/24", "2001:db8::/32"]);
    let (_, secret) = token(&app, json!({ "communities": [community], "addresses": addresses })).await;
    for (from, expected) in [
        (Some("192.0.2.255"), 200),
        (Some("192.0.3.1"), 401),
        (Some("2001:db8:ffff::1"), 200),
        (Some("2001:db9::1"), 401),
        (Some("192.0.2.1, 203.0.113.1"), 401),
        (None, 401),
        (Some("192.0.2.1"), 200),
    ] {
        let client = Client::new(&app.url, Some(&secret));
        let request = client.post().json(&json!({ "query": VIEWER }));
        let request = from.into_iter().fold(request, |request, from| request.header("x-forwarded-for", from));
        assert_eq!(request.send().await.unwrap().status(), expected, "{from:?}");
    }
    // Without a proxy that is trusted nobody is there by their own word.
    let plain = app.replica().await;
    let request = Client::new(&plain.url, Some(&secret)).post().header("x-forwarded-for", "192.0.2.1");
    assert_eq!(request.json(&json!({ "query": VIEWER })).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_token_records_by_its_indicators_alone() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "here").await;
    let (other, other_version) = app.indicator("other", json!({})).await;
    let forbidden = json!([{ "code": "FORBIDDEN" }]);
    let (_, secret) = token(&app, json!({ "communities": [community], "indicators": [world.indicator] })).await;
    assert_eq!(record(&app, &secret, &world, &world.version, &community).await, json!([]));
    assert_eq!(record(&app, &secret, &world, &other_version, &community).await, forbidden);
    let (_, secret) = token(&app, json!({ "communities": [community], "indicators": [other] })).await;
    assert_eq!(record(&app, &secret, &world, &world.version, &community).await, forbidden);
    assert_eq!(record(&app, &secret, &world, &other_version, &community).await, json!([]));
    // Pushed in one call with what is allowed, it is refused likewise, and nothing is kept.
    let query = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) {
        created rejectedRows { index code } userErrors { code } } }";
    let row = |version: &str| json!({ "community": community, "indicatorVersion": version, "source": world.source, "period": "2021", "value": 31.0 });
    let input = json!({ "rows": [row(&other_version), row(&world.version)], "mode": "ATOMIC" });
    let pushed = Client::new(&app.url, Some(&secret)).data(query, json!({ "input": input })).await;
    let rejected = &pushed["observationsPush"]["rejectedRows"];
    assert_eq!(rejected, &json!([{ "index": 1, "code": "FORBIDDEN" }]), "{pushed}");
}

#[tokio::test]
async fn a_token_that_takes_the_place_of_another_overlaps_with_it_for_a_week() {
    let app = App::start().await;
    let community = app.community("here").await;
    let (first, old) = token(&app, json!({ "communities": [community] })).await;
    let (_, new) = token(&app, json!({ "communities": [community], "replaces": first })).await;
    let soon = (Utc::now() + TimeDelta::seconds(DAY)).to_rfc3339();
    let (short, ends_sooner) = token(&app, json!({ "communities": [community], "expiresAt": soon })).await;
    token(&app, json!({ "communities": [community], "replaces": short })).await;
    let good = async || [status(&app, &old).await, status(&app, &new).await, status(&app, &ends_sooner).await];
    assert_eq!(good().await, [200, 200, 200]);
    app.clock.pass(DAY + 1);
    assert_eq!(good().await, [200, 200, 401], "taking its place makes nothing last longer");
    app.clock.pass(6 * DAY - 60);
    assert_eq!(good().await, [200, 200, 401]);
    app.clock.pass(61);
    assert_eq!(good().await, [401, 200, 401]);
}

#[tokio::test]
async fn a_role_ends_when_it_was_to_end() {
    let app = App::start().await;
    let network = app.network("net").await;
    let end = (Utc::now() + TimeDelta::seconds(300)).to_rfc3339();
    let grants = json!([{ "role": "COORDINATOR", "network": network, "expiresAt": end }]);
    let ada = app.somebody("ada@example.org", grants).await;
    let change = |version: i32| json!({ "id": network, "version": version, "endsOn": format!("2030-01-0{version}") });
    ada.client.change("networkUpdate", change(1), "network", "version").await;
    let seen = ada.client.data(VIEWER, json!({})).await;
    assert_eq!(seen["viewer"]["grants"][0]["role"], "COORDINATOR");
    app.clock.pass(301);
    // The session goes on, the role does not.
    let seen = ada.client.data(VIEWER, json!({})).await;
    assert_eq!((&seen["viewer"]["kind"], &seen["viewer"]["grants"]), (&json!("PERSON"), &json!([])));
    let refused = ada.client.refusal("networkUpdate", change(2), "network").await;
    assert_eq!(refused[0]["code"], "FORBIDDEN");
    let can = "{ network(slug: \"net\") { viewerCanUpdate version } }";
    assert_eq!(ada.client.data(can, json!({})).await["network"], json!({ "viewerCanUpdate": false, "version": 2 }));
    let refused = ada.client.error("{ auditEntries { totalCount } }", json!({})).await;
    assert_eq!(refused["extensions"]["code"], "FORBIDDEN");
}
