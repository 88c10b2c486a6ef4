//! How many statements the hot operations make: a bound, whatever the size of the lists.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
};

use api::{auth::Authenticator, http::build, readiness::Dependencies};
use domain::{port::clock::SystemClock, service::Services};
use persistence::{SqlStore, bus, cache};
use serde_json::json;

use crate::{
    app::{ADMIN_TOKEN, App},
    client::Client,
    fixture::english,
};

/// A world of ten communities, each with initiatives and figures, and a server on it whose statements are heard.
async fn watched(token: Option<&str>) -> (App, Client, Arc<Mutex<Vec<String>>>) {
    let app = App::start().await;
    let world = app.world().await;
    for number in 0..10 {
        let community = app.member(&world.network, &format!("c{number}")).await;
        app.record(&world, &community, "2022", json!({ "value": f64::from(number) })).await;
        app.record(&world, &community, "2023", json!({ "value": f64::from(number) + 1.0 })).await;
        for place in 0..2 {
            app.create(
                "initiative",
                json!({ "slug": format!("i{number}-{place}"), "community": community, "issue": "POVERTY", "title": english("I"),
                    "startedOn": "2020-01-01", "status": "ACTIVE", "phases": [{ "phase": "ASSESS_READINESS", "startedOn": "2020-01-01" }] }),
            )
            .await;
        }
    }
    let statements = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&statements);
    let mut config = app.db.config();
    config.on_read = Some(Arc::new(move |text| heard.lock().unwrap().push(text.to_owned())));
    let store = Arc::new(SqlStore::open(&config).await.unwrap());
    let services = Services::new(store, cache::open(None).unwrap(), Arc::new(SystemClock));
    let readiness = Arc::new(Dependencies::new(services.clone(), bus::open(None).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = api::http::HttpConfig { workers: 1, ..Default::default() };
    let running =
        build(services, Authenticator::new(Some(ADMIN_TOKEN.to_owned().into())), readiness, http, listener).unwrap();
    let client = Client::new(&format!("http://{}", running.address), token);
    tokio::spawn(running.server);
    (app, client, statements)
}

#[tokio::test]
async fn hot_operations_make_few_statements() {
    let (_app, client, statements) = watched(None).await;
    let id =
        client.data("{ communities(first: 1) { nodes { id } } }", json!({})).await["communities"]["nodes"][0]["id"]
            .clone();
    // Whose data is under an authority is remembered for some seconds.
    client
        .data("{ communities(first: 1) { nodes { latestValues(indicators: [\"rate\"]) { value } } } }", json!({}))
        .await;
    let page = "{ communities(first: 50) { nodes { slug name { text } initiatives(first: 3) { nodes { title { text } status } }
        latestValues(indicators: [\"rate\"]) { value period } } } }";
    let compare = "{ comparison(network: \"net\", indicator: \"rate\", baselinePeriod: \"2022\") { period entries {
        community { slug name { text } } current { value } change percentile } distribution { median } } }";
    let cases = [
        ("one community by id", "query($id: ID!) { node(id: $id) { ... on Community { slug name { text } } } }", 1),
        ("a page of communities", "{ communities(first: 50) { nodes { slug } } }", 1),
        ("a page with its count", "{ communities(first: 50) { totalCount nodes { slug } } }", 2),
        ("a page with initiatives and newest values", page, 4),
        ("a comparison", compare, 9),
        ("the same comparison from the cache", compare, 4),
    ];
    for (what, query, most) in cases {
        statements.lock().unwrap().clear();
        client.data(query, json!({ "id": id })).await;
        let made = statements.lock().unwrap().clone();
        assert!((1..=most).contains(&made.len()), "{what}: {} statements, at most {most}: {made:#?}", made.len());
    }
}

#[tokio::test]
async fn what_may_be_done_is_found_out_for_a_whole_page_at_once() {
    let (app, client, statements) = watched(Some(ADMIN_TOKEN)).await;
    for number in 0..10 {
        app.indicator(&format!("other-{number}"), json!({})).await;
    }
    let can = "{ viewerCanUpdate viewerCanArchive }";
    let cases = [
        (format!("{{ indicators(first: 50) {{ nodes {can} }} }}"), 11, 2),
        (format!("{{ indicators(first: 50) {{ nodes {{ versions {{ nodes {can} }} }} }} }}"), 11, 3),
        (format!("{{ initiatives(first: 50) {{ nodes {can} }} }}"), 20, 1),
        (format!("{{ communities(first: 50) {{ nodes {can} }} }}"), 10, 1),
    ];
    for (query, nodes, most) in cases {
        statements.lock().unwrap().clear();
        let seen = client.data(&query, json!({})).await;
        assert_eq!(seen.to_string().matches("\"viewerCanUpdate\":true").count(), nodes, "{query}");
        let made = statements.lock().unwrap().clone();
        assert!((1..=most).contains(&made.len()), "{query}: {} statements, at most {most}: {made:#?}", made.len());
    }
}
