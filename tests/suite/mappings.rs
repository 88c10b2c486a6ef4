//! Mappings that the server keeps: versions that never change, what is wrong within one, and imports by them.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{app::App, cli::concert, client::codes};

const SHOWN: &str = "id version number key content source { key } versions { number since } first: content(number: 1) none: content(number: 3)";

/// A mapping of tables with a column for the place, one for the year, and this one for the figures.
pub fn content(column: &str) -> Value {
    json!({
        "community": { "code": { "column": "place" }, "scheme": "test:code" },
        "period": { "text": { "column": "year" } },
        "figures": [{ "column": column, "indicator": { "code": "rate" } }],
    })
}

/// A network `net` with an indicator `rate`, a source `survey`, and a member of the code HERE.
async fn town() -> App {
    let app = App::start().await;
    let world = app.world().await;
    let here = app.member(&world.network, "here").await;
    let codes = json!([{ "scheme": "test:code", "code": "HERE" }]);
    app.admin.change("communityUpdate", json!({ "id": here, "version": 1, "codes": codes }), "community", "id").await;
    app
}

async fn source(app: &App) -> Value {
    app.admin.data("{ source(key: \"survey\") { id } }", json!({})).await["source"]["id"].take()
}

async fn send(app: &App, address: &str, file: &'static str) -> (StatusCode, Value) {
    let answer = app.admin.post_to(address).body(file).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn values(app: &App) -> Vec<f64> {
    let query = "{ community(slug: \"here\") { series { nodes { observations { nodes { value } } } } } }";
    let found = app.anonymous.data(query, json!({})).await;
    let nodes = &found["community"]["series"]["nodes"][0]["observations"]["nodes"];
    let mut values: Vec<f64> =
        nodes.as_array().into_iter().flatten().map(|one| one["value"].as_f64().unwrap()).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_another_version_and_those_before_stay() {
    let app = town().await;
    let source = source(&app).await;
    let input = json!({ "key": "office", "source": source, "content": content("rate") });
    let made = app.admin.change("mappingCreate", input, "mapping", SHOWN).await;
    assert_eq!((&made["number"], &made["content"]), (&json!(1), &content("rate")));
    let change = json!({ "id": made["id"], "version": 1, "content": content("share") });
    let changed = app.admin.change("mappingUpdate", change, "mapping", SHOWN).await;
    assert_eq!((&changed["version"], &changed["number"]), (&json!(2), &json!(2)));
    // The same content again, and another key, are no other version.
    let same = json!({ "id": made["id"], "version": 2, "content": content("share"), "key": "office-2" });
    let renamed = app.admin.change("mappingUpdate", same, "mapping", SHOWN).await;
    assert_eq!((&renamed["version"], &renamed["number"], &renamed["key"]), (&json!(3), &json!(2), &json!("office-2")));
    let numbers: Vec<&Value> = renamed["versions"].as_array().unwrap().iter().map(|one| &one["number"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)]);
    assert_eq!(
        [&renamed["content"], &renamed["first"], &renamed["none"]],
        [&content("share"), &content("rate"), &Value::Null]
    );
    let query = "{ mapping(key: \"office-2\") { source { key } first: versions(first: 1, below: 2) { number }
        newest: versions(first: 1) { number } } none: mapping(key: \"office\") { key }
        mappings { totalCount nodes { versions(first: 1) { number } } } }";
    let read = app.anonymous.data(query, json!({})).await;
    assert_eq!(
        read["mapping"],
        json!({ "source": { "key": "survey" }, "first": [{ "number": 1 }], "newest": [{ "number": 2 }] })
    );
    assert_eq!((&read["none"], &read["mappings"]["totalCount"]), (&Value::Null, &json!(1)));
    let stale = json!({ "id": made["id"], "version": 1, "content": content("x") });
    let refused = app.admin.refusal("mappingUpdate", stale, "mapping").await;
    assert_eq!(codes(&refused), [("input.version".to_owned(), "STALE_VERSION".to_owned())]);
    let twice = json!({ "key": "office-2", "source": source, "content": content("rate") });
    let refused = app.admin.refusal("mappingCreate", twice, "mapping").await;
    assert_eq!(codes(&refused), [("input.key".to_owned(), "TAKEN".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_within_a_mapping_is_told_with_its_path() {
    let app = town().await;
    let source = source(&app).await;
    let mut no_column = content("rate");
    no_column["figures"][0] = json!({ "indicator": { "code": "rate" } });
    let mut misspelt = content("rate");
    misspelt["figures"][0]["colour"] = json!("red");
    let mut kind = content("rate");
    kind["table"] = json!({ "skipRows": "two" });
    let mut token = content("rate");
    token["missing"] = json!({ "N.A.": "A" });
    for (content, path) in [
        (no_column, json!(["input", "content", "figures", "0"])),
        (misspelt, json!(["input", "content", "figures", "0", "colour"])),
        (kind, json!(["input", "content", "table", "skipRows"])),
        (token, json!(["input", "content", "missing", "N.A."])),
        (json!([]), json!(["input", "content"])),
        (json!("x"), json!(["input", "content"])),
        (json!({ "figures": [] }), json!(["input", "content"])),
    ] {
        let input = json!({ "key": "office", "source": source, "content": content });
        let errors = app.admin.refusal("mappingCreate", input, "mapping").await;
        assert!(errors.iter().any(|error| error["path"] == path), "{path}: {errors:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_name_a_mapping_and_keep_to_the_version_they_began_with() {
    let app = town().await;
    let source = source(&app).await;
    let input = json!({ "key": "office", "source": source, "content": content("rate") });
    let made = app.admin.change("mappingCreate", input, "mapping", "id").await;
    let change = json!({ "id": made["id"], "version": 1, "content": content("share") });
    app.admin.change("mappingUpdate", change, "mapping", "id").await;
    let table = "place,year,rate,share\nHERE,2019,1,2\nHERE,2020,3,4\n";
    let address = "/imports?format=mapped&network=net&async=false&mapping=";
    let (status, job) = send(&app, &format!("{address}office"), table).await;
    assert_eq!((status, &job["state"]), (StatusCode::OK, &json!("SUCCEEDED")), "{job:#}");
    assert_eq!(values(&app).await, [2.0, 4.0], "the newest version, and the source of the mapping");
    let (_, job) = send(&app, &format!("{address}office@1"), table).await;
    assert_eq!(job["counts"]["updated"], 2.0, "{job:#}");
    assert_eq!(values(&app).await, [1.0, 3.0]);
    for (name, field) in [("other", "mapping"), ("office@3", "mapping"), ("office@0", "mapping"), ("a%20b", "mapping")]
    {
        let (status, answer) = send(&app, &format!("{address}{name}"), table).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(
            (status, &extensions["code"], &extensions["field"]),
            (StatusCode::BAD_REQUEST, &json!("BAD_USER_INPUT"), &json!(field))
        );
    }
    let (status, _) = send(&app, "/imports?format=tidy&network=net&mapping=office", table).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a mapping goes with tables of any make");
    app.admin.change("mappingArchive", json!({ "id": made["id"], "version": 2 }), "mapping", "id").await;
    let (status, answer) = send(&app, &format!("{address}office@1"), table).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_names_a_mapping_of_the_server_or_a_file() {
    let app = town().await;
    let source = source(&app).await;
    app.create("mapping", json!({ "key": "office", "source": source, "content": content("rate") })).await;
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("table.csv");
    std::fs::write(&table, "place,year,rate\nHERE,2020,7\n").unwrap();
    let run = |mapping: &str, more: &[&str]| {
        concert(&["import", "--format", "mapped", "--network", "net", "--mapping", mapping])
            .args(more)
            .arg(&table)
            .env("DATABASE_URL", &app.db.url)
            .output()
            .unwrap()
    };
    let kept = run("office@1", &[]);
    assert_eq!(kept.status.code(), Some(0), "{}", String::from_utf8_lossy(&kept.stderr));
    assert_eq!(values(&app).await, [7.0]);
    let unknown = run("office@2", &[]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no version 2"));
    let file = folder.path().join("mapping.json");
    std::fs::write(&file, content("rate").to_string()).unwrap();
    let read = run(file.to_str().unwrap(), &["--source", "survey"]);
    assert_eq!(read.status.code(), Some(0), "{}", String::from_utf8_lossy(&read.stderr));
    assert_eq!(run("none.json", &[]).status.code(), Some(2), "a file that is not there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_is_proposed_on_one_channel_and_doubted_on_the_other() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("table.csv");
    std::fs::write(&table, "place;year;rate\nHERE;2020;7,5\nTHERE;2020;x\n").unwrap();
    let output =
        concert(&["import", "--infer"]).arg(&table).env("DATABASE_URL", "sqlite://nowhere/none.db").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let mapping: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&mapping["table"]["delimiter"], &mapping["numbers"]["decimal"]), (&json!(";"), &json!(",")));
    assert_eq!((&mapping["missing"]["x"], &mapping["figures"][0]["column"]), (&json!("Q"), &json!("rate")));
    assert!(told.contains("unsure: missing.x: ") && told.contains("unsure: community.code: "), "{told}");
    let both = concert(&["import", "--infer"]).arg(&table).args(["--format", "mapped"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
    let neither = concert(&["import"]).arg(&table).output().unwrap();
    assert_eq!(neither.status.code(), Some(2));
}
