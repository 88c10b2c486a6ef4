//! The audit log: read by those who may, taken out and checked by the command line.

use std::{fs, path::Path};

use domain::{
    audit::{Action, ActorKind, AuditFilter, AuditSight, NewEntry},
    id::CommunityId,
    port::store::Store as _,
};
use persistence::SqlStore;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::App,
    cli::{concert, run},
    db::TestDatabase,
    fixture::english,
};

/// Entries of three days in 2024, so many a day.
async fn fill(db: &TestDatabase, a_day: i64) -> SqlStore {
    let store = SqlStore::open(&db.config()).await.unwrap();
    let begin = "2024-03-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let entries: Vec<_> = (0..3 * a_day)
        .map(|n| {
            let at = begin + chrono::TimeDelta::days(n / a_day) + chrono::TimeDelta::seconds(n % a_day);
            let action = if n % 2 == 0 { Action::SignIn } else { Action::Update };
            let entry =
                NewEntry::new(at, "Zoë", ActorKind::Person, action).from_request(Some("r-1"), Some("192.0.2.1"));
            if n % 2 == 0 { entry } else { entry.change("visibility", "PRIVATE", json!(["PUBLIC", 0.1])) }
        })
        .collect();
    let work = store.begin().await.unwrap();
    work.repositories().audit().record(&entries).await.unwrap();
    work.commit().await.unwrap();
    store
}

fn export(db: &TestDatabase, folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = concert(&["audit", "export"]);
    run(command.args(arguments).env("DATABASE_URL", &db.url).current_dir(folder))
}

fn verify(file: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(concert(&["audit", "verify"]).arg(file).args(arguments))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_out_can_be_checked() {
    let (db, folder) = (TestDatabase::new().await, TempDir::new().unwrap());
    // More than is read at once.
    let store = fill(&db, 700).await;
    let (code, out, told) = export(&db, folder.path(), &["--output", "log.jsonl"]);
    assert_eq!((code, out.as_str()), (0, ""), "{told}");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["log.jsonl"], "nothing else is left behind");
    let file = folder.path().join("log.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let written = lines(&text);
    assert_eq!(written.len(), 2_100 + 1 + 2);
    // That it was taken out is the last that it says.
    let last = &written[written.len() - 2];
    assert_eq!((&last["action"], &last["actorKind"]), (&json!("EXPORT"), &json!("OPERATOR")));
    assert_eq!(written[1]["changes"], Value::Null);
    assert_eq!(written[2]["changes"], json!({ "visibility": { "before": "PRIVATE", "after": ["PUBLIC", 0.1] } }));

    let (code, out, told) = verify(&file, &[]);
    assert_eq!((code, told.as_str()), (0, ""));
    assert!(out.contains("2101 entries"), "{out}");
    let hash = written.last().unwrap()["hash"].as_str().unwrap();
    assert_eq!(verify(&file, &["--hash", hash]).0, 0);
    assert_eq!(verify(&file, &["--hash", &"0".repeat(64)]).0, 1);

    // Changed, cut off, and not there.
    let changed = text.replacen("Zoë", "Zoé", 1);
    fs::write(&file, changed).unwrap();
    let (code, _, told) = verify(&file, &[]);
    assert_eq!(code, 1);
    assert!(told.contains("line 2: "), "{told}");
    fs::write(&file, text.rsplit_once("{\"count\"").unwrap().0).unwrap();
    let (code, _, told) = verify(&file, &[]);
    assert_eq!(code, 1);
    assert!(told.contains("line 2103: the file ends before its footer"), "{told}");
    assert_eq!(verify(&folder.path().join("nowhere"), &[]).0, 2);
    assert_eq!(verify(folder.path(), &[]).0, 2);

    // A second export takes the place of the first, and says that there were two.
    assert_eq!(export(&db, folder.path(), &["--output", "log.jsonl"]).0, 0);
    assert_eq!(verify(&file, &[]).0, 0);
    let filter = AuditFilter { actions: Some(vec![Action::Export]), ..AuditFilter::default() };
    assert_eq!(store.read().audit().after(&filter, 0, i64::MAX, 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_of_days_is_taken_out() {
    let (db, folder) = (TestDatabase::new().await, TempDir::new().unwrap());
    fill(&db, 5).await;
    let days = |text: &str| -> Vec<String> {
        let lines = lines(text);
        lines.iter().filter_map(|line| Some(line["at"].as_str()?[..10].to_owned())).collect()
    };
    let (code, out, _) = export(&db, folder.path(), &["--from", "2024-03-02", "--until", "2024-03-03"]);
    assert_eq!((code, days(&out)), (0, vec!["2024-03-02".to_owned(); 5]));
    let header = &lines(&out)[0];
    assert_eq!((&header["from"], &header["fromPlace"]), (&json!("2024-03-02T00:00:00.000000Z"), &json!(6)));
    let file = folder.path().join("out");
    fs::write(&file, out).unwrap();
    assert_eq!(verify(&file, &[]).0, 0);

    let (code, out, _) = export(&db, folder.path(), &["--until", "2020-01-01"]);
    assert_eq!((code, out.lines().count()), (0, 2));
    fs::write(&file, out).unwrap();
    assert_eq!(verify(&file, &[]).0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_exported_is_said_and_leaves_nothing() {
    let (db, folder) = (TestDatabase::new().await, TempDir::new().unwrap());
    let store = fill(&db, 1).await;
    let cases: [(&[&str], i32, &str); 5] = [
        (&["--from", "yesterday"], 2, "--from"),
        (&["--from", "2024-03-02", "--until", "2024-03-02"], 2, "--until"),
        (&["--output", "."], 2, "--output"),
        (&["--output", "no/such/folder/log"], 1, "cannot be written"),
        (&["--output", "no/"], 2, "--output"),
    ];
    for (arguments, expected, named) in cases {
        let (code, out, told) = export(&db, folder.path(), arguments);
        assert_eq!((code, out.as_str()), (expected, ""), "{arguments:?}: {told}");
        assert!(told.contains(named), "{named} is not in:\n{told}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(store.read().audit().after(&AuditFilter::default(), 0, i64::MAX, 10).await.unwrap().len(), 3);
}

const ENTRIES: &str = "query($filter: AuditEntryFilter, $first: Int, $after: String, $order: AuditEntryOrder) {
    auditEntries(filter: $filter, first: $first, after: $after, orderBy: $order) {
        totalCount nodes { place at actor actorKind action objectId object { id } community { slug } network { slug }
            changes { field before after } requestId address detail } pageInfo { hasNextPage endCursor } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administrator_reads_the_log_and_nobody_else() {
    let app = App::start().await;
    // Creating it is the first entry.
    let community = app.community("c").await;
    let store = fill(&app.db, 10).await;
    let known = store.read().communities().list(&domain::access::Scope::Everything, &Default::default()).await.unwrap();
    let id: CommunityId = known.items[0].1.id;
    let entry = NewEntry::new("2025-01-01T00:00:00Z".parse().unwrap(), "ops", ActorKind::Operator, Action::Archive);
    let gone = NewEntry::new(entry.at, "ops", ActorKind::Operator, Action::Denied);
    let gone = gone.on(CommunityId::from(uuid::Uuid::nil()));
    let entry = entry.on(id).of_community(id).detail("Why").change("closed", Value::Null, true);
    store.read().audit().record(&[entry, gone]).await.unwrap();

    let error = app.anonymous.error(ENTRIES, json!({})).await;
    assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED");
    assert!(app.anonymous.error("{ auditEntries { totalCount } }", json!({})).await["extensions"]["code"].is_string());

    // Newest first, unless told otherwise.
    let page = app.admin.data(ENTRIES, json!({ "first": 2 })).await["auditEntries"].take();
    assert_eq!((&page["totalCount"], &page["pageInfo"]["hasNextPage"]), (&json!(33), &json!(true)));
    assert_eq!(
        page["nodes"][1],
        json!({
            "place": "32", "at": "2025-01-01T00:00:00.000000Z", "actor": "ops", "actorKind": "OPERATOR", "action": "ARCHIVE",
            "objectId": community, "object": { "id": community }, "community": { "slug": "c" }, "network": null,
            "changes": [{ "field": "closed", "before": "null", "after": "true" }], "requestId": null, "address": null,
            "detail": "Why",
        })
    );
    // What is no longer there is still named.
    assert!(page["nodes"][0]["objectId"].is_string());
    assert_eq!(page["nodes"][0]["object"], Value::Null);

    // By its id, for those who may read it.
    let by_id = "query($id: ID!) { node(id: $id) { id ... on AuditEntry { place } } }";
    let newest = app.admin.data("{ auditEntries(first: 1) { nodes { id } } }", json!({})).await;
    let id = json!({ "id": newest["auditEntries"]["nodes"][0]["id"] });
    assert_eq!(app.admin.data(by_id, id.clone()).await["node"], json!({ "id": id["id"], "place": "33" }));
    assert_eq!(app.anonymous.data(by_id, id).await["node"], Value::Null);
    for place in [0, 34, i64::MIN, i64::MAX] {
        let id = json!({ "id": api::graphql::id::encode_entry(place) });
        assert_eq!(app.admin.data(by_id, id).await["node"], Value::Null);
    }

    let (mut after, mut places) = (Value::Null, Vec::new());
    loop {
        let variables = json!({ "first": 10, "after": after, "order": { "field": "PLACE" } });
        let page = app.admin.data(ENTRIES, variables).await["auditEntries"].take();
        places.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["place"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(places, (1..=33).map(|place| place.to_string()).collect::<Vec<_>>());

    for (filter, count) in [
        (json!({ "actor": "Zoë", "action": ["SIGN_IN"] }), 15),
        (json!({ "object": community }), 2),
        (json!({ "community": community, "action": ["UPDATE"] }), 0),
        (json!({ "from": "2024-03-02T00:00:00Z", "until": "2024-03-03T00:00:00Z" }), 10),
    ] {
        let page = app.admin.data(ENTRIES, json!({ "filter": filter })).await["auditEntries"].take();
        assert_eq!(page["totalCount"], count, "{filter}");
    }
    for (filter, field) in [
        (json!({ "object": "x" }), "filter.object"),
        (json!({ "network": community }), "filter.network"),
        (json!({ "from": "today" }), "filter.from"),
    ] {
        let error = app.admin.error(ENTRIES, json!({ "filter": filter })).await;
        assert_eq!(
            (&error["extensions"]["code"], &error["extensions"]["field"]),
            (&json!("BAD_USER_INPUT"), &json!(field))
        );
    }
    let other = app.admin.data("{ communities { pageInfo { endCursor } } }", json!({})).await;
    let error = app.admin.error(ENTRIES, json!({ "after": other["communities"]["pageInfo"]["endCursor"] })).await;
    assert_eq!(error["extensions"]["field"], "after");
    let all = store.read().audit().list(&AuditSight::Everything, &Default::default()).await.unwrap();
    assert_eq!(all.items.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_what_is_under_an_authority_leaves_a_trace() {
    let app = App::start().await;
    let world = app.world().await;
    let (plain, under) = (app.member(&world.network, "plain").await, app.member(&world.network, "under").await);
    app.record(&world, &plain, "2023", json!({ "value": 1.0 })).await;
    app.record(&world, &under, "2023", json!({ "value": 2.0 })).await;
    let authority = json!({ "id": under, "version": 1, "indigenousDataAuthority": "The council" });
    app.admin.change("communityUpdate", authority, "community", "version").await;
    let learning = json!({ "slug": "l", "community": under, "author": "A", "kind": "WORKED", "issue": "OTHER", "title": english("L"),
        "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING", "visibility": "COMMUNITY" });
    let learning = app.create("learning", learning).await;

    let reads = || async {
        let query =
            "{ auditEntries(first: 100, filter: { action: [READ_UNDER_AUTHORITY] }, orderBy: { field: PLACE }) {
            nodes { actorKind detail requestId community { slug } object { id } } } }";
        app.admin.data(query, json!({})).await["auditEntries"]["nodes"].as_array().unwrap().clone()
    };
    let before = reads().await.len();
    // Nobody in particular reads nothing of it, and what others share with everybody is not noted.
    let figures = "{ communities(first: 5) { nodes { latestValues(indicators: [\"rate\"]) { value } series(first: 5) { nodes { latest { value }
        observations(first: 5) { nodes { value revisions { value } } } } } } }
        comparison(network: \"net\", indicator: \"rate\") { entries { current { value } } } }";
    app.anonymous.data(figures, json!({})).await;
    assert_eq!(reads().await.len(), before);

    app.admin.data(figures, json!({})).await;
    let noted = reads().await.split_off(before);
    let mut what: Vec<_> = noted.iter().map(|entry| entry["detail"].as_str().unwrap()).collect();
    what.sort_unstable();
    // The authority has not let it be compared.
    assert_eq!(what, ["Series", "figures", "newest figures", "newest figures", "revisions of figures"]);
    for entry in &noted {
        assert_eq!((&entry["community"]["slug"], &entry["object"]["id"]), (&json!("under"), &json!(under)));
        assert_eq!(entry["actorKind"], "OPERATOR");
        assert!(entry["requestId"].is_string());
    }

    // Published, it is for everybody, and the trace stays, also where the answer comes from the cache.
    for act in ["PUBLISH", "COMPARE"] {
        app.create("authorityDecision", json!({ "community": under, "act": act })).await;
    }
    app.create("sharingRule", json!({ "community": under, "visibility": "PUBLIC" })).await;
    let before = reads().await.len();
    let comparison = "{ comparison(network: \"net\", indicator: \"rate\") { entries { current { value } } } }";
    app.anonymous.data(comparison, json!({})).await;
    app.anonymous.data(comparison, json!({})).await;
    app.admin.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": learning })).await;
    let noted = reads().await.split_off(before);
    let what: Vec<_> =
        noted.iter().map(|entry| [&entry["actorKind"], &entry["detail"]].map(|v| v.as_str().unwrap())).collect();
    assert_eq!(what, [["ANONYMOUS", "a comparison"], ["ANONYMOUS", "a comparison"], ["OPERATOR", "Learning"]]);
}
