//! Figures that wait for a steward: whose wait, who sees them, and what becomes of them.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::Client,
    fixture::{World, english, merge},
};

const PUSH: &str = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) {
    created updated unchanged received rejected kept repeated rejectedRows { index field code }
    differences { index before { value } after { value } } userErrors { path code message } } }";
const WAITING: &str =
    "query($filter: PendingObservationFilter) { pendingObservations(first: 100, filter: $filter) { totalCount
    nodes { id period state reason receivedBy figure { value status } viewerCanDecide } } }";

struct Town {
    app: App,
    world: World,
    here: String,
    steward: Client,
    contributor: Client,
    /// Tokens for the community: one whose figures wait, and one whose figures are published.
    sender: Client,
    publisher: Client,
    /// Those who are not of the community, and a reader who is.
    others: Vec<Client>,
}

impl Town {
    async fn new() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let (here, there) = (app.member(&world.network, "here").await, app.member(&world.network, "there").await);
        let role = |role: &str, community: &str| json!([{ "role": role, "community": community }]);
        let steward = app.somebody("s@example.org", role("STEWARD", &here)).await.client;
        let contributor = app.somebody("c@example.org", role("CONTRIBUTOR", &here)).await.client;
        let coordinator = json!([{ "role": "COORDINATOR", "network": world.network }]);
        let mut others = vec![app.somebody("k@example.org", coordinator).await.client];
        others.push(app.somebody("o@example.org", role("STEWARD", &there)).await.client);
        others.push(app.somebody("r@example.org", role("MEMBER_READER", &here)).await.client);
        others.push(app.somebody("a@example.org", json!([{ "role": "ADMINISTRATOR" }])).await.client);
        let sender = token(&app, &steward, &here, &["RECORD_FIGURES"]).await;
        let publisher = token(&app, &steward, &here, &["RECORD_FIGURES", "PUBLISH_FIGURES"]).await;
        Self { app, world, here, steward, contributor, sender, publisher, others }
    }

    fn row(&self, period: &str, value: f64) -> Value {
        json!({ "community": self.here, "indicator": "rate", "sourceKey": "survey", "period": period, "value": value })
    }

    fn rows(&self, rows: &[(&str, f64)]) -> Value {
        rows.iter().map(|(period, value)| self.row(period, *value)).collect()
    }

    /// The published figures as everybody reads them.
    async fn published(&self) -> Value {
        let query = "{ community(slug: \"here\") { series { totalCount nodes { observations(first: 100) { nodes { period value revision } } } } } }";
        self.app.anonymous.data(query, json!({})).await["community"]["series"].take()
    }
}

async fn token(app: &App, steward: &Client, community: &str, actions: &[&str]) -> Client {
    let query =
        "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret userErrors { code path } } }";
    let input = json!({ "name": "T", "communities": [community], "actions": actions });
    let made = steward.data(query, json!({ "input": input })).await["apiTokenCreate"].take();
    assert_eq!(made["userErrors"], json!([]));
    Client::new(&app.url, Some(made["secret"].as_str().unwrap()))
}

async fn push(client: &Client, rows: Value, more: Value) -> Value {
    let mut input = json!({ "rows": rows });
    merge(&mut input, more);
    client.data(PUSH, json!({ "input": input })).await["observationsPush"].take()
}

/// Created, updated, unchanged, received, rejected.
fn counts(payload: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "received", "rejected"].map(|name| payload[name].as_u64().unwrap())
}

async fn waiting(client: &Client, filter: Value) -> Vec<Value> {
    let page = client.data(WAITING, json!({ "filter": filter })).await["pendingObservations"].take();
    let nodes = page["nodes"].as_array().unwrap().clone();
    assert_eq!(page["totalCount"], nodes.len());
    nodes
}

fn values(nodes: &[Value]) -> Value {
    nodes.iter().map(|node| json!([node["period"], node["figure"]["value"], node["state"]])).collect()
}

fn id(nodes: &[Value], period: &str) -> Value {
    nodes.iter().find(|node| node["period"] == period).unwrap()["id"].clone()
}

async fn decide(client: &Client, what: &str, input: Value) -> Value {
    let query = format!(
        "mutation($input: Observations{what}Input!) {{ observations{what}(input: $input) {{ decided unchanged refused remaining lastId
         refusedRows {{ id code message }} userErrors {{ path code message }} }} }}"
    );
    client.data(&query, json!({ "input": input })).await[format!("observations{what}")].take()
}

/// Decided, unchanged, refused.
fn decided(payload: &Value) -> [u64; 3] {
    assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
    ["decided", "unchanged", "refused"].map(|name| payload[name].as_u64().unwrap())
}

#[tokio::test]
async fn figures_wait_unless_whoever_sends_them_may_publish() {
    let town = Town::new().await;
    for (client, value) in [(&town.sender, 10.0), (&town.contributor, 11.0)] {
        let payload = push(
            client,
            town.rows(&[("2019", value), ("2020", value), ("2021", 400.0)]),
            json!({ "mode": "BEST_EFFORT" }),
        )
        .await;
        assert_eq!(counts(&payload), [0, 0, 0, 2, 1], "{payload:#}");
        let payload = push(client, town.rows(&[("2019", value), ("2020", value)]), json!({})).await;
        assert_eq!(counts(&payload), [0, 0, 2, 0, 0]);
    }
    // Nothing of it is anywhere else: no figure, no series.
    assert_eq!(town.published().await, json!({ "totalCount": 0, "nodes": [] }));
    let payload = push(&town.publisher, town.rows(&[("2018", 9.0)]), json!({})).await;
    assert_eq!(counts(&payload), [1, 0, 0, 0, 0]);
    let payload = push(&town.steward, town.rows(&[("2018", 9.5), ("2017", 8.0)]), json!({ "submit": true })).await;
    assert_eq!(counts(&payload), [0, 0, 0, 2, 0]);
    let payload = push(&town.steward, town.rows(&[("2016", 7.0)]), json!({})).await;
    assert_eq!(counts(&payload), [1, 0, 0, 0, 0]);
    // What a token may do with figures that come in is nothing by itself.
    let input = json!({ "name": "T", "communities": [town.here], "actions": ["PUBLISH_FIGURES"] });
    let refused = town.steward.refusal("apiTokenCreate", input, "apiToken").await;
    assert_eq!(refused[0]["path"], json!(["input", "actions"]));
    // A program decides about nothing, not even about what it sent in.
    for program in [&town.sender, &town.publisher] {
        let payload = decide(program, "Publish", json!({ "filter": { "community": town.here } })).await;
        assert_eq!(payload["userErrors"][0]["code"], "FORBIDDEN");
    }
}

#[tokio::test]
async fn they_are_seen_by_those_who_answer_for_them_and_by_whoever_sent_them_in() {
    let town = Town::new().await;
    push(&town.sender, town.rows(&[("2019", 10.0)]), json!({})).await;
    push(&town.contributor, town.rows(&[("2020", 11.0)]), json!({})).await;
    let all = waiting(&town.steward, json!({})).await;
    assert_eq!(values(&all), json!([["2019", 10.0, "RECEIVED"], ["2020", 11.0, "RECEIVED"]]));
    assert!(all.iter().all(|node| node["viewerCanDecide"] == true));
    let own = waiting(&town.contributor, json!({})).await;
    assert_eq!((values(&own), &own[0]["viewerCanDecide"]), (json!([["2020", 11.0, "RECEIVED"]]), &json!(false)));
    assert_eq!(
        values(&waiting(&town.sender, json!({ "community": town.here })).await),
        json!([["2019", 10.0, "RECEIVED"]])
    );
    let node = "query($id: ID!) { node(id: $id) { id } }";
    for other in town.others.iter().chain([&town.publisher]) {
        assert!(waiting(other, json!({})).await.is_empty());
        assert_eq!(other.data(node, json!({ "id": all[0]["id"] })).await["node"], Value::Null);
        let payload = decide(other, "Decline", json!({ "ids": [all[0]["id"]], "reason": "R" })).await;
        assert_eq!((payload["decided"].as_u64(), &payload["refusedRows"][0]["code"]), (Some(0), &json!("NOT_FOUND")));
        let payload = decide(other, "Validate", json!({ "filter": { "community": town.here } })).await;
        assert_eq!(payload["userErrors"][0]["code"], "FORBIDDEN");
    }
    let error = town.app.anonymous.error(WAITING, json!({})).await;
    assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED");
    // Whoever sent it in sees it and does not decide.
    let payload = decide(&town.contributor, "Publish", json!({ "ids": [own[0]["id"]] })).await;
    assert_eq!((decided(&payload), &payload["refusedRows"][0]["code"]), ([0, 0, 1], &json!("FORBIDDEN")));
    assert_eq!(town.published().await["totalCount"], 0);
}

#[tokio::test]
async fn a_steward_validates_publishes_and_declines() {
    let town = Town::new().await;
    push(&town.steward, town.rows(&[("2018", 9.0)]), json!({})).await;
    let rows = [("2018", 9.5), ("2019", 10.0), ("2020", 11.0), ("2021", 12.0)];
    push(&town.sender, town.rows(&rows), json!({})).await;
    let all = waiting(&town.steward, json!({})).await;
    let payload = decide(&town.steward, "Validate", json!({ "ids": [id(&all, "2019"), id(&all, "2018")] })).await;
    assert_eq!(decided(&payload), [2, 0, 0]);
    let payload = decide(&town.steward, "Validate", json!({ "ids": [id(&all, "2019")] })).await;
    assert_eq!(decided(&payload), [0, 1, 0]);
    let payload =
        decide(&town.steward, "Decline", json!({ "ids": [id(&all, "2021")], "reason": "A typing error" })).await;
    assert_eq!(decided(&payload), [1, 0, 0]);
    assert_eq!(waiting(&town.sender, json!({ "states": ["DECLINED"] })).await[0]["reason"], "A typing error");
    // Sent in again it stays declined, and is not published by the way.
    assert_eq!(counts(&push(&town.sender, town.rows(&[("2021", 12.0)]), json!({})).await), [0, 0, 1, 0, 0]);
    let payload =
        decide(&town.steward, "Publish", json!({ "filter": { "community": town.here, "states": ["VALIDATED"] } }))
            .await;
    assert_eq!(decided(&payload), [2, 0, 0]);
    let payload = decide(
        &town.steward,
        "Publish",
        json!({ "filter": { "community": town.here, "indicator": town.world.indicator } }),
    )
    .await;
    assert_eq!((decided(&payload), &payload["remaining"]), ([1, 0, 0], &json!(0)));
    assert_eq!(
        town.published().await["nodes"],
        json!([{ "observations": { "nodes": [
            { "period": "2018", "value": 9.5, "revision": 2 }, { "period": "2019", "value": 10.0, "revision": 1 },
            { "period": "2020", "value": 11.0, "revision": 1 },
        ] } }])
    );
    let left = waiting(&town.steward, json!({})).await;
    assert_eq!(values(&left), json!([["2021", 12.0, "DECLINED"]]));
    // Somebody who changes their mind says so by its id.
    assert_eq!(decided(&decide(&town.steward, "Publish", json!({ "ids": [left[0]["id"]] })).await), [1, 0, 0]);
    assert_eq!(counts(&push(&town.sender, town.rows(&rows), json!({})).await), [0, 0, 4, 0, 0]);
    let query = "query($c: ID) { auditEntries(first: 100, filter: { community: $c, action: [SUBMIT_FIGURES, REVIEW_FIGURES] }) { nodes { detail } } }";
    let told = town.steward.data(query, json!({ "c": town.here })).await["auditEntries"]["nodes"].to_string();
    for part in [
        "4 figures, 0 of them in the place of others",
        "validated 2 figures",
        "declined 1 figures",
        "A typing error",
        "published 2 figures",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[tokio::test]
async fn the_rest_of_what_a_filter_chooses_comes_after_its_last() {
    let town = Town::new().await;
    push(&town.sender, town.rows(&[("2019", 10.0), ("2020", 11.0), ("2021", 12.0)]), json!({})).await;
    let all = waiting(&town.steward, json!({})).await;
    let first = all[0]["id"].clone();
    let payload =
        decide(&town.steward, "Validate", json!({ "filter": { "community": town.here, "after": first } })).await;
    assert_eq!((decided(&payload), &payload["lastId"]), ([2, 0, 0], &all[2]["id"]));
    // None comes after the last, which need not be there any more.
    let published = decide(&town.steward, "Publish", json!({ "ids": [all[2]["id"]] })).await;
    assert_eq!((decided(&published), &published["lastId"]), ([1, 0, 0], &json!(null)));
    let rest = json!({ "filter": { "community": town.here, "after": payload["lastId"] } });
    let payload = decide(&town.steward, "Publish", rest).await;
    assert_eq!((decided(&payload), &payload["lastId"]), ([0, 0, 0], &json!(null)));
    assert_eq!(values(&waiting(&town.steward, json!({ "after": first })).await), json!([["2020", 11.0, "VALIDATED"]]));
    let payload =
        decide(&town.steward, "Publish", json!({ "filter": { "community": town.here, "after": town.here } })).await;
    assert_eq!(payload["userErrors"][0]["code"], "INVALID");
    assert_eq!(payload["userErrors"][0]["path"], json!(["input", "filter", "after"]));
}

/// A program that sends in and may not read tries values, in earnest and in a dry run: the right one is answered like any other.
#[tokio::test]
async fn a_hidden_figure_is_not_found_by_trying() {
    let town = Town::new().await;
    let hidden = |period: &str, value: f64| {
        let mut rows = town.rows(&[(period, value)]);
        rows[0]["confidentiality"] = json!("CONFIDENTIAL");
        rows
    };
    for period in ["2019", "2020"] {
        let payload = push(&town.steward, hidden(period, 3.0), json!({})).await;
        assert_eq!(counts(&payload), [1, 0, 0, 0, 0], "{payload:#}");
    }
    for (period, value) in [("2019", 2.0), ("2020", 3.0)] {
        let dry = json!({ "dryRun": true });
        // What they sent in themselves they may be told of.
        for (more, expected) in [(&dry, [0, 0, 0, 1, 0]), (&json!({}), [0, 0, 0, 1, 0]), (&dry, [0, 0, 1, 0, 0])] {
            let payload = push(&town.sender, town.rows(&[(period, value)]), more.clone()).await;
            assert_eq!(counts(&payload), expected, "{period} {value} {more}: {payload:#}");
            let shown =
                payload["differences"].as_array().unwrap().iter().filter(|one| !one["before"].is_null()).count();
            assert_eq!(shown, 0, "{payload:#}");
        }
    }
    // Nor in a locked period.
    let payload = push(&town.steward, hidden("2010", 3.0), json!({})).await;
    assert_eq!(counts(&payload), [1, 0, 0, 0, 0], "{payload:#}");
    let lock = json!({ "community": town.here, "until": "2010-12-31", "reason": english("Settled") });
    town.steward.change("periodLockCreate", lock, "periodLock", "id").await;
    for value in [2.0, 3.0] {
        let payload = push(&town.sender, town.rows(&[("2010", value)]), json!({ "dryRun": true })).await;
        assert_eq!((counts(&payload), &payload["rejectedRows"][0]["code"]), ([0, 0, 0, 0, 1], &json!("LOCKED")));
    }
    // The one that says what is published already is found so when it is to be published.
    let payload = decide(&town.steward, "Publish", json!({ "filter": { "community": town.here } })).await;
    assert_eq!(decided(&payload), [1, 1, 0]);
    // From then on whoever sent it in knows what they said; of the other they are told no more than before.
    assert_eq!(counts(&push(&town.sender, town.rows(&[("2019", 2.0)]), json!({})).await), [0, 0, 1, 0, 0]);
    assert_eq!(counts(&push(&town.sender, town.rows(&[("2020", 3.0)]), json!({})).await), [0, 0, 0, 1, 0]);
}

/// Who collides with a figure that they do not read is told that something is there, and nothing else of it.
#[tokio::test]
async fn a_period_that_overlaps_a_hidden_one_is_refused_without_its_dates() {
    let town = Town::new().await;
    let mut rows = town.rows(&[("2020-01-15/2020-03-15", 3.0)]);
    rows[0]["confidentiality"] = json!("CONFIDENTIAL");
    push(&town.steward, rows, json!({})).await;
    push(&town.steward, town.rows(&[("2021-01-15/2021-03-15", 3.0)]), json!({})).await;
    let query = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) { rejectedRows { code message } } }";
    for (period, other, shown) in
        [("2020-02-15/2020-04-15", "2020-01-15", false), ("2021-02-15/2021-04-15", "2021-01-15", true)]
    {
        for client in [&town.sender, &town.publisher] {
            let input = json!({ "input": { "rows": town.rows(&[(period, 1.0)]) } });
            let row = client.data(query, input).await["observationsPush"]["rejectedRows"][0].take();
            assert_eq!(row["code"], "OVERLAP");
            assert_eq!(row["message"].as_str().unwrap().contains(other), shown, "{row}");
        }
    }
}

#[tokio::test]
async fn what_takes_the_place_of_another_is_another() {
    let town = Town::new().await;
    push(&town.sender, town.rows(&[("2019", 10.0)]), json!({})).await;
    let seen = waiting(&town.steward, json!({})).await;
    push(&town.sender, town.rows(&[("2019", 99.0)]), json!({})).await;
    let payload = decide(&town.steward, "Publish", json!({ "ids": [seen[0]["id"]] })).await;
    assert_eq!((decided(&payload), &payload["refusedRows"][0]["code"]), ([0, 0, 1], &json!("NOT_FOUND")));
    assert_eq!(values(&waiting(&town.steward, json!({})).await), json!([["2019", 99.0, "RECEIVED"]]));
    // A figure that was recorded since goes before the one that waits.
    push(&town.steward, town.rows(&[("2019", 11.0)]), json!({})).await;
    let all = json!({ "filter": { "community": town.here } });
    let payload = decide(&town.steward, "Publish", all.clone()).await;
    assert_eq!((decided(&payload), &payload["refusedRows"][0]["code"]), ([0, 0, 1], &json!("CONFLICT")));
    // The same one waits no longer.
    push(&town.steward, town.rows(&[("2019", 99.0)]), json!({})).await;
    assert_eq!(decided(&decide(&town.steward, "Publish", all).await), [0, 1, 0]);
    assert!(waiting(&town.steward, json!({})).await.is_empty());
}

#[tokio::test]
async fn what_is_published_is_checked_once_more() {
    let town = Town::new().await;
    let version = json!({ "indicator": town.world.indicator, "measure": "PERCENTAGE", "unit": english("%"), "polarity": "LOWER_IS_BETTER",
        "frequency": "YEAR", "additivity": "NONE", "effectiveFrom": "2016-01-01" });
    let version = town.app.admin.change("indicatorVersionCreate", version, "indicatorVersion", "id version").await;
    push(&town.sender, town.rows(&[("2019", 10.0), ("2020", 60.0)]), json!({})).await;
    let narrower = json!({ "id": version["id"], "version": version["version"], "maximum": 50.0 });
    town.app.admin.change("indicatorVersionUpdate", narrower, "indicatorVersion", "id").await;
    let payload = decide(&town.steward, "Publish", json!({ "filter": { "community": town.here } })).await;
    assert_eq!((decided(&payload), &payload["refusedRows"][0]["code"]), ([1, 0, 1], &json!("OUT_OF_RANGE")));
    assert_eq!(values(&waiting(&town.steward, json!({})).await), json!([["2020", 60.0, "RECEIVED"]]));
    for (input, path, code) in [
        (json!({ "ids": [] }), "ids", "REQUIRED"),
        (json!({}), "ids", "REQUIRED"),
        (json!({ "ids": ["x"] }), "ids.0", "INVALID"),
        (json!({ "ids": ["x"], "filter": {} }), "ids", "INVALID"),
        (json!({ "filter": {} }), "filter.community", "REQUIRED"),
    ] {
        let payload = decide(&town.steward, "Publish", input).await;
        let path: Vec<&str> = ["input"].into_iter().chain(path.split('.')).collect();
        assert_eq!(
            (&payload["userErrors"][0]["path"], &payload["userErrors"][0]["code"]),
            (&json!(path), &json!(code))
        );
    }
    let payload =
        decide(&town.steward, "Decline", json!({ "filter": { "community": town.here }, "reason": " " })).await;
    assert_eq!(payload["userErrors"][0]["path"], json!(["input", "reason"]));
}

#[tokio::test]
async fn an_archived_source_holds_up_its_own_figures_alone() {
    let town = Town::new().await;
    let other = town.app.admin.change(
        "sourceCreate",
        json!({ "key": "other", "name": english("Other") }),
        "source",
        "id version",
    );
    let other = other.await;
    let mut theirs = town.row("2020", 2.0);
    merge(&mut theirs, json!({ "sourceKey": "other" }));
    push(&town.sender, json!([town.row("2019", 1.0), theirs]), json!({})).await;
    let archive = json!({ "id": other["id"], "version": other["version"] });
    town.app.admin.change("sourceArchive", archive, "source", "id").await;
    let payload = decide(&town.steward, "Publish", json!({ "filter": { "community": town.here } })).await;
    assert_eq!((decided(&payload), &payload["refusedRows"][0]["code"]), ([1, 0, 1], &json!("ARCHIVED")));
    assert_eq!(values(&waiting(&town.steward, json!({})).await), json!([["2020", 2.0, "RECEIVED"]]));
}

/// Who says the same as what waits of another is told nothing of it: theirs takes its place as any other would.
#[tokio::test]
async fn a_figure_that_waits_is_not_shown_to_whoever_says_the_same() {
    let town = Town::new().await;
    push(&town.contributor, town.rows(&[("2019", 12.0)]), json!({})).await;
    let sender = |rows: &[Value]| rows[0]["receivedBy"].clone();
    let first = sender(&waiting(&town.steward, json!({})).await);
    let query = "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) {
        outcome pendingObservation { receivedBy } userErrors { code } } }";
    let input = json!({ "community": town.here, "indicatorVersion": town.world.version, "source": town.world.source,
        "period": "2019", "value": 12.0 });
    for (client, outcome) in [
        (&town.sender, "RECEIVED"),
        (&town.sender, "UNCHANGED"),
        (&town.contributor, "RECEIVED"),
        (&town.contributor, "UNCHANGED"),
    ] {
        let told = client.data(query, json!({ "input": input })).await["observationRecord"].take();
        assert_eq!((&told["outcome"], &told["userErrors"]), (&json!(outcome), &json!([])));
        let present = sender(&waiting(&town.steward, json!({})).await);
        assert_eq!(told["pendingObservation"]["receivedBy"], present, "{told}");
        assert_eq!(present == first, std::ptr::eq(client, &town.contributor));
    }
}

#[tokio::test]
async fn dry_runs_keys_and_modes_are_as_for_all_figures() {
    let town = Town::new().await;
    push(&town.steward, town.rows(&[("2018", 9.0)]), json!({})).await;
    let rows = town.rows(&[("2018", 9.5), ("2019", 10.0)]);
    let payload = push(&town.sender, rows.clone(), json!({ "dryRun": true })).await;
    assert_eq!((counts(&payload), &payload["kept"]), ([0, 0, 0, 2, 0], &json!(false)));
    assert_eq!(
        payload["differences"],
        json!([{ "index": 0, "before": { "value": 9.0 }, "after": { "value": 9.5 } },
               { "index": 1, "before": null, "after": { "value": 10.0 } }])
    );
    assert!(waiting(&town.steward, json!({})).await.is_empty());
    let keyed = json!({ "idempotencyKey": "k" });
    assert_eq!(push(&town.sender, rows.clone(), keyed.clone()).await["repeated"], json!(false));
    let again = push(&town.sender, rows.clone(), keyed).await;
    assert_eq!((counts(&again), &again["repeated"]), ([0, 0, 0, 2, 0], &json!(true)));
    // What waits now is shown to whoever sent it in and to the steward, and to nobody else.
    for (client, before) in [
        (&town.sender, json!({ "value": 9.5 })),
        (&town.steward, json!({ "value": 9.5 })),
        (&town.contributor, Value::Null),
    ] {
        let settings = json!({ "dryRun": true, "submit": true });
        let payload = push(client, town.rows(&[("2018", 9.7)]), settings).await;
        let expected = json!([{ "index": 0, "before": before, "after": { "value": 9.7 } }]);
        assert_eq!((counts(&payload), &payload["differences"]), ([0, 0, 0, 1, 0], &expected));
    }
    let payload = push(&town.sender, rows, json!({ "idempotencyKey": "k", "submit": true })).await;
    assert_eq!(payload["userErrors"][0]["code"], "CONFLICT");
    // Of an atomic push with a bad row nothing waits either.
    let payload = push(&town.sender, town.rows(&[("2020", 10.0), ("2021", 101.0)]), json!({})).await;
    assert_eq!((counts(&payload), &payload["kept"]), ([0, 0, 0, 1, 1], &json!(false)));
    assert_eq!(waiting(&town.steward, json!({})).await.len(), 2);
}

#[tokio::test]
async fn files_and_single_figures_wait_too() {
    let town = Town::new().await;
    let address = "/imports?format=tidy&network=net&indicator=rate&source=survey&codeScheme=test:code&async=false";
    let query = "{ community(slug: \"here\") { version } }";
    let version = town.app.admin.data(query, json!({})).await["community"]["version"].take();
    let codes = json!({ "id": town.here, "version": version, "codes": [{ "scheme": "test:code", "code": "HERE" }] });
    town.app.admin.change("communityUpdate", codes, "community", "id").await;
    let file = "areacd,period,observation\nHERE,2019,1\nHERE,2020,2.5\n";
    let import = async |client: &Client, more: &str| {
        let job: Value =
            client.post_to(&format!("{address}{more}")).body(file).send().await.unwrap().json().await.unwrap();
        ["read", "created", "unchanged", "received", "rejected"].map(|name| job["counts"][name].as_u64().unwrap())
    };
    assert_eq!(import(&town.contributor, "").await, [2, 0, 0, 2, 0]);
    assert_eq!(import(&town.sender, "").await, [2, 0, 0, 2, 0]);
    assert_eq!(import(&town.sender, "").await, [2, 0, 2, 0, 0]);
    assert_eq!(town.published().await["totalCount"], 0);
    assert_eq!(import(&town.steward, "&submit=true").await, [2, 0, 2, 0, 0]);
    assert_eq!(import(&town.publisher, "").await, [2, 2, 0, 0, 0]);
    assert_eq!(import(&town.sender, "&dryRun=true").await, [2, 0, 2, 0, 0]);

    let query =
        "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) { outcome observation { value }
        pendingObservation { id state figure { value } } userErrors { code } } }";
    let input = |value: f64, submit: bool| {
        json!({ "input": { "community": town.here, "indicatorVersion": town.world.version,
        "source": town.world.source, "period": "2021", "value": value, "submit": submit } })
    };
    let record = async |client: &Client, value: f64, submit: bool| {
        client.data(query, input(value, submit)).await["observationRecord"].take()
    };
    let sent = record(&town.sender, 5.0, false).await;
    assert_eq!((&sent["outcome"], &sent["observation"]), (&json!("RECEIVED"), &Value::Null));
    assert_eq!(sent["pendingObservation"]["figure"]["value"], 5.0);
    let again = record(&town.steward, 5.0, true).await;
    assert_eq!((&again["outcome"], &again["pendingObservation"]), (&json!("UNCHANGED"), &sent["pendingObservation"]));
    let direct = record(&town.steward, 5.0, false).await;
    assert_eq!((&direct["outcome"], &direct["observation"]["value"]), (&json!("CREATED"), &json!(5.0)));
}

#[tokio::test]
async fn reading_what_waits_under_an_authority_leaves_a_trace() {
    let app = App::start().await;
    let world = app.world().await;
    let nation = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
        "indigenousDataAuthority": "The council" });
    let nation = app.create("community", nation).await;
    app.create("membership", json!({ "network": world.network, "community": nation, "joinedOn": "2015-01-01" })).await;
    let of = |role: &str| json!([{ "role": role, "community": nation }]);
    let contributor = app.somebody("c@example.org", of("CONTRIBUTOR")).await.client;
    let authority = app.somebody("d@example.org", of("DATA_AUTHORITY")).await.client;
    let row =
        json!({ "community": nation, "indicator": "rate", "sourceKey": "survey", "period": "2020", "value": 4.0 });
    assert_eq!(counts(&push(&contributor, json!([row]), json!({})).await), [0, 0, 0, 1, 0]);
    let reads = async || {
        let query = "{ auditEntries(filter: { action: [READ_UNDER_AUTHORITY] }) { nodes { detail } } }";
        let nodes = app.admin.data(query, json!({})).await["auditEntries"]["nodes"].take();
        nodes.as_array().unwrap().iter().filter(|node| node["detail"] == "figures that wait").count()
    };
    let before = reads().await;
    assert_eq!(waiting(&authority, json!({})).await.len(), 1);
    assert_eq!(reads().await, before + 1);
    let payload = decide(&authority, "Publish", json!({ "filter": { "community": nation } })).await;
    assert_eq!(payload["userErrors"][0]["code"], "FORBIDDEN", "the authority reads, and the steward publishes");
}
