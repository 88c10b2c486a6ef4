//! Files that are uploaded: what becomes of them, for whom, and what is told of it.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::App,
    client::{Client, codes},
};

const TIDY: &str = "format=tidy&codeScheme=test:code&async=false";

/// A network with an indicator and two members that have codes.
struct Town {
    app: App,

    here: String,
    there: String,
}

impl Town {
    async fn new() -> Self {
        Self::on(App::start().await).await
    }

    async fn on(app: App) -> Self {
        let world = app.world().await;
        let mut communities = Vec::new();
        for slug in ["here", "there"] {
            let id = app.member(&world.network, slug).await;
            let query = "query($slug: String!) { community(slug: $slug) { version } }";
            let version = app.admin.data(query, json!({ "slug": slug })).await["community"]["version"].take();
            let codes = json!([{ "scheme": "test:code", "code": slug.to_uppercase() }]);
            let change = json!({ "id": id, "version": version, "codes": codes });
            app.admin.change("communityUpdate", change, "community", "id").await;
            communities.push(id);
        }
        let there = communities.pop().unwrap();
        Self { app, here: communities.pop().unwrap(), there }
    }

    fn address(&self, more: &str) -> String {
        format!("/imports?{TIDY}&network=net&indicator=rate&source=survey{more}")
    }
}

async fn send(client: &Client, address: &str, file: impl Into<reqwest::Body>) -> (StatusCode, Value) {
    let answer = client.post_to(address).body(file).send().await.unwrap();
    let (status, place) = (answer.status(), answer.headers().get("location").cloned());
    let body: Value = answer.json().await.unwrap();
    if let Some(place) = place {
        let told = client.get(place.to_str().unwrap()).send().await.unwrap();
        assert_eq!(told.status(), StatusCode::OK);
    }
    (status, body)
}

fn code(answer: &(StatusCode, Value)) -> (u16, &str, &str) {
    let extensions = &answer.1["errors"][0]["extensions"];
    (answer.0.as_u16(), extensions["code"].as_str().unwrap_or(""), extensions["field"].as_str().unwrap_or(""))
}

fn counts(job: &Value) -> [u64; 5] {
    ["read", "created", "updated", "unchanged", "rejected"].map(|name| job["counts"][name].as_f64().unwrap() as u64)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

const FILE: &str =
    "areacd,period,observation\nHERE,2019,1\nHERE,2020,2.5\nTHERE,2020,3\nNOWHERE,2020,4\nHERE,2021,x1\n";

#[tokio::test]
async fn a_file_is_recorded_row_by_row_and_what_is_not_kept_is_told() {
    let town = Town::new().await;
    let admin = &town.app.admin;
    let (status, job) = send(admin, &town.address("&name=rates.csv"), FILE).await;
    assert_eq!(
        (status, &job["state"], counts(&job)),
        (StatusCode::OK, &json!("SUCCEEDED"), [5, 3, 0, 0, 2]),
        "{job:#}"
    );
    let query = "query($id: ID!) { importJob(id: $id) { id name state dryRun bytes readBytes rowsPerSecond startedAt finishedAt
        counts { read created updated unchanged rejected } failure { code } rejects { line column code message row } }
        node(id: $id) { ... on ImportJob { state } } importJobs(filter: { states: [SUCCEEDED] }) { totalCount nodes { name } } }";
    let told = admin.data(query, json!({ "id": job["id"] })).await;
    let shown = &told["importJob"];
    assert_eq!((&shown["name"], counts(shown)), (&json!("rates.csv"), [5, 3, 0, 0, 2]));
    assert_eq!(
        (shown["bytes"].as_f64(), shown["readBytes"].as_f64()),
        (Some(FILE.len() as f64), Some(FILE.len() as f64))
    );
    assert_eq!(
        (&told["node"]["state"], &told["importJobs"]["nodes"]),
        (&json!("SUCCEEDED"), &json!([{ "name": "rates.csv" }]))
    );
    let rejects: Vec<_> = shown["rejects"].as_array().unwrap().iter().map(|one| (&one["line"], &one["code"])).collect();
    assert_eq!(rejects, [(&json!(5), &json!("NOT_FOUND")), (&json!(6), &json!("INVALID"))]);
    let address = format!("/imports/{}/rejects", job["id"].as_str().unwrap());
    let file = admin.get(&address).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "text/csv; charset=utf-8");
    let file = file.text().await.unwrap();
    assert_eq!(file.lines().next(), Some("line,column,code,reason,row"));
    assert!(file.contains("\"NOWHERE,2020,4\"") && file.lines().count() == 3, "{file}");
    // Again, compressed: nothing changes.
    let (_, again) = send(admin, &town.address(""), gzip(FILE)).await;
    assert_eq!(counts(&again), [5, 0, 0, 3, 2]);
    let figures = town
        .app
        .anonymous
        .data("{ community(slug: \"here\") { series { nodes { observations { totalCount } } } } }", json!({}))
        .await;
    assert_eq!(figures["community"]["series"]["nodes"], json!([{ "observations": { "totalCount": 2 } }]));
}

#[tokio::test]
async fn what_should_be_known_of_a_file_is_told_with_its_job() {
    let town = Town::new().await;
    let admin = &town.app.admin;
    let indicator = admin.data("{ indicator(code: \"rate\") { id } }", json!({})).await["indicator"]["id"].take();
    let rule = json!({ "community": town.here, "indicator": indicator, "rule": "RANGE", "minimum": 0, "maximum": 10 });
    admin.change("qualityRuleCreate", rule, "qualityRule", "id").await;
    let file = "areacd,indicator,period,observation,status\nHERE,rate,2019,1,\nHERE,rate,2020,11,\n\
                HERE,rate,2021,12,\nHERE,other,2020,,x\n";
    let address = format!("/imports?{TIDY}&network=net&source=survey&createMissing=indicators");
    let (_, job) = send(admin, &address, file).await;
    assert_eq!((&job["state"], counts(&job)), (&json!("SUCCEEDED"), [4, 4, 0, 0, 0]), "{job:#}");
    let notes = async |job: &Value, kind: &str| -> Vec<(String, Value, Value)> {
        let query = "query($id: ID!) { importJob(id: $id) { notes { kind message count line } } }";
        let told = admin.data(query, json!({ "id": job["id"] })).await;
        let notes = told["importJob"]["notes"].as_array().unwrap();
        assert_eq!(job["notes"].as_array().unwrap().len(), notes.len());
        let of_kind = notes.iter().filter(|note| note["kind"] == kind);
        let told =
            |note: &Value| (note["message"].as_str().unwrap().to_owned(), note["count"].clone(), note["line"].clone());
        of_kind.map(told).collect()
    };
    let created = ("indicator other".to_owned(), json!(1.0), Value::Null);
    assert_eq!(notes(&job, "CREATED").await, [created]);
    let adjusted = ("status x (not available) kept as missing (O)".to_owned(), json!(1.0), Value::Null);
    assert_eq!(notes(&job, "ADJUSTED").await, [adjusted]);
    let doubtful = "a value outside the range that a rule finds plausible [RANGE]".to_owned();
    assert_eq!(notes(&job, "DOUBTFUL").await, [(doubtful, json!(2.0), json!(3))]);
    // What is known at the end of the file alone.
    let row = |month: &str| format!("{month},Here,HERE,All,Index,351,units ,0,v1,1.1,31.0,,,,1\n");
    let header = "REF_DATE,GEO,DGUID,Index,UOM,UOM_ID,SCALAR_FACTOR,SCALAR_ID,VECTOR,COORDINATE,VALUE,STATUS,SYMBOL,\
                  TERMINATED,DECIMALS\n";
    let address = "/imports?format=statcan&codeScheme=test:code&async=false&network=net&source=survey&indicator=index\
                   &createMissing=indicators";
    let (_, job) = send(admin, address, format!("{header}{}{}", row("2020-01"), row("2020-04"))).await;
    assert_eq!((&job["state"], counts(&job)), (&json!("SUCCEEDED"), [2, 2, 0, 0, 0]), "{job:#}");
    let noticed = notes(&job, "NOTICE").await;
    assert!(noticed.iter().any(|(message, ..)| message.contains("say --frequency QUARTER")), "{noticed:#?}");
}

#[tokio::test]
async fn figures_are_recorded_and_compared_by_the_definition_in_force() {
    let town = Town::new().await;
    let admin = &town.app.admin;
    let indicator = admin.data("{ indicator(code: \"rate\") { id } }", json!({})).await["indicator"]["id"].take();
    let later =
        json!({ "effectiveFrom": "2999-01-01", "unit": crate::fixture::english("per 1 000"), "measure": "RATE" });
    town.app.version(indicator.as_str().unwrap(), later).await;
    let (_, job) = send(admin, &town.address(""), "areacd,period,observation,unit\nHERE,2020,2.5,%\n").await;
    assert_eq!(counts(&job), [1, 1, 0, 0, 0], "{job:#}");
    let query = "{ indicator(code: \"rate\") { currentVersion { number } }
        community(slug: \"here\") { series { nodes { indicatorVersion { number } } } }
        comparison(network: \"net\", indicator: \"rate\") { indicatorVersion { number } coverage { reporting } } }";
    let told = admin.data(query, json!({})).await;
    assert_eq!(told["indicator"]["currentVersion"]["number"], 1);
    assert_eq!(told["community"]["series"]["nodes"], json!([{ "indicatorVersion": { "number": 1 } }]));
    assert_eq!(told["comparison"]["indicatorVersion"]["number"], 1);
    assert_eq!(told["comparison"]["coverage"]["reporting"], 1);
}

#[tokio::test]
async fn a_dry_run_tells_everything_and_keeps_nothing() {
    let town = Town::new().await;
    let (_, job) = send(&town.app.admin, &town.address("&dryRun=true"), FILE).await;
    assert_eq!((&job["state"], &job["dryRun"], counts(&job)), (&json!("SUCCEEDED"), &json!(true), [5, 3, 0, 0, 2]));
    let query = "query($id: ID!) { importJob(id: $id) { rejects(first: 1) { line row } } community(slug: \"here\") { series { totalCount } } }";
    let told = town.app.admin.data(query, json!({ "id": job["id"] })).await;
    assert_eq!(told["importJob"]["rejects"], json!([{ "line": 5, "row": "NOWHERE,2020,4" }]));
    assert_eq!(told["community"]["series"]["totalCount"], 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_leaves_nothing() {
    let town = Town::new().await;
    let many: String = (0..12_000).map(|row| format!("HERE,{},1\n", 1000 + row % 900)).collect();
    let whole = gzip(&format!("areacd,period,observation\n{many}"));
    let admin = &town.app.admin;
    let (status, job) = send(admin, &town.address(""), whole[..whole.len() - 4].to_vec()).await;
    assert_eq!(
        (status, &job["state"], &job["failure"]["code"]),
        (StatusCode::OK, &json!("FAILED"), &json!("TRUNCATED"))
    );
    assert_eq!(counts(&job), [0; 5]);
    let (_, job) = send(admin, &town.address(""), "areacd,period\nHERE,2020\n").await;
    assert_eq!((&job["state"], &job["failure"]["code"]), (&json!("FAILED"), &json!("MISSING_COLUMN")));
    let kept = admin.data("{ community(slug: \"here\") { series { totalCount } } }", json!({})).await;
    assert_eq!(kept["community"]["series"]["totalCount"], 0);
}

#[tokio::test]
async fn files_are_for_those_who_record_figures_and_rows_for_those_who_answer_for_them() {
    let town = Town::new().await;
    let Town { app, here, there, .. } = &town;
    let role = |role: &str, community: &str| json!([{ "role": role, "community": community }]);
    let steward = app.somebody("s@example.org", role("STEWARD", here)).await.client;
    let other = app.somebody("o@example.org", role("STEWARD", there)).await.client;
    let reader = app.somebody("r@example.org", role("MEMBER_READER", here)).await.client;
    let nobody = send(&app.anonymous, &town.address(""), FILE).await;
    assert_eq!(code(&nobody), (401, "UNAUTHENTICATED", ""));
    assert_eq!(code(&send(&reader, &town.address(""), FILE).await), (403, "FORBIDDEN", ""));
    let creates = send(&steward, &town.address("&createMissing=sources"), FILE).await;
    assert_eq!(code(&creates), (403, "FORBIDDEN", ""));
    let denied = app.admin.data("{ auditEntries(filter: { action: [DENIED] }) { totalCount } }", json!({})).await;
    assert_eq!(denied["auditEntries"]["totalCount"], 3);
    let (_, job) = send(&steward, &town.address(""), FILE).await;
    assert_eq!(counts(&job), [5, 2, 0, 0, 3]);
    let query = "query($id: ID!) { importJob(id: $id) { rejects { code line } } node(id: $id) { id } importJobs { totalCount } }";
    let told = steward.data(query, json!({ "id": job["id"] })).await;
    assert_eq!(told["importJob"]["rejects"][0], json!({ "code": "FORBIDDEN", "line": 4 }));
    // The community whose figures were to be recorded reads that, of a dry run, too; once of every file.
    send(&steward, &town.address("&dryRun=true"), format!("{FILE}THERE,2021,3\n")).await;
    let log = "query($c: ID) { auditEntries(first: 9, filter: { action: [DENIED], community: $c }) { nodes { detail objectId } } }";
    let denied = other.data(log, json!({ "c": there })).await["auditEntries"]["nodes"].take();
    let entry = json!({ "detail": "import figures of this community", "objectId": there });
    assert_eq!(denied, json!([entry, entry]));
    // Administrators see that there is a job, and nothing of what is in it.
    let root = app.somebody("root@example.org", json!([{ "role": "ADMINISTRATOR" }])).await.client;
    let told = root
        .data(
            "query($id: ID!) { importJob(id: $id) { counts { rejected } rejects { row } } }",
            json!({ "id": job["id"] }),
        )
        .await;
    assert_eq!(told["importJob"], json!({ "counts": { "rejected": 3.0 }, "rejects": [] }));
    let rows = root.get(&format!("/imports/{}/rejects", job["id"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(rows.status(), StatusCode::NOT_FOUND);
    // Of others' jobs nothing is known.
    let told = other.data(query, json!({ "id": job["id"] })).await;
    assert_eq!(told, json!({ "importJob": null, "node": null, "importJobs": { "totalCount": 0 } }));
    let path = format!("/imports/{}", job["id"].as_str().unwrap());
    for path in [path.clone(), format!("{path}/rejects"), "/imports/bm90aGluZw".into()] {
        assert_eq!(other.get(&path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(app.anonymous.get(&path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
    let refused = other.refusal("importJobCancel", json!({ "id": job["id"] }), "importJob").await;
    assert_eq!(codes(&refused), [("input.id".to_owned(), "NOT_FOUND".to_owned())]);
    // One that is over stays as it is.
    let over = steward.change("importJobCancel", json!({ "id": job["id"] }), "importJob", "state").await;
    assert_eq!(over["state"], "SUCCEEDED");
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_told_at_once() {
    let config = api::http::HttpConfig { max_upload: 300, ..api::http::HttpConfig::default() };
    let town = Town::on(App::with(config).await).await;
    let admin = &town.app.admin;
    for (address, expected) in [
        ("/imports?format=tidy".to_owned(), (400, "BAD_USER_INPUT", "network")),
        ("/imports?format=xml&network=net".to_owned(), (400, "BAD_USER_INPUT", "format")),
        (town.address("&what=1"), (400, "BAD_USER_INPUT", "what")),
        (town.address("").replace("async=false", "async=maybe"), (400, "BAD_REQUEST", "async")),
        (town.address("").replace("network=net", "network=none"), (400, "BAD_USER_INPUT", "network")),
        (town.address("").replace("source=survey", "source=none"), (400, "BAD_USER_INPUT", "source")),
        (town.address(&format!("&name={}", "x".repeat(300))), (400, "BAD_USER_INPUT", "name")),
    ] {
        let answer = send(admin, &address, FILE).await;
        let (status, said, field) = code(&answer);
        assert_eq!((status, said, field), expected, "{address}: {:#}", answer.1);
    }
    assert_eq!(code(&send(admin, &town.address(""), "").await), (400, "EMPTY_FILE", ""));
    let large = FILE.repeat(10);
    assert_eq!(code(&send(admin, &town.address(""), large.clone()).await), (413, "PAYLOAD_TOO_LARGE", ""));
    // Without a length it is found out on the way.
    let pieces = futures_util::stream::iter(
        large.into_bytes().chunks(100).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect::<Vec<_>>(),
    );
    let streamed = send(admin, &town.address(""), reqwest::Body::wrap_stream(pieces)).await;
    assert_eq!(code(&streamed), (413, "PAYLOAD_TOO_LARGE", ""));
    let jobs = admin.data("{ importJobs { totalCount } }", json!({})).await;
    assert_eq!(jobs["importJobs"]["totalCount"], 0, "nothing of them stays");
    assert_eq!(admin.get("/imports").send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn dhis2_is_answered_as_it_answers_itself() {
    let town = Town::new().await;
    let address = "/imports?format=dhis2&network=net&source=survey&orgUnitIdScheme=code&codeScheme=test:code\
                   &importStrategy=create-and-update&async=false";
    let set = json!({ "dataValues": [
        { "dataElement": "rate", "period": "2020", "orgUnit": "HERE", "value": "5" },
        { "dataElement": "rate", "period": "2020", "orgUnit": "NOWHERE", "value": "5" },
    ] });
    let (status, answer) = send(&town.app.admin, address, set.to_string()).await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("WARNING")), "{answer:#}");
    let response = &answer["response"];
    assert_eq!((&response["responseType"], &response["status"]), (&json!("ImportSummary"), &json!("WARNING")));
    assert_eq!(response["importCount"], json!({ "imported": 1, "updated": 0, "ignored": 1, "deleted": 0 }));
    assert_eq!((&response["rejectedIndexes"], &response["conflicts"][0]["indexes"]), (&json!([1]), &json!([1])));
    let (_, again) = send(&town.app.admin, address, set.to_string()).await;
    assert_eq!((&again["response"]["unchanged"], &again["response"]["importCount"]["ignored"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn of_a_very_long_row_that_is_rejected_the_beginning_is_kept() {
    let town = Town::new().await;
    let long = format!("NOWHERE,2020,1,{}", "x".repeat(70_000));
    let file = format!("areacd,period,observation,notes\nNOWHERE,2020,1,short\n{long}\n");
    let (_, job) = send(&town.app.admin, &town.address(""), file).await;
    let query = "query($id: ID!) { importJob(id: $id) { rejects { row } } }";
    let told = town.app.admin.data(query, json!({ "id": job["id"] })).await["importJob"]["rejects"].take();
    assert_eq!(told[0]["row"], "NOWHERE,2020,1,short");
    let cut = format!("{}… [cut: the row has {} bytes]", &long[..64 * 1024], long.len());
    assert_eq!(told[1]["row"].as_str().unwrap(), cut);
}

#[tokio::test]
async fn replicas_share_the_work_and_no_file_is_worked_on_twice() {
    let town = Town::new().await;
    let replica = town.app.replica().await;
    // Enough rows for two batches each: a day a row.
    let file = |number: u32| {
        let day = |row: u32| (1000 + 20 * number + row / 336, row / 28 % 12 + 1, row % 28 + 1);
        let rows: String = (0..6_000).map(day).map(|(y, m, d)| format!("HERE,{y}-{m:02}-{d:02},{d}\n")).collect();
        format!("areacd,period,observation\n{rows}")
    };
    let addresses = town.address("");
    let jobs = futures_util::future::join_all((1..=6).map(|number| {
        let client = if number % 2 == 0 { town.app.admin.clone() } else { replica.admin.clone() };
        let (address, file) = (addresses.clone(), file(number));
        async move { send(&client, &address, file).await.1 }
    }))
    .await;
    for job in &jobs {
        assert_eq!(counts(job), [6_000, 6_000, 0, 0, 0], "{job:#}");
    }
}
