//! Whoever is not let in is in the audit log, and cannot fill it.

use std::time::{Duration, Instant};

use api::graphql::id;
use domain::{id::NodeKind, port::limiter::Limit};
use reqwest::header;
use serde_json::{Value, json};

use crate::{
    app::{App, Options},
    fixture::english,
    identity::{VIEWER, text},
};

const LOG: &str = "{ auditEntries(first: 100, filter: { action: [DENIED] }, orderBy: { field: PLACE }) {
    nodes { actor actorKind detail address requestId objectId community { slug } } } }";

async fn log(app: &App) -> Vec<Value> {
    app.admin.data(LOG, json!({})).await["auditEntries"]["nodes"].take().as_array().unwrap().clone()
}

/// The status of a request with these headers, from an address as a proxy on this machine says it.
async fn ask(app: &App, from: &str, authorization: &[&str]) -> u16 {
    let mut request = app.anonymous.post().header("x-forwarded-for", from).json(&json!({ "query": VIEWER }));
    for value in authorization {
        request = request.header(header::AUTHORIZATION, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn behind_a_proxy() -> App {
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    App::opened(Options { proxies, ..Options::default() }).await
}

#[tokio::test]
async fn whatever_is_not_believed_is_recorded() {
    let app = behind_a_proxy().await;
    let network = app.network("net").await;
    let community = app.member(&network, "here").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    let create = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { apiToken { id } secret } }";
    let input =
        json!({ "name": "Push", "communities": [community], "actions": ["READ"], "addresses": ["192.0.2.0/24"] });
    let made = app.admin.data(create, json!({ "input": input })).await["apiTokenCreate"].take();
    let (token, secret) = (text(&made["apiToken"]["id"]), text(&made["secret"]));
    assert_eq!(ask(&app, "192.0.2.1", &[&format!("Bearer {secret}")]).await, 200);
    assert_eq!(log(&app).await.len(), 0);

    let of_nobody = |detail: &str| json!(["anonymous", "ANONYMOUS", detail, null, null]);
    let of_token = |detail: &str| json!([null, "INTEGRATION", detail, token, "here"]);
    let bearer = format!("Bearer {}", ada.access);
    let unknown = "Bearer cnc_0000000000000000000000000000000ZZZZZZ";
    let mut expected = Vec::new();
    let mut refused = async |values: &[&str], entry: Value| {
        assert_eq!(ask(&app, "198.51.100.1", values).await, 401, "{values:?}");
        expected.push(entry);
    };
    refused(&["Basic abc"], of_nobody("a malformed Authorization header")).await;
    refused(&["Bearer"], of_nobody("a malformed Authorization header")).await;
    refused(&[&bearer, &bearer], of_nobody("several Authorization headers")).await;
    refused(&[unknown], of_nobody("an access token: not three parts of base64url")).await;
    refused(&[&format!("Bearer {secret}")], of_token("a token from an address that it is not for")).await;
    app.admin.change("apiTokenArchive", json!({ "id": token, "version": 1 }), "apiToken", "id").await;
    let revoked = of_token("an API token that is not known, or was revoked");
    refused(&[&format!("Bearer {secret}")], revoked).await;
    ada.client.data("mutation { signOut { done } }", json!({})).await;
    let ended = json!([null, "PERSON", "an access token whose session has ended", ada.account, null]);
    refused(&[&bearer], ended).await;

    let seen = log(&app).await;
    assert_eq!(seen.len(), expected.len(), "{seen:#?}");
    for (entry, expected) in seen.iter().zip(&expected) {
        let actor = if expected[0].is_null() { Value::Null } else { entry["actor"].clone() };
        let told = json!([actor, entry["actorKind"], entry["detail"], entry["objectId"], entry["community"]["slug"]]);
        assert_eq!(&told, expected);
        assert_eq!(entry["address"], "198.51.100.1");
        assert!(entry["requestId"].is_string());
    }
    let told = Value::Array(seen).to_string();
    assert!(!told.contains(&secret[4..]) && !told.contains(&ada.access), "no secret is told");
}

/// Whoever tries identifiers that they learned elsewhere is seen, as is whoever writes without saying who they are; and neither fills
/// the log.
#[tokio::test]
async fn attempts_on_what_is_not_there_for_somebody_are_recorded() {
    let app = App::start().await;
    let world = app.world().await;
    let (here, there) = (app.member(&world.network, "here").await, app.member(&world.network, "there").await);
    let steward = app.somebody("s@example.org", json!([{ "role": "STEWARD", "community": here }])).await;
    let learning = json!({ "slug": "private", "community": there, "author": "A", "kind": "WORKED", "issue": "OTHER",
        "title": english("L"), "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING",
        "visibility": "PRIVATE", "status": "SHARED" });
    let hidden = app.create("learning", learning).await;
    let made_up = id::encode_ref(NodeKind::Learning, uuid::Uuid::now_v7());
    let named = "write what names something that is not there for them";
    let of_steward =
        |detail: &str| json!([format!("account:{}", id::decode(&steward.account).unwrap().id), "PERSON", detail]);
    let newest = async || {
        let entry = log(&app).await.pop().unwrap();
        json!([entry["actor"], entry["actorKind"], entry["detail"]])
    };
    for learning in [json!(hidden), json!(made_up)] {
        let before = log(&app).await.len();
        let refused =
            steward.client.refusal("learningArchive", json!({ "id": learning, "version": 1 }), "learning").await;
        assert_eq!(refused[0]["code"], "NOT_FOUND");
        assert_eq!((newest().await, log(&app).await.len()), (of_steward(named), before + 1));
    }
    let nowhere = id::encode_ref(NodeKind::Community, uuid::Uuid::now_v7());
    let row =
        json!({ "community": nowhere, "indicator": "rate", "sourceKey": "survey", "period": "2020", "value": 1.0 });
    let query = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) { rejected } }";
    steward.client.data(query, json!({ "input": { "rows": [row.clone(), row] } })).await;
    assert_eq!(newest().await, of_steward("record figures: 2 rows name something that is not there for them"));
    let archive = "mutation($id: ID!) { learningArchive(input: { id: $id, version: 1 }) { userErrors { code } } }";
    app.anonymous.ask(archive, json!({ "id": hidden })).await;
    assert_eq!(newest().await, json!(["anonymous", "ANONYMOUS", "change learnings"]));

    let before = log(&app).await.len();
    for _ in 0..90 {
        steward.client.refusal("learningArchive", json!({ "id": made_up, "version": 1 }), "learning").await;
    }
    let recorded = log(&app).await.len() - before;
    assert!((1..=80).contains(&recorded), "{recorded} of 90");
}

/// A session that has ended is not gone on with, and nobody tries without end.
#[tokio::test]
async fn refresh_tokens_that_are_not_known_are_recorded_and_throttled() {
    let address = Limit { burst: 20, per: Duration::from_hours(10) };
    let app = App::opened(Options { address, ..Options::default() }).await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "ADMINISTRATOR" }])).await;
    ada.client.data("mutation { signOut { done } }", json!({})).await;
    let query = "mutation($t: String!) { sessionRefresh(input: { refreshToken: $t }) { userErrors { code } } }";
    let mut codes = Vec::new();
    for _ in 0..60 {
        let (_, answer) = app.anonymous.ask(query, json!({ "t": ada.refresh })).await;
        let told = &answer["data"]["sessionRefresh"]["userErrors"][0]["code"];
        codes.push(text(if told.is_string() { told } else { &answer["errors"][0]["extensions"]["code"] }));
    }
    assert_eq!((codes[0].as_str(), codes[59].as_str()), ("INVALID", "THROTTLED"));
    let entry = log(&app).await.remove(0);
    assert_eq!(entry["detail"], "a refresh token that is not known, or whose session has ended");
    assert_eq!(entry["actor"], "anonymous");
}

#[tokio::test]
async fn nobody_fills_the_log_and_what_is_passed_over_is_counted() {
    let app = behind_a_proxy().await;
    let began = Instant::now();
    for number in 0..40 {
        // A subscriber with a whole network of addresses is one.
        assert_eq!(ask(&app, &format!("2001:db8::{number}"), &["Basic abc"]).await, 401);
    }
    let recorded = log(&app).await.len();
    // Ten, and one more every six seconds.
    let most = 10 + usize::try_from(began.elapsed().as_secs()).unwrap() / 6;
    assert!((10..=most).contains(&recorded), "{recorded} of 40, at most {most}");
    assert_eq!(ask(&app, "192.0.2.1", &["Basic abc"]).await, 401);
    let seen = log(&app).await;
    let told = |entry: &Value| {
        let detail = entry["detail"].as_str().unwrap().to_owned();
        let (_, more) = detail.split_once("; ").unwrap_or(("", "0 other"));
        more.split(' ').next().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(seen.len() + seen.iter().map(told).sum::<usize>(), 41, "{seen:#?}");
}
