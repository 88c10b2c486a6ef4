//! A database that is full: a coded refusal, nothing half-written, and a process that lives on.

use std::sync::Arc;

use persistence::{DatabaseConfig, SqlStore};
use reqwest::StatusCode;
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use serde_json::{Value, json};

use crate::{
    app::{App, Options},
    db::TestDatabase,
    fixture::english,
};

const COUNTS: &str = "{ sources { totalCount } auditEntries { totalCount } importJobs { totalCount }
    community(slug: \"a\") { series { nodes { observations { totalCount } } } } }";

/// A server on a file that has room for so many pages more than it has now; without a number, for as many as there are.
async fn with_room(db: &Arc<TestDatabase>, pages: Option<u32>) -> App {
    let file = Database::connect(&db.url).await.unwrap();
    let count = Statement::from_string(DbBackend::Sqlite, "PRAGMA page_count");
    let count: i32 = file.query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    file.close().await.unwrap();
    let most_pages = pages.map(|more| u32::try_from(count).unwrap() + more);
    let config = DatabaseConfig { most_pages, ..db.config() };
    let store = Arc::new(SqlStore::open(&config).await.unwrap());
    App::over(store, Arc::clone(db), None, Options::default()).await
}

/// A long list of figures, one a day.
fn file() -> String {
    let day = |row: u32| format!("A,{}-{:02}-{:02},{}\n", 1900 + row / 336, row / 28 % 12 + 1, row % 28 + 1, row % 100);
    format!("areacd,period,observation\n{}", (0..20_000).map(day).collect::<String>())
}

async fn import(app: &App) -> (StatusCode, Value) {
    let address = "/imports?format=tidy&codeScheme=test:code&async=false&network=net&indicator=rate&source=survey";
    let answer = app.admin.post_to(address).body(file()).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_is_busy_and_holds_nothing_half_written() {
    let db = Arc::new(TestDatabase::sqlite());
    let app = App::on(Arc::clone(&db), None, Default::default()).await;
    let world = app.world().await;
    let input = json!({ "slug": "a", "name": english("A"), "kind": "MUNICIPALITY", "country": "CA",
        "codes": [{ "scheme": "test:code", "code": "A" }] });
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": world.network, "community": community, "joinedOn": "2015-01-01" }))
        .await;
    app.record(&world, &community, "2020", json!({ "value": 1.0 })).await;
    app.stop().await;

    let full = with_room(&db, Some(8)).await;
    let before = full.admin.data(COUNTS, json!({})).await;
    let (status, answer) = import(&full).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer:#}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BUSY");
    let mut tried = full.admin.data(COUNTS, json!({})).await;
    let entries = tried["auditEntries"]["totalCount"].take().as_u64().unwrap();
    assert_eq!(Some(entries), before["auditEntries"]["totalCount"].as_u64().map(|count| count + 1), "it was tried");
    let mut expected = before.clone();
    expected["auditEntries"]["totalCount"] = Value::Null;
    assert_eq!(tried, expected, "nothing of the file is kept, nor of its job");

    let source = |number: usize| json!({ "key": format!("s{number}"), "name": english(&"x".repeat(150)) });
    let mutation =
        "mutation($input: SourceCreateInput!) { sourceCreate(input: $input) { source { id } userErrors { code } } }";
    let mut made = 0;
    let error = loop {
        let (_, answer) = full.admin.ask(mutation, json!({ "input": source(made) })).await;
        if answer.get("errors").is_some() {
            break answer["errors"][0].clone();
        }
        assert_eq!(answer["data"]["sourceCreate"]["userErrors"], json!([]));
        made += 1;
        assert!(made < 10_000, "it never gets full");
    };
    assert_eq!(error["extensions"]["code"], "BUSY", "{error:#}");
    let after = full.admin.data(COUNTS, json!({})).await;
    let count = |of: &Value, list: &str| of[list]["totalCount"].as_u64().unwrap();
    assert_eq!(count(&after, "sources"), count(&before, "sources") + made as u64);
    assert_eq!(count(&after, "auditEntries"), entries + made as u64, "an entry for each, and no other");
    assert_eq!(after["community"], before["community"]);
    full.stop().await;

    // With room again everything that was refused goes through.
    let roomy = with_room(&db, None).await;
    roomy.admin.change("sourceCreate", source(made), "source", "id").await;
    let (status, job) = import(&roomy).await;
    assert_eq!((status, &job["state"]), (StatusCode::OK, &json!("SUCCEEDED")), "{job:#}");
}
