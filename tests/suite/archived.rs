//! Nothing new refers to what is archived, whichever way it is recorded; what was recorded before stays.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::codes,
    fixture::{World, english, text},
};

const PUSH: &str = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) {
    created rejectedRows { index field code } userErrors { code } } }";

/// A member with a code and a figure for 2019.
async fn start() -> (App, World, String) {
    let app = App::start().await;
    let world = app.world().await;
    let input = json!({ "slug": "c", "name": english("C"), "kind": "MUNICIPALITY", "country": "CA",
        "codes": [{ "scheme": "test:code", "code": "C" }] });
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": world.network, "community": community, "joinedOn": "2015-01-01" }))
        .await;
    app.record(&world, &community, "2019", json!({ "value": 1.0 })).await;
    (app, world, community)
}

/// What becomes of a figure that is recorded alone, pushed by ids, pushed by codes, and imported: the code of its refusal.
async fn every_way(app: &App, world: &World, community: &str) -> [Option<String>; 4] {
    let ids = json!({ "community": community, "indicatorVersion": world.version, "source": world.source, "period": "2020", "value": 2.0 });
    let alone = app.admin.ask(
        "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) { userErrors { code } } }",
        json!({ "input": ids }),
    );
    let alone = alone.await.1["data"]["observationRecord"]["userErrors"][0]["code"].as_str().map(str::to_owned);
    let by_codes = json!({ "communityCode": { "scheme": "test:code", "code": "C" }, "indicator": "rate", "sourceKey": "survey",
        "period": "2020", "value": 2.0 });
    let mut pushed = Vec::new();
    for row in [ids, by_codes] {
        let payload = app.admin.data(PUSH, json!({ "input": { "rows": [row], "dryRun": true } })).await;
        let rejected = &payload["observationsPush"]["rejectedRows"][0]["code"];
        pushed.push(rejected.as_str().map(str::to_owned));
    }
    let address =
        "/imports?format=tidy&codeScheme=test:code&async=false&dryRun=true&network=net&indicator=rate&source=survey";
    let sent = app.admin.post_to(address).body("areacd,period,observation\nC,2020,2\n").send().await.unwrap();
    let job: Value = sent.json().await.unwrap();
    let query = "query($id: ID!) { importJob(id: $id) { counts { created } rejects { code } } }";
    let told = match job["id"].as_str() {
        Some(id) => app.admin.data(query, json!({ "id": id })).await["importJob"].take(),
        // A source that is archived is refused before the file is read.
        None => json!({ "rejects": [{ "code": job["errors"][0]["extensions"]["code"] }], "counts": {} }),
    };
    let imported = told["rejects"][0]["code"].as_str().map(str::to_owned);
    let mut pushed = pushed.into_iter();
    [alone, pushed.next().flatten(), pushed.next().flatten(), imported]
}

#[tokio::test]
async fn no_new_figure_refers_to_what_is_archived() {
    let (app, world, community) = start().await;
    // Recorded last, it would be unchanged for the others: all but the first are dry runs.
    assert_eq!(every_way(&app, &world, &community).await, [None, None, None, None]);
    for (noun, id) in [("source", &world.source), ("community", &community), ("indicator", &world.indicator)] {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {} {{ version }} }} }}", {
            let mut ty = noun.to_owned();
            ty[..1].make_ascii_uppercase();
            ty
        });
        let version = app.admin.data(&query, json!({ "id": id })).await["node"]["version"].take();
        let archive = json!({ "id": id, "version": version });
        let archived = app.admin.change(&format!("{noun}Archive"), archive, noun, "version").await;
        let refused = every_way(&app, &world, &community).await;
        for (way, code) in ["alone", "by ids", "by codes"].iter().zip(&refused) {
            assert_eq!(code.as_deref(), Some("ARCHIVED"), "{noun}, {way}");
        }
        // A file names things in words of its own: an archived place is none of the network's.
        assert!(refused[3].is_some(), "{noun}, imported");
        // What was recorded before is still there.
        let query = "query($id: ID!) { node(id: $id) { ... on Community { series { nodes { observations { totalCount } } } } } }";
        let kept = app.admin.data(query, json!({ "id": community })).await;
        assert_eq!(kept["node"]["series"]["nodes"][0]["observations"]["totalCount"], 2, "{noun}");
        let restore = json!({ "id": id, "version": archived["version"], "archived": false });
        app.admin.change(&format!("{noun}Archive"), restore, noun, "id").await;
    }
}

#[tokio::test]
async fn records_keep_what_they_refer_to_and_take_nothing_archived_on() {
    let (app, world, community) = start().await;
    let input = json!({ "slug": "l", "community": community, "author": "A", "kind": "WORKED", "issue": "POVERTY", "title": english("L"),
        "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING", "visibility": "PUBLIC",
        "indicators": [world.indicator] });
    let learning = app.create("learning", input.clone()).await;
    app.admin.change("indicatorArchive", json!({ "id": world.indicator, "version": 1 }), "indicator", "id").await;
    let change = json!({ "id": learning, "version": 1, "context": text("Where", "Où") });
    app.admin.change("learningUpdate", change, "learning", "id").await;
    let mut another = input;
    another["slug"] = json!("m");
    let errors = app.admin.refusal("learningCreate", another, "learning").await;
    assert_eq!(codes(&errors), [("input.indicators".to_owned(), "ARCHIVED".to_owned())]);
    let set = json!({ "indicator": world.indicator, "indicatorVersion": world.version, "network": world.network, "value": 5.0,
        "dueOn": "2030-12-31" });
    let errors = app.admin.refusal("targetSet", set, "target").await;
    assert_eq!(codes(&errors), [("input.indicator".to_owned(), "ARCHIVED".to_owned())]);
}
