//! Figures that are withdrawn: gone from everything that is current, and kept in everything that is history.

use domain::port::clock::Clock as _;
use serde_json::{Value, json};

use crate::{
    app::App,
    fixture::{World, english},
};

const RETRACT: &str = "mutation($input: ObservationsRetractInput!) { observationsRetract(input: $input) {
    retracted unchanged rejected kept rejectedRows { index field code } userErrors { path code } } }";

const SEEN: &str = "query($asOf: DateTime) { community(slug: \"c\") { latestValues(indicators: [\"rate\"]) { value }
    series(first: 3) { nodes { id latest { value } observations(first: 9) { totalCount nodes { id period value revision } }
        before: observations(first: 9, asOf: $asOf) { nodes { period value revision } }
        all: observations(first: 9, filter: { includeRetracted: true }) { nodes { period value revision supersededAt
            retraction { reason note } revisions { revision value supersededAt retraction { reason } } } } } } }
    comparison(network: \"net\", indicator: \"rate\") { coverage { reporting } entries { current { value } } } }";

struct Town {
    app: App,
    world: World,
    community: String,
}

impl Town {
    async fn new() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let community = app.member(&world.network, "c").await;
        for (period, value) in [("2020", 10.0), ("2021", 11.0)] {
            app.record(&world, &community, period, json!({ "value": value })).await;
        }
        Self { app, world, community }
    }

    async fn seen(&self) -> Value {
        self.app.anonymous.data(SEEN, json!({ "asOf": null })).await
    }

    async fn series(&self) -> Value {
        self.seen().await["community"]["series"]["nodes"][0].take()
    }

    async fn retract(&self, input: Value) -> Value {
        self.app.admin.data(RETRACT, json!({ "input": input })).await["observationsRetract"].take()
    }

    fn moment(&self) -> Value {
        json!(self.app.clock.now().to_rfc3339())
    }
}

fn periods(list: &Value) -> Vec<(&str, Option<f64>)> {
    let nodes = list["nodes"].as_array().unwrap();
    nodes.iter().map(|node| (node["period"].as_str().unwrap(), node["value"].as_f64())).collect()
}

#[tokio::test]
async fn what_is_retracted_is_not_current_and_not_lost() {
    let town = Town::new().await;
    let before = town.moment();
    let newest = town.series().await["observations"]["nodes"][1]["id"].take();
    let input = json!({ "figures": [{ "id": newest }], "reason": "ERROR", "note": "counted twice" });
    let done = town.retract(input.clone()).await;
    assert_eq!((&done["retracted"], &done["kept"], &done["userErrors"]), (&json!(1), &json!(true), &json!([])));
    // Again: nothing is left to do.
    let again = town.retract(input).await;
    assert_eq!((&again["retracted"], &again["unchanged"], &again["rejected"]), (&json!(0), &json!(1), &json!(0)));

    let seen = town.app.anonymous.data(SEEN, json!({ "asOf": before })).await;
    let series = &seen["community"]["series"]["nodes"][0];
    assert_eq!(periods(&series["observations"]), [("2020", Some(10.0))]);
    assert_eq!((&series["observations"]["totalCount"], &series["latest"]["value"]), (&json!(1), &json!(10.0)));
    assert_eq!(seen["community"]["latestValues"], json!([{ "value": 10.0 }]));
    assert_eq!(seen["comparison"]["entries"][0]["current"]["value"], 10.0);
    assert_eq!(periods(&series["before"]), [("2020", Some(10.0)), ("2021", Some(11.0))], "as it was known");
    assert_eq!(periods(&series["all"]), [("2020", Some(10.0)), ("2021", None)]);
    let retracted = &series["all"]["nodes"][1];
    assert_eq!(retracted["retraction"], json!({ "reason": "ERROR", "note": "counted twice" }));
    assert_eq!((&retracted["revision"], &retracted["supersededAt"]), (&json!(2), &Value::Null));
    let revisions = retracted["revisions"].as_array().unwrap();
    assert_eq!((&revisions[0]["value"], &revisions[0]["retraction"]), (&json!(11.0), &Value::Null));
    assert!(revisions[0]["supersededAt"].is_string() && revisions[1]["supersededAt"].is_null());
}

#[tokio::test]
async fn a_later_figure_is_a_further_revision() {
    let town = Town::new().await;
    let id = town.series().await["id"].take();
    let both = json!([{ "series": id, "period": "2020" }, { "series": id, "period": "2021" }]);
    let done = town.retract(json!({ "figures": both, "reason": "MISPLACED" })).await;
    assert_eq!(done["retracted"], 2, "{done:#}");
    let seen = town.seen().await;
    let series = &seen["community"]["series"]["nodes"][0];
    assert_eq!((periods(&series["observations"]), &series["latest"]), (vec![], &Value::Null));
    assert_eq!(seen["community"]["latestValues"], json!([]));
    assert_eq!(
        (&seen["comparison"]["coverage"]["reporting"], &seen["comparison"]["entries"][0]["current"]),
        (&json!(0), &Value::Null)
    );
    // The same as before counts as something new.
    assert_eq!(town.app.record(&town.world, &town.community, "2021", json!({ "value": 11.0 })).await, "UPDATED");
    let series = town.series().await;
    assert_eq!(periods(&series["observations"]), [("2021", Some(11.0))]);
    assert_eq!(series["observations"]["nodes"][0]["revision"], 3);
    assert_eq!(
        (&series["latest"]["value"], periods(&series["all"])),
        (&json!(11.0), vec![("2020", None), ("2021", Some(11.0))])
    );
    let revisions = series["all"]["nodes"][1]["revisions"].as_array().unwrap();
    assert!(revisions[1]["supersededAt"].is_string() && revisions[1]["retraction"]["reason"] == "MISPLACED");
}

#[tokio::test]
async fn a_period_may_be_taken_by_another_that_overlaps_it() {
    let town = Town::new().await;
    let record = async |period: &str| {
        let figure = json!({ "value": 5.0, "disaggregation": [{ "name": "age", "value": "0-17" }] });
        town.app.record(&town.world, &town.community, period, figure).await
    };
    assert_eq!(record("2020-01-10/2020-02-10").await, "CREATED");
    let query = "{ community(slug: \"c\") { series { nodes { id disaggregation { name } } } } }";
    let all = town.app.admin.data(query, json!({})).await["community"]["series"]["nodes"].take();
    let young = all.as_array().unwrap().iter().find(|series| series["disaggregation"] != json!([])).unwrap();
    let figures = json!([{ "series": young["id"], "period": "2020-01-10/2020-02-10" }]);
    assert_eq!(town.retract(json!({ "figures": figures, "reason": "ERROR" })).await["retracted"], 1);
    assert_eq!(record("2020-02-01/2020-03-01").await, "CREATED");
    let figure = json!({ "value": 5.0, "disaggregation": [{ "name": "age", "value": "0-17" }] });
    let errors = town.app.refused(&town.world, &town.community, "2020-01-10/2020-02-10", figure).await;
    assert_eq!(errors[0]["code"], "OVERLAP");
}

#[tokio::test]
async fn what_cannot_be_retracted_names_its_row() {
    let town = Town::new().await;
    let series = town.series().await;
    let (id, first) = (&series["id"], &series["observations"]["nodes"][0]["id"]);
    town.app.record(&town.world, &town.community, "2020", json!({ "value": 10.5 })).await;
    let figures = json!([
        { "id": first },
        { "series": id, "period": "2019" },
        { "series": town.community, "period": "2020" },
        { "id": "nothing" },
        { "period": "2020" },
        { "series": id, "period": "2021" },
    ]);
    let expected = json!([
        { "index": 0, "field": "id", "code": "STALE_VERSION" },
        { "index": 1, "field": "period", "code": "NOT_FOUND" },
        { "index": 2, "field": "series", "code": "INVALID" },
        { "index": 3, "field": "id", "code": "INVALID" },
        { "index": 4, "field": "id", "code": "REQUIRED" },
    ]);
    let done = town.retract(json!({ "figures": figures, "reason": "ERROR" })).await;
    assert_eq!((&done["rejectedRows"], &done["kept"]), (&expected, &json!(false)));
    assert_eq!(town.series().await["observations"]["totalCount"], 2, "nothing of it is kept");
    let done = town.retract(json!({ "figures": figures, "reason": "ERROR", "mode": "BEST_EFFORT" })).await;
    assert_eq!((&done["retracted"], &done["rejectedRows"], &done["kept"]), (&json!(1), &expected, &json!(true)));
    let errors = town.retract(json!({ "figures": [{ "id": first }], "reason": "OTHER" })).await["userErrors"].take();
    assert_eq!(errors, json!([{ "path": ["input", "note"], "code": "REQUIRED" }]));
    let errors = town.retract(json!({ "figures": [], "reason": "ERROR" })).await["userErrors"].take();
    assert_eq!(errors[0]["code"], "OUT_OF_RANGE");
}

#[tokio::test]
async fn what_was_suppressed_or_under_embargo_is_not_told_by_its_retraction() {
    let town = Town::new().await;
    let later = json!({ "value": 12.0, "confidentiality": "EMBARGOED", "embargoUntil": "2999-01-01T00:00:00Z" });
    town.app.record(&town.world, &town.community, "2022", later).await;
    town.app.record(&town.world, &town.community, "2021", json!({ "status": "SUPPRESSED" })).await;
    let id = town.series().await["id"].take();
    let figures = json!([{ "series": id, "period": "2021" }, { "series": id, "period": "2022" }]);
    assert_eq!(town.retract(json!({ "figures": figures, "reason": "DISCLOSURE" })).await["retracted"], 2);
    let series = town.series().await;
    assert_eq!(periods(&series["all"]), [("2020", Some(10.0)), ("2021", None)], "{series:#}");
    let revisions = series["all"]["nodes"][1]["revisions"].as_array().unwrap();
    assert!(revisions.iter().all(|revision| revision["value"].is_null()), "{revisions:#?}");
}

#[tokio::test]
async fn files_withdraw_figures() {
    let town = Town::new().await;
    let change = json!({ "id": town.community, "version": 1, "codes": [{ "scheme": "test:code", "code": "C" }] });
    town.app.admin.change("communityUpdate", change, "community", "id").await;
    let send = async |address: &str, file: &'static str| -> Value {
        let answer = town.app.admin.post_to(address).body(file).send().await.unwrap();
        answer.json().await.unwrap()
    };
    let address =
        "/imports?format=dhis2&importStrategy=DELETE&network=net&source=survey&codeScheme=test:code&async=false";
    let file = r#"{ "dataValues": [{ "dataElement": "rate", "period": "2020", "orgUnit": "C", "value": "10" },
        { "dataElement": "rate", "period": "1999", "orgUnit": "C", "value": "1" }] }"#;
    let summary = send(address, file).await;
    let counts = &summary["response"]["importCount"];
    assert_eq!(counts, &json!({ "imported": 0, "updated": 0, "ignored": 1, "deleted": 1 }), "{summary:#}");
    assert_eq!(periods(&town.series().await["observations"]), [("2021", Some(11.0))]);
    let address = "/imports?format=sdmx-csv&network=net&source=survey&indicator=rate&codeScheme=test:code&async=false";
    let file = "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,TIME_PERIOD,OBS_VALUE\ndataflow,A:B(1.0),D,C,2021,\n";
    let job = send(address, file).await;
    assert_eq!((&job["counts"]["updated"], &job["counts"]["rejected"]), (&json!(1), &json!(0)), "{job:#}");
    let series = town.series().await;
    assert_eq!(periods(&series["observations"]), []);
    assert_eq!(series["all"]["nodes"][0]["retraction"]["reason"], "SOURCE_WITHDREW");
}

#[tokio::test]
async fn what_a_small_figure_told_stays_withheld() {
    let app = App::start().await;
    let world = app.world().await;
    let (indicator, version) = app
        .indicator(
            "persons",
            json!({ "measure": "COUNT", "unit": english("persons"), "countsPersons": true, "additivity": "SUM" }),
        )
        .await;
    let world = World { indicator, version, ..world };
    let community = app.member(&world.network, "c").await;
    for (part, value) in [("women", 5.0), ("men", 95.0)] {
        let figure = json!({ "value": value, "disaggregation": [{ "name": "sex", "value": part }] });
        app.record(&world, &community, "2020", figure).await;
    }
    let query = "{ community(slug: \"c\") { series { nodes { id observations(filter: { includeRetracted: true }) { nodes { value } } } } } }";
    let of_admin = app.admin.data(query, json!({})).await["community"]["series"]["nodes"].take();
    let women =
        of_admin.as_array().unwrap().iter().find(|one| one["observations"]["nodes"][0]["value"] == 5.0).unwrap();
    let input = json!({ "figures": [{ "series": women["id"], "period": "2020" }], "reason": "DISCLOSURE" });
    let done = app.admin.data(RETRACT, json!({ "input": input })).await["observationsRetract"].take();
    assert_eq!(done["retracted"], 1, "{done:#}");
    let of_anybody = app.anonymous.data(query, json!({})).await["community"]["series"]["nodes"].take();
    assert_eq!(of_anybody, json!([]), "the total less the other part would still be it");
}

#[tokio::test]
async fn whoever_only_sends_figures_in_withdraws_none() {
    let town = Town::new().await;
    let role = |role: &str| json!([{ "role": role, "community": town.community }]);
    let contributor = town.app.somebody("c@example.org", role("CONTRIBUTOR")).await.client;
    let steward = town.app.somebody("s@example.org", role("STEWARD")).await.client;
    let change = json!({ "id": town.community, "version": 1, "codes": [{ "scheme": "test:code", "code": "C" }] });
    town.app.admin.change("communityUpdate", change, "community", "id").await;
    let id = town.series().await["id"].take();
    let input = json!({ "figures": [{ "series": id, "period": "2020" }], "reason": "ERROR" });
    let refused = contributor.data(RETRACT, json!({ "input": input })).await["observationsRetract"].take();
    assert_eq!(refused["rejectedRows"], json!([{ "index": 0, "field": null, "code": "FORBIDDEN" }]));
    let query = "{ auditEntries(filter: { action: [DENIED] }) { nodes { detail } } }";
    let log = steward.data(query, json!({})).await["auditEntries"]["nodes"].take();
    assert_eq!(log, json!([{ "detail": "retract figures of this community" }]));
    // Nor by a file; and no withdrawal waits, whoever sends it.
    let address = "/imports?format=sdmx-csv&network=net&source=survey&indicator=rate&codeScheme=test:code&async=false";
    let file = "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,TIME_PERIOD,OBS_VALUE\ndataflow,A:B(1.0),D,C,2021,\n";
    for (client, more) in [(&contributor, ""), (&steward, "&submit=true")] {
        let sent = client.post_to(&format!("{address}{more}")).body(file).send().await.unwrap();
        let job: Value = sent.json().await.unwrap();
        let counts = ["updated", "received", "rejected"].map(|name| job["counts"][name].as_u64().unwrap());
        assert_eq!(counts, [0, 0, 1], "{job:#}");
    }
    assert_eq!(periods(&town.series().await["observations"]), [("2020", Some(10.0)), ("2021", Some(11.0))]);
}

#[tokio::test]
async fn a_figure_that_waits_does_not_undo_a_later_withdrawal() {
    let town = Town::new().await;
    let role = |role: &str| json!([{ "role": role, "community": town.community }]);
    let contributor = town.app.somebody("c@example.org", role("CONTRIBUTOR")).await.client;
    let steward = town.app.somebody("s@example.org", role("STEWARD")).await.client;
    let record = "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) { outcome } }";
    let send = async || {
        let figure = json!({ "community": town.community, "indicatorVersion": town.world.version,
            "source": town.world.source, "period": "2021", "value": 12.0 });
        contributor.data(record, json!({ "input": figure })).await["observationRecord"]["outcome"].take()
    };
    let publish = async || {
        let query = "mutation($input: ObservationsPublishInput!) { observationsPublish(input: $input) { decided refusedRows { code } } }";
        let input = json!({ "filter": { "community": town.community } });
        steward.data(query, json!({ "input": input })).await["observationsPublish"].take()
    };
    assert_eq!(send().await, "RECEIVED");
    town.app.clock.pass(1);
    let id = town.series().await["id"].take();
    let figures = json!([{ "series": id, "period": "2021" }]);
    assert_eq!(town.retract(json!({ "figures": figures, "reason": "ERROR" })).await["retracted"], 1);
    assert_eq!(publish().await, json!({ "decided": 0, "refusedRows": [{ "code": "CONFLICT" }] }));
    let decline = "mutation($input: ObservationsDeclineInput!) { observationsDecline(input: $input) { decided } }";
    let input = json!({ "filter": { "community": town.community }, "reason": "Withdrawn" });
    assert_eq!(steward.data(decline, json!({ "input": input })).await["observationsDecline"]["decided"], 1);
    // What is recorded anew is a further revision.
    let again = town.app.record(&town.world, &town.community, "2021", json!({ "value": 12.0 })).await;
    assert_eq!(again, "UPDATED");
}
