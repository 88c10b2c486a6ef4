//! The keys that access tokens are signed with: changed by the command line, while servers run.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    app::{App, Options},
    cli::{concert, run},
    client::Client,
    db::TestDatabase,
    identity::{PASSWORD, VIEWER, text},
};

/// With keys that the database keeps.
fn kept() -> Options {
    Options { keys: Vec::new(), ..Options::default() }
}

fn key(app: &App, arguments: &[&str]) -> (i32, String, String) {
    let mut command = concert(&["key"]);
    run(command.args(arguments).env("DATABASE_URL", &app.db.url))
}

/// The name of the key that a token is signed with.
fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    text(&header["kid"])
}

async fn published(app: &App) -> Vec<String> {
    let keys: Value = app.anonymous.get("/.well-known/jwks.json").send().await.unwrap().json().await.unwrap();
    keys["keys"].as_array().unwrap().iter().map(|key| text(&key["kid"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_signs_and_a_retired_one_is_believed_by_no_replica() {
    let db = Arc::new(TestDatabase::new().await);
    // Without a bus between them: what they know is bounded by its age.
    let app = App::opened_on(db.clone(), None, kept()).await;
    let replica = App::opened_on(db, None, kept()).await;
    let later = || [&app, &replica].map(|app| app.clock.pass(6));
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    let old = kid(&ada.access);
    assert_eq!(published(&app).await, std::slice::from_ref(&old));

    let (code, out, told) = key(&app, &["rotate"]);
    let new = out.trim().to_owned();
    assert_eq!(code, 0, "{told}");
    later();
    for app in [&app, &replica] {
        assert_eq!(published(app).await, [new.clone(), old.clone()]);
    }
    let again = text(&app.sign_in("ada@example.org", PASSWORD).await["accessToken"]);
    assert_eq!(kid(&again), new);
    // Whoever holds a token is remembered from here on.
    let status = async |app: &App, token: &str| Client::new(&app.url, Some(token)).status(VIEWER).await;
    for (app, token) in [(&app, &ada.access), (&replica, &ada.access), (&app, &again), (&replica, &again)] {
        assert_eq!(status(app, token).await, 200, "{}", kid(token));
    }

    assert_eq!(key(&app, &["retire", &old]).0, 0);
    later();
    for app in [&app, &replica] {
        assert_eq!(status(app, &ada.access).await, 401, "remembered or not");
        assert_eq!(status(app, &again).await, 200);
        assert_eq!(published(app).await, std::slice::from_ref(&new));
    }
    let (code, _, told) = key(&app, &["retire", &old]);
    assert_eq!(code, 1);
    assert!(told.contains("no signing key with this kid"), "{told}");

    let query = "{ auditEntries(filter: { action: [KEY_ROTATE, KEY_RETIRE] }, orderBy: { field: PLACE }) {
        nodes { action actorKind detail } } }";
    let log = app.admin.data(query, json!({})).await["auditEntries"]["nodes"].take();
    let entry = |action: &str, kid: &str| json!({ "action": action, "actorKind": "OPERATOR", "detail": kid });
    assert_eq!(log, json!([entry("KEY_ROTATE", &new), entry("KEY_RETIRE", &old)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_of_a_key_comes_before_what_is_known_grows_old() {
    let app = App::opened(kept()).await;
    // What is known never grows old.
    app.clock.stop();
    let old = published(&app).await;
    let (code, out, told) = key(&app, &["rotate"]);
    assert_eq!(code, 0, "{told}");
    let expected = vec![out.trim().to_owned(), old[0].clone()];
    let hears = async { while published(&app).await != expected {} };
    tokio::time::timeout(Duration::from_secs(20), hears).await.expect("nobody told of the new key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_by_a_key_that_was_made_elsewhere_a_moment_ago_is_believed() {
    let db = Arc::new(TestDatabase::new().await);
    let app = App::opened_on(db.clone(), None, kept()).await;
    let replica = App::opened_on(db, None, kept()).await;
    let network = app.network("net").await;
    let ada = app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    assert_eq!(Client::new(&replica.url, Some(&ada.access)).status(VIEWER).await, 200);
    key(&app, &["rotate"]);
    app.clock.pass(6);
    // The other has looked less long ago, and does so again for the name that it does not know.
    replica.clock.pass(2);
    let again = text(&app.sign_in("ada@example.org", PASSWORD).await["accessToken"]);
    assert_ne!(kid(&again), kid(&ada.access));
    assert_eq!(Client::new(&replica.url, Some(&again)).status(VIEWER).await, 200);
}
