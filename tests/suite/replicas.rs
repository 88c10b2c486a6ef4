//! Several servers on one database.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::event::Event;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::{
    app::{App, Options},
    db::{not_run, postgres, redis},
    fixture::english,
};

#[tokio::test]
async fn a_replica_sees_what_another_wrote() {
    let app = App::start().await;
    let replica = app.replica().await;
    app.source("survey").await;
    let data = replica.anonymous.data("{ source(key: \"survey\") { key } }", json!({})).await;
    assert_eq!(data["source"]["key"], "survey");
    app.stop().await;
    replica.anonymous.data("{ __typename }", json!({})).await;
}

#[tokio::test]
async fn everybody_hears_of_a_change() {
    let app = App::start().await;
    // Replicas share a bus through Redis; without one the bus is this process's own.
    let listener =
        if redis().is_some() { app.replica().await } else { App::on(app.db.clone(), None, Default::default()).await };
    let bus = if redis().is_some() { &listener.bus } else { &app.bus };
    let mut heard = bus.subscribe();
    let wait = async {
        loop {
            // Listening begins when it begins: the change is made again until somebody hears of one.
            app.admin
                .change(
                    "sourceCreate",
                    json!({ "key": format!("s{}", uuid::Uuid::now_v7()), "name": english("S") }),
                    "source",
                    "id",
                )
                .await;
            if let Ok(Some(Event::RecordChanged { noun, version, .. })) =
                tokio::time::timeout(Duration::from_millis(500), heard.next()).await
            {
                return (noun, version);
            }
        }
    };
    let (noun, version) =
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("nobody heard of the change");
    assert_eq!((noun.as_str(), version), ("Source", 1));
}

#[tokio::test]
async fn what_one_replica_compared_another_takes_from_the_cache() {
    let Some(shared) = redis() else {
        return not_run("what_one_replica_compared_another_takes_from_the_cache", "CONCERT_TEST_REDIS_URL is not set");
    };
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "a").await;
    app.record(&world, &community, "2020", json!({ "value": 10.0 })).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let statements = Arc::clone(&heard);
    let on_read = Arc::new(move |text: &str| statements.lock().unwrap().push(text.to_owned()));
    let options = Options { on_read: Some(on_read), ..Options::default() };
    let other = App::opened_on(app.db.clone(), Some(&shared), options).await;
    let query = r#"{ comparison(network: "net", indicator: "rate") { entries { current { value } } } }"#;
    let value = async |of: &App| {
        of.anonymous.data(query, json!({})).await["comparison"]["entries"][0]["current"]["value"].take()
    };
    let looks =
        || std::mem::take(&mut *heard.lock().unwrap()).iter().any(|text: &String| text.contains("latest_observation"));
    assert_eq!(value(&app).await, 10.0);
    looks();
    assert_eq!(value(&other).await, 10.0);
    assert!(!looks(), "it was computed once, and by another");
    // A change anywhere makes all of them compute anew.
    app.record(&world, &community, "2020", json!({ "value": 11.0 })).await;
    assert_eq!(value(&other).await, 11.0);
    assert!(looks());
}

#[tokio::test]
async fn many_start_at_once_on_an_empty_database() {
    let db = std::sync::Arc::new(crate::db::TestDatabase::new().await);
    let count = if postgres().is_some() { 6 } else { 3 };
    let started = (0..count).map(|_| App::on(db.clone(), None, Default::default()));
    let apps = futures_util::future::join_all(started).await;
    for app in &apps {
        app.anonymous.data("{ networks { totalCount } }", json!({})).await;
    }
}
