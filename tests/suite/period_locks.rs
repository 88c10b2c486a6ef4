//! Locked periods: what is refused, and what a steward may do with a reason.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::{Client, codes},
    fixture::{World, english, merge},
};

const RECORD: &str = "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) { outcome
    observation { value restatement { reason note } } userErrors { path code } } }";
const PUSH: &str = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) {
    created updated unchanged kept rejectedRows { index field code } userErrors { code } } }";
const RETRACT: &str = "mutation($input: ObservationsRetractInput!) { observationsRetract(input: $input) {
    retracted rejectedRows { code } userErrors { code } } }";

struct Town {
    app: App,
    world: World,
    community: String,
    steward: Client,
}

impl Town {
    async fn new() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let community = app.member(&world.network, "c").await;
        for (period, value) in [("2020", 10.0), ("2021", 11.0)] {
            app.record(&world, &community, period, json!({ "value": value })).await;
        }
        let steward =
            app.somebody("s@example.org", json!([{ "role": "STEWARD", "community": community }])).await.client;
        Self { app, world, community, steward }
    }

    async fn lock(&self, input: Value) -> Value {
        let mut lock = json!({ "until": "2020-12-31", "reason": english("The books are closed") });
        merge(&mut lock, input);
        self.app.admin.change("periodLockCreate", lock, "periodLock", "id version until lifted { text }").await
    }

    fn figure(&self, period: &str, more: Value) -> Value {
        let mut input = json!({ "community": self.community, "indicatorVersion": self.world.version, "source": self.world.source,
            "period": period });
        merge(&mut input, more);
        input
    }

    async fn record(&self, client: &Client, period: &str, more: Value) -> Value {
        client.data(RECORD, json!({ "input": self.figure(period, more) })).await["observationRecord"].take()
    }

    async fn push(&self, input: Value) -> Value {
        self.steward.data(PUSH, json!({ "input": input })).await["observationsPush"].take()
    }
}

fn code(payload: &Value) -> &str {
    payload["userErrors"][0]["code"].as_str().unwrap_or("")
}

#[tokio::test]
async fn nothing_changes_in_a_locked_period_without_a_reason() {
    let town = Town::new().await;
    let lock = town.lock(json!({ "community": town.community })).await;
    let refused = town.record(&town.steward, "2020", json!({ "value": 10.5 })).await;
    assert_eq!(refused["userErrors"], json!([{ "path": ["input", "period"], "code": "LOCKED" }]));
    assert_eq!(
        code(&town.record(&town.steward, "2019", json!({ "value": 9.0 })).await),
        "LOCKED",
        "nothing new either"
    );
    assert_eq!(town.record(&town.steward, "2020", json!({ "value": 10.0 })).await["outcome"], "UNCHANGED");
    assert_eq!(
        town.record(&town.steward, "2021", json!({ "value": 11.5 })).await["outcome"],
        "UPDATED",
        "a later one is open"
    );
    let rows = json!([town.figure("2020", json!({ "value": 10.5 })), town.figure("2021", json!({ "value": 11.6 }))]);
    let pushed = town.push(json!({ "rows": rows, "mode": "BEST_EFFORT" })).await;
    assert_eq!(pushed["rejectedRows"], json!([{ "index": 0, "field": "period", "code": "LOCKED" }]));
    assert_eq!(pushed["updated"], 1);
    let query = "{ community(slug: \"c\") { series { nodes { id } } } }";
    let series = town.app.admin.data(query, json!({})).await["community"]["series"]["nodes"][0]["id"].take();
    let retraction = json!({ "figures": [{ "series": series, "period": "2020" }], "reason": "ERROR" });
    let retracted = town.steward.data(RETRACT, json!({ "input": retraction })).await["observationsRetract"].take();
    assert_eq!(retracted["rejectedRows"], json!([{ "code": "LOCKED" }]));
    // Lifted, it no longer holds, and cannot be lifted again.
    let lift = json!({ "id": lock["id"], "version": 1, "reason": english("Audited anew") });
    let lifted = town.steward.change("periodLockLift", lift, "periodLock", "version lifted { text }").await;
    assert_eq!(lifted, json!({ "version": 2, "lifted": { "text": "Audited anew" } }));
    let lift = json!({ "id": lock["id"], "version": 2, "reason": english("Again") });
    assert_eq!(codes(&town.steward.refusal("periodLockLift", lift, "periodLock").await)[0].1, "IMMUTABLE");
    assert_eq!(town.record(&town.steward, "2020", json!({ "value": 10.5 })).await["outcome"], "UPDATED");
}

#[tokio::test]
async fn a_steward_restates_with_a_reason_that_stands() {
    let town = Town::new().await;
    town.lock(json!({ "network": town.world.network, "indicator": town.world.indicator })).await;
    assert_eq!(code(&town.record(&town.steward, "2020", json!({ "value": 10.5 })).await), "LOCKED");
    let restate = json!({ "reason": "CORRECTION", "note": "A typing error" });
    let done = town.record(&town.steward, "2020", json!({ "value": 10.5, "restate": restate })).await;
    assert_eq!((&done["outcome"], &done["observation"]["restatement"]), (&json!("UPDATED"), &restate), "{done:#}");
    let other = json!({ "value": 10.6, "restate": { "reason": "OTHER" } });
    assert_eq!(
        town.record(&town.steward, "2020", other).await["userErrors"],
        json!([{ "path": ["input", "restate", "note"], "code": "REQUIRED" }])
    );
    let rows = json!([town.figure("2020", json!({ "value": 10.7 })), town.figure("2019", json!({ "value": 9.0 }))]);
    let pushed = town.push(json!({ "rows": rows, "restate": { "reason": "LATE_DATA" } })).await;
    assert_eq!(
        (&pushed["created"], &pushed["updated"], &pushed["kept"]),
        (&json!(1), &json!(1), &json!(true)),
        "{pushed:#}"
    );
    let query =
        "{ community(slug: \"c\") { latestValues(indicators: [\"rate\"]) { observation { restatement { reason } } }
        series { nodes { observations(first: 1) { nodes { restatement { reason } } } } } }
        auditEntries(filter: { action: [RECORD_FIGURES] }) { nodes { detail } } }";
    let seen = town.steward.data(query, json!({})).await;
    assert_eq!(
        seen["community"]["series"]["nodes"][0]["observations"]["nodes"][0]["restatement"]["reason"],
        "LATE_DATA"
    );
    assert_eq!(seen["community"]["latestValues"][0]["observation"]["restatement"], Value::Null);
    let details = seen["auditEntries"]["nodes"].to_string();
    assert!(
        details.contains("restated: CORRECTION:A typing error") && details.contains("restated: LATE_DATA"),
        "{details}"
    );
}

#[tokio::test]
async fn programs_and_others_do_not_restate() {
    let town = Town::new().await;
    town.lock(json!({ "community": town.community })).await;
    let token =
        json!({ "name": "T", "communities": [town.community], "actions": ["RECORD_FIGURES", "PUBLISH_FIGURES"] });
    let query = "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret } }";
    let token = town.steward.data(query, json!({ "input": token })).await["apiTokenCreate"]["secret"].take();
    let program = Client::new(&town.app.url, token.as_str());
    assert_eq!(town.record(&program, "2021", json!({ "value": 11.5 })).await["outcome"], "UPDATED");
    let restated = json!({ "value": 10.5, "restate": { "reason": "CORRECTION" } });
    assert_eq!(code(&town.record(&program, "2020", restated.clone()).await), "FORBIDDEN");
    let rows = json!([town.figure("2020", json!({ "value": 10.5 }))]);
    let input = json!({ "rows": rows, "restate": { "reason": "CORRECTION" } });
    let pushed = program.data(PUSH, json!({ "input": input })).await["observationsPush"].take();
    assert_eq!(pushed["rejectedRows"], json!([{ "index": 0, "field": "community", "code": "FORBIDDEN" }]));
    // Neither does a coordinator, who may lock.
    let network = json!([{ "role": "COORDINATOR", "network": town.world.network }]);
    let coordinator = town.app.somebody("k@example.org", network).await.client;
    let lock = json!({ "network": town.world.network, "until": "2021-12-31", "reason": english("R") });
    coordinator.change("periodLockCreate", lock, "periodLock", "id").await;
    assert_eq!(code(&town.record(&town.steward, "2021", json!({ "value": 12.5 })).await), "LOCKED");
    assert_eq!(code(&town.record(&coordinator, "2020", restated).await), "FORBIDDEN");
}

#[tokio::test]
async fn files_are_refused_row_by_row_or_restate() {
    let town = Town::new().await;
    town.lock(json!({ "community": town.community })).await;
    let change = json!({ "id": town.community, "version": 1, "codes": [{ "scheme": "test:code", "code": "C" }] });
    town.app.admin.change("communityUpdate", change, "community", "id").await;
    let send = async |client: &Client, more: &str| -> Value {
        let address = format!(
            "/imports?format=tidy&network=net&indicator=rate&source=survey&codeScheme=test:code&async=false{more}"
        );
        let file = "areacd,period,observation\nC,2020,10.5\nC,2021,11.5\n";
        client.post_to(&address).body(file).send().await.unwrap().json().await.unwrap()
    };
    let job = send(&town.steward, "").await;
    assert_eq!((&job["counts"]["updated"], &job["counts"]["rejected"]), (&json!(1), &json!(1)), "{job:#}");
    let job = send(&town.steward, "&restate=CORRECTION:Audited").await;
    assert_eq!((&job["counts"]["updated"], &job["counts"]["unchanged"]), (&json!(1), &json!(1)), "{job:#}");
    let refused = send(&town.steward, "&restate=BECAUSE").await;
    assert_eq!(refused["errors"][0]["extensions"]["field"], "restate");
}

#[tokio::test]
async fn a_lock_is_on_one_community_or_one_network() {
    let town = Town::new().await;
    let lock = |more: Value| {
        let mut input = json!({ "until": "2020-12-31", "reason": english("R") });
        merge(&mut input, more);
        input
    };
    for input in [lock(json!({})), lock(json!({ "community": town.community, "network": town.world.network }))] {
        let errors = town.app.admin.refusal("periodLockCreate", input, "periodLock").await;
        assert_eq!(codes(&errors), [("input.community".to_owned(), "REQUIRED".to_owned())]);
    }
    town.lock(json!({ "community": town.community })).await;
    town.lock(json!({ "network": town.world.network })).await;
    let query = "{ all: periodLocks { totalCount } open: periodLocks(filter: { lifted: false }, orderBy: { field: UNTIL }) { totalCount } }";
    let of = async |client: &Client| client.data(query, json!({})).await["all"]["totalCount"].take();
    assert_eq!((of(&town.steward).await, of(&town.app.anonymous).await), (json!(2), json!(1)));
}

#[tokio::test]
async fn figures_that_wait_are_looked_at_when_they_come_in_and_when_they_are_published() {
    const PUBLISH: &str = "mutation($input: ObservationsPublishInput!) { observationsPublish(input: $input) {
        decided refusedRows { code } userErrors { path code } } }";
    let town = Town::new().await;
    let role = json!([{ "role": "CONTRIBUTOR", "community": town.community }]);
    let contributor = town.app.somebody("c@example.org", role).await.client;
    let publish = async |more: Value| {
        let mut input = json!({ "filter": { "community": town.community } });
        merge(&mut input, more);
        town.steward.data(PUBLISH, json!({ "input": input })).await["observationsPublish"].take()
    };
    assert_eq!(town.record(&contributor, "2019", json!({ "value": 9.0 })).await["outcome"], "RECEIVED");
    town.lock(json!({ "community": town.community })).await;
    assert_eq!(code(&town.record(&contributor, "2020", json!({ "value": 10.5 })).await), "LOCKED");
    let restated = json!({ "value": 10.5, "restate": { "reason": "CORRECTION" } });
    assert_eq!(code(&town.record(&contributor, "2020", restated).await), "FORBIDDEN");
    // What came in before the lock waits on, until a steward gives a reason.
    let refused = json!({ "decided": 0, "refusedRows": [{ "code": "LOCKED" }], "userErrors": [] });
    assert_eq!(publish(json!({})).await, refused);
    let unsaid = publish(json!({ "restate": { "reason": "OTHER" } })).await;
    assert_eq!(unsaid["userErrors"], json!([{ "path": ["input", "restate", "note"], "code": "REQUIRED" }]));
    let published = json!({ "decided": 1, "refusedRows": [], "userErrors": [] });
    assert_eq!(publish(json!({ "restate": { "reason": "LATE_DATA" } })).await, published);
    // A steward's own waits with its reason.
    let waits = json!({ "value": 10.5, "submit": true, "restate": { "reason": "CORRECTION" } });
    assert_eq!(town.record(&town.steward, "2020", waits).await["outcome"], "RECEIVED");
    let query = "{ pendingObservations { nodes { restatement { reason note } } }
        community(slug: \"c\") { series { nodes { observations(first: 9) { nodes { period restatement { reason } } } } } } }";
    let waiting = town.steward.data(query, json!({})).await["pendingObservations"]["nodes"].take();
    assert_eq!(waiting, json!([{ "restatement": { "reason": "CORRECTION", "note": null } }]));
    assert_eq!(publish(json!({})).await, published);
    let seen = town.steward.data(query, json!({})).await;
    let restated = |period: &str, reason: Value| json!({ "period": period, "restatement": reason });
    assert_eq!(
        seen["community"]["series"]["nodes"][0]["observations"]["nodes"],
        json!([
            restated("2019", json!({ "reason": "LATE_DATA" })),
            restated("2020", json!({ "reason": "CORRECTION" })),
            restated("2021", Value::Null),
        ])
    );
}
