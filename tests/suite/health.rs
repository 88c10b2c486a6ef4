use std::{sync::Arc, time::Duration};

use api::http::HttpConfig;
use reqwest::{StatusCode, header};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::{
    app::App,
    db::{TestDatabase, not_run, postgres},
    proxy::Proxy,
};

#[tokio::test]
async fn a_server_with_its_database_is_ready() {
    let app = App::start().await;
    assert_eq!(app.anonymous.get("/livez").send().await.unwrap().status(), StatusCode::OK);
    let ready = app.anonymous.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let body: Value = ready.json().await.unwrap();
    assert_eq!(body["status"], "ok", "{body}");
    let names: Vec<_> = body["components"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["database", "cache", "bus"]);
}

#[tokio::test]
async fn a_server_without_its_redis_goes_on_and_says_so() {
    // Nobody listens on the port of a listener that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let redis = format!("redis://127.0.0.1:{port}");
    let db = std::sync::Arc::new(crate::db::TestDatabase::new().await);
    let app = App::on(db, Some(&redis), api::http::HttpConfig::default()).await;
    let ready = app.anonymous.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    assert_eq!(ready.json::<Value>().await.unwrap()["status"], "degraded");
    let world = app.world().await;
    let community = app.member(&world.network, "a").await;
    app.record(&world, &community, "2020", json!({ "value": 10.0 })).await;
    let query = r#"{ comparison(network: "net", indicator: "rate") { entries { current { value } } } }"#;
    assert_eq!(app.anonymous.data(query, json!({})).await["comparison"]["entries"][0]["current"]["value"], 10.0);
}

/// Asks until the server says this of itself, and whether it is ready.
async fn says(app: &App, status: &str) -> StatusCode {
    let asked = async {
        loop {
            let ready = app.anonymous.get("/readyz").send().await.unwrap();
            let code = ready.status();
            if ready.json::<Value>().await.unwrap()["status"] == status {
                return code;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap_or_else(|_| panic!("it never said {status}"))
}

#[tokio::test]
async fn a_server_takes_its_redis_up_again_when_it_is_back() {
    let test = "a_server_takes_its_redis_up_again_when_it_is_back";
    let Some(proxy) = Proxy::to_redis(test).await else { return };
    let db = Arc::new(TestDatabase::new().await);
    let app = App::on(db, Some(&proxy.url), HttpConfig::default()).await;
    assert_eq!(says(&app, "ok").await, StatusCode::OK);
    proxy.cut();
    assert_eq!(says(&app, "degraded").await, StatusCode::OK);
    assert_eq!(app.anonymous.status("{ networks { totalCount } }").await, StatusCode::OK);
    proxy.mend();
    assert_eq!(says(&app, "ok").await, StatusCode::OK);
}

#[tokio::test]
async fn a_server_without_its_database_is_not_ready() {
    let Some(server) = postgres() else {
        return not_run("a_server_without_its_database_is_not_ready", "an open file of SQLite does not go away");
    };
    let app = App::start().await;
    assert_eq!(says(&app, "ok").await, StatusCode::OK);
    let (_, name) = app.db.url.rsplit_once('/').unwrap();
    let admin = sea_orm::Database::connect(&server).await.unwrap();
    admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    let ready = app.anonymous.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = ready.json().await.unwrap();
    assert_eq!(body["components"][0]["name"], "database");
    assert_eq!(body["components"][0]["ok"], false);
    assert!(!body.to_string().contains("concert_"), "the name of the database is nobody's business: {body}");
    let error = app.anonymous.error("{ networks { totalCount } }", json!({})).await;
    assert_eq!(error["extensions"]["code"], "BUSY", "{error:#}");
    assert_eq!(app.anonymous.get("/livez").send().await.unwrap().status(), StatusCode::OK, "the process lives on");
}

#[tokio::test]
async fn every_reply_carries_a_request_id() {
    let app = App::start().await;
    for path in ["/livez", "/graphql", "/nowhere"] {
        let reply = app.anonymous.get(path).send().await.unwrap();
        assert!(reply.headers().contains_key("x-request-id"), "{path}");
    }
    let own = app.anonymous.get("/livez").header("x-request-id", "abc-1.2_3").send().await.unwrap();
    assert_eq!(own.headers()["x-request-id"], "abc-1.2_3");
    let bad = app.anonymous.get("/livez").header("x-request-id", "a b\"c").send().await.unwrap();
    assert_ne!(bad.headers()["x-request-id"], "a b\"c");
}

#[tokio::test]
async fn what_is_not_there_is_told_in_json() {
    let app = App::start().await;
    let reply = app.anonymous.get("/nowhere").send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::NOT_FOUND);
    assert_eq!(reply.json::<Value>().await.unwrap()["errors"][0]["extensions"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn the_explorer_pins_what_it_loads() {
    let app = App::start().await;
    let reply = app.anonymous.get("/").send().await.unwrap();
    assert!(reply.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    let page = reply.text().await.unwrap();
    let (outside, pinned) = (page.matches("https://cdn.").count(), page.matches("integrity=\"sha384-").count());
    assert!(outside > 0);
    assert_eq!(outside, pinned, "every file from outside carries its digest");
}

#[tokio::test]
async fn the_schema_is_served() {
    let app = App::start().await;
    let schema = app.anonymous.get("/schema.graphql").send().await.unwrap().text().await.unwrap();
    assert_eq!(schema, api::graphql::schema::sdl());
}
