//! How many statements the hot operations make: a bound, whatever the size of the lists.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex, atomic::Ordering},
};

use api::{auth::Authenticator, http::build, readiness::Dependencies};
use domain::{
    port::clock::SystemClock,
    service::{Services, identity::Throttle},
};
use persistence::{SqlStore, bus, cache, limiter};
use serde_json::json;

use crate::{
    app::{ADMIN_TOKEN, App, Listener, Options},
    client::Client,
    fixture::english,
    identity::{PASSWORD, text},
};

/// Another server on the database that knows accounts, whose statements are heard; nothing runs beside its requests, and for it no
/// time passes.
async fn heard(app: &App) -> (App, Arc<Mutex<Vec<String>>>) {
    let statements = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&statements);
    let on_read: Listener = Arc::new(move |text| heard.lock().unwrap().push(text.to_owned()));
    let options = Options { on_read: Some(on_read), alone: true, ..Options::default() };
    let server = App::opened_on(app.db.clone(), None, options).await;
    server.clock.stop();
    (server, statements)
}

/// What is read while this is done.
async fn reads<T>(statements: &Mutex<Vec<String>>, done: impl Future<Output = T>) -> (Vec<String>, T) {
    statements.lock().unwrap().clear();
    let answer = done.await;
    let made = statements.lock().unwrap().clone();
    (made, answer)
}

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
    let throttle = Throttle::usual(limiter::open(None).unwrap(), "statements");
    let services = Services::new(store, cache::open(None).unwrap(), Arc::new(SystemClock), throttle);
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
    let one = "query($id: ID!) { node(id: $id) { ... on Community { slug name { text } } } }";
    let cases = [
        ("one community by id", one, 2),
        // It is in memory now; at most it is asked once more whether it has changed.
        ("the same community", one, 1),
        ("a page of communities", "{ communities(first: 50) { nodes { slug } } }", 1),
        ("a page with its count", "{ communities(first: 50) { totalCount nodes { slug } } }", 2),
        ("a page with initiatives and newest values", page, 4),
        ("a comparison", compare, 10),
        ("the same comparison from the cache", compare, 4),
    ];
    for (what, query, most) in cases {
        statements.lock().unwrap().clear();
        client.data(query, json!({ "id": id })).await;
        let made = statements.lock().unwrap().clone();
        assert!(made.len() <= most, "{what}: {} statements, at most {most}: {made:#?}", made.len());
        let least = usize::from(what != "the same community");
        assert!(made.len() >= least, "{what}: nothing was heard of it");
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

#[tokio::test]
async fn who_asks_costs_a_few_statements_once_and_none_for_each_field() {
    let app = App::start().await;
    let network = app.network("net").await;
    let here = app.member(&network, "here").await;
    for number in 0..5 {
        app.member(&network, &format!("c{number}")).await;
    }
    let ada = app.somebody("ada@example.org", json!([{ "role": "STEWARD", "community": here }])).await;
    let query = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret } }";
    let input = json!({ "name": "Read", "communities": [here], "actions": ["READ"] });
    let made = app.admin.data(query, json!({ "input": input })).await;
    let secret = text(&made["apiTokenCreate"]["secret"]);
    let (server, statements) = heard(&app).await;
    let one = "{ community(slug: \"here\") { slug } }";
    let many = "{ communities(first: 50) { nodes { slug name { text } kind country aliases viewerCanUpdate viewerCanArchive } }
        viewer { kind grants { role } canImport canCreateNetworks } }";
    for token in [&ada.access, &secret] {
        let client = Client::new(&server.url, Some(token));
        // Who it is, with what they hold and the networks of their communities; and what was asked for.
        let (first, _) = reads(&statements, client.data(one, json!({}))).await;
        assert_eq!(first.len(), 4, "{first:#?}");
        for query in [one, many] {
            let (plain, _) = reads(&statements, server.anonymous.data(query, json!({}))).await;
            let (again, _) = reads(&statements, client.data(query, json!({}))).await;
            assert_eq!((plain.len(), again.len()), (1, 1), "{query}: {again:#?}");
        }
    }
}

#[tokio::test]
async fn an_account_that_is_not_there_costs_the_same_as_one_that_is() {
    let app = App::start().await;
    let network = app.network("net").await;
    app.somebody("ada@example.org", json!([{ "role": "MEMBER_READER", "network": network }])).await;
    let (server, statements) = heard(&app).await;
    let verified = || server.verified.load(Ordering::SeqCst);
    let mut costs = Vec::new();
    for email in ["ada@example.org", "nobody@example.org"] {
        let before = verified();
        let (made, answer) = reads(&statements, server.sign_in(email, "a wrong password")).await;
        assert_eq!(answer["userErrors"][0]["code"], "INVALID");
        assert!(!made.is_empty());
        costs.push((made, verified() - before));
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0].1, 1, "passwords verified");
    // The right one is verified once as well.
    let before = verified();
    assert!(server.sign_in("ada@example.org", PASSWORD).await["accessToken"].is_string());
    assert_eq!(verified() - before, 1);
}

#[tokio::test]
async fn what_is_hidden_costs_the_same_as_what_is_not_there() {
    let app = App::start().await;
    let network = app.network("net").await;
    let (here, there) = (app.member(&network, "here").await, app.member(&network, "there").await);
    let learning = json!({ "slug": "l", "community": here, "author": "A", "kind": "WORKED", "issue": "OTHER", "title": english("L"),
        "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING", "visibility": "PRIVATE" });
    let hidden = app.create("learning", learning).await;
    let unknown = api::graphql::id::encode(domain::id::LearningId::from(uuid::Uuid::now_v7())).to_string();
    let ada = app.somebody("ada@example.org", json!([{ "role": "STEWARD", "community": there }])).await;
    let (server, statements) = heard(&app).await;
    let node = "query($id: ID!) { node(id: $id) { id } }";
    for client in [server.anonymous.clone(), Client::new(&server.url, Some(&ada.access))] {
        client.data(node, json!({ "id": unknown })).await;
        let (of_hidden, one) = reads(&statements, client.data(node, json!({ "id": hidden }))).await;
        let (of_unknown, other) = reads(&statements, client.data(node, json!({ "id": unknown }))).await;
        assert!(!of_hidden.is_empty() && one["node"].is_null());
        assert_eq!((of_hidden, one), (of_unknown, other));
    }
}
