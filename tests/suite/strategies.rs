//! Rows that only change or withdraw what is there, and rows that only create: what they leave behind, and what they tell of.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::Client,
    fixture::{World, english},
};

/// By what places are named.
const CODES: &str = "codeScheme=test:code";
const SDMX: &str = "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,INDICATOR,TIME_PERIOD,OBS_VALUE\n";

/// A network with the member `here`, and `away`, which is none of its members.
struct Town {
    app: App,
    world: World,
    here: String,
    steward: Client,
    contributor: Client,
}

impl Town {
    async fn new() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let (here, away) = (app.member(&world.network, "here").await, app.community("away").await);
        for (id, code) in [(&here, "HERE"), (&away, "AWAY")] {
            let codes = json!([{ "scheme": "test:code", "code": code }]);
            let change = json!({ "id": id, "version": 1, "codes": codes });
            app.admin.change("communityUpdate", change, "community", "id").await;
        }
        let role = |role: &str| json!([{ "role": role, "community": here }]);
        let steward = app.somebody("s@example.org", role("STEWARD")).await.client;
        let contributor = app.somebody("c@example.org", role("CONTRIBUTOR")).await.client;
        Self { app, world, here, steward, contributor }
    }

    async fn send(&self, client: &Client, settings: &str, file: &str) -> Value {
        let address = format!("/imports?network=net&async=false&{settings}");
        let sent = client.post_to(&address).body(file.to_owned()).send().await.unwrap();
        sent.json().await.unwrap()
    }

    /// What is rejected of a file by whoever may create everything: line, code and column.
    async fn rejects(&self, settings: &str, file: &str) -> Vec<(u64, String, String)> {
        let job = self.send(&self.app.admin, &format!("createMissing=all&country=CA&{settings}"), file).await;
        // DHIS2 is answered in its own words.
        let id = if job["response"].is_object() { &job["response"]["job"] } else { &job["id"] };
        let query = "query($id: ID!) { importJob(id: $id) { state rejects { line code column } } }";
        let told = self.app.admin.data(query, json!({ "id": id })).await["importJob"].take();
        assert_eq!(told["state"], "SUCCEEDED", "{job:#}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rejects = told["rejects"].as_array().unwrap().iter();
        rejects.map(|one| (one["line"].as_u64().unwrap(), text(&one["code"]), text(&one["column"]))).collect()
    }

    /// What there is of everything that a file may create.
    async fn inventory(&self) -> Value {
        let query = "{ communities { totalCount } indicators { totalCount } sources { totalCount }
            network(slug: \"net\") { memberships { totalCount } }
            here: community(slug: \"here\") { series { totalCount } } away: community(slug: \"away\") { series { totalCount } } }";
        self.app.admin.data(query, json!({})).await
    }

    async fn series(&self) -> u64 {
        self.inventory().await["here"]["series"]["totalCount"].as_u64().unwrap()
    }

    /// What becomes of values of these years in a file of DHIS2: new, other, unchanged and received ones, and each conflict.
    async fn values(&self, client: &Client, strategy: &str, values: &[(&str, f64)]) -> ([u64; 4], Vec<String>) {
        let values: Vec<_> = values.iter().map(|(year, value)| value_of("HERE", "rate", year, *value)).collect();
        let settings = format!("format=dhis2&{CODES}&source=survey&importStrategy={strategy}");
        let answer = self.send(client, &settings, &json!({ "dataValues": values }).to_string()).await;
        let response = &answer["response"];
        let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{answer:#}"));
        let told = |one: &Value| format!("{} {}: {}", one["errorCode"], one["property"], one["value"]).replace('"', "");
        let counts = &response["importCount"];
        (
            [&counts["imported"], &counts["updated"], &response["unchanged"], &response["received"]].map(count),
            response["conflicts"].as_array().unwrap().iter().map(told).collect(),
        )
    }

    async fn record(&self, period: &str, value: f64, confidentiality: &str) {
        let figure = json!({ "value": value, "confidentiality": confidentiality });
        self.app.record(&self.world, &self.here, period, figure).await;
    }
}

fn value_of(place: &str, indicator: &str, year: &str, value: f64) -> Value {
    json!({ "dataElement": indicator, "orgUnit": place, "period": year, "value": value.to_string() })
}

fn told(rejects: &[(u64, String, String)]) -> Vec<(u64, &str, &str)> {
    rejects.iter().map(|(line, code, column)| (*line, code.as_str(), column.as_str())).collect()
}

#[tokio::test]
async fn rows_that_may_create_no_figure_create_nothing_that_they_name() {
    let town = Town::new().await;
    let before = town.inventory().await;
    let set = json!({ "dataValues": [
        value_of("here", "rate", "2020", 1.0),
        value_of("Nowhere", "rate", "2020", 1.0),
        value_of("here", "unheard-of", "2020", 1.0),
    ] });
    let dhis2 = "format=dhis2&orgUnitIdScheme=name&importStrategy";
    for strategy in ["update", "delete"] {
        let rejects = town.rejects(&format!("{dhis2}={strategy}&source=survey"), &set.to_string()).await;
        let expected = [(1, "NOT_FOUND", "period"), (2, "NOT_FOUND", "orgUnit"), (3, "NOT_FOUND", "dataElement")];
        assert_eq!(told(&rejects), expected, "{strategy}");
        let rejects = town.rejects(&format!("{dhis2}={strategy}&source=unheard-of"), &set.to_string()).await;
        assert_eq!(told(&rejects)[0], (1, "NOT_FOUND", "source"), "{strategy}");
    }
    let deleted = format!(
        "{SDMX}dataflow,A:B(1.0),D,HERE,rate,2020,\ndataflow,A:B(1.0),D,AWAY,rate,2020,\ndataflow,A:B(1.0),D,HERE,unheard-of,2020,\n"
    );
    let rejects = town.rejects(&format!("format=sdmx-csv&{CODES}&source=survey"), &deleted).await;
    let expected = [(2, "NOT_FOUND", "TIME_PERIOD"), (3, "NOT_A_MEMBER", "REF_AREA"), (4, "NOT_FOUND", "INDICATOR")];
    assert_eq!(told(&rejects), expected);
    let withdrawn: String =
        [("here", "rate", "survey"), ("here", "unheard-of", "survey"), ("here", "rate", "unheard-of")]
            .map(|(community, indicator, source)| {
                let row = json!({ "community": community, "indicator": indicator, "source": source, "period": "2020",
                "withdrawn": true });
                format!("{row}\n")
            })
            .concat();
    let rejects = town.rejects("format=ndjson", &withdrawn).await;
    let expected = [(1, "NOT_FOUND", "period"), (2, "NOT_FOUND", "indicator"), (3, "NOT_FOUND", "source")];
    assert_eq!(told(&rejects), expected);
    assert_eq!(town.inventory().await, before, "nothing is left of any of them");
}

#[tokio::test]
async fn what_a_withdrawal_did_not_find_is_created_by_the_row_after_it() {
    let town = Town::new().await;
    let row = |indicator: &str, more: Value| {
        let mut row = json!({ "community": { "scheme": "test:code", "code": "AWAY" }, "indicator": indicator,
            "source": "new-source", "period": "2020" });
        crate::fixture::merge(&mut row, more);
        format!("{row}\n")
    };
    let (withdrawn, value) = (json!({ "withdrawn": true }), json!({ "value": 5.0 }));
    let file =
        row("new", withdrawn.clone()) + &row("new", value.clone()) + &row("rate", withdrawn) + &row("rate", value);
    let rejects = town.rejects("format=ndjson", &file).await;
    assert_eq!(told(&rejects), [(1, "NOT_FOUND", "indicator"), (3, "NOT_FOUND", "period")]);
    let inventory = town.inventory().await;
    assert_eq!(inventory["away"]["series"]["totalCount"], 2, "{inventory:#}");
    assert_eq!(inventory["network"]["memberships"]["totalCount"], 2);
}

#[tokio::test]
async fn rows_that_are_refused_leave_no_empty_series() {
    let town = Town::new().await;
    let lock = json!({ "community": town.here, "until": "2020-12-31", "reason": english("The books are closed") });
    town.app.admin.change("periodLockCreate", lock, "periodLock", "id").await;
    let rule = json!({ "community": town.here, "indicator": town.world.indicator, "rule": "RANGE", "maximum": 50.0, "effect": "REFUSE" });
    town.app.admin.change("qualityRuleCreate", rule, "qualityRule", "id").await;
    let tidy = &format!("format=tidy&{CODES}&indicator=rate&source=survey");
    let file = |years: &[(&str, f64)]| {
        let rows: String = years.iter().map(|(year, value)| format!("HERE,{year},{value}\n")).collect();
        format!("areacd,period,observation\n{rows}")
    };
    let rejects = town.rejects(tidy, &file(&[("2020", 1.0), ("2021", 90.0)])).await;
    assert_eq!(told(&rejects), [(2, "LOCKED", "period"), (3, "QUALITY", "observation")]);
    assert_eq!(town.series().await, 0);
    // Pushes and single figures go the same way.
    let push = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) { rejectedRows { code } } }";
    let row =
        json!({ "community": town.here, "indicator": "rate", "sourceKey": "survey", "period": "2020", "value": 1.0 });
    let input = json!({ "input": { "rows": [row], "mode": "BEST_EFFORT" } });
    let pushed = town.steward.data(push, input).await["observationsPush"]["rejectedRows"].take();
    assert_eq!((pushed, town.series().await), (json!([{ "code": "LOCKED" }]), 0));
    // What is kept beside them needs its series.
    let rejects = town.rejects(tidy, &file(&[("2020", 1.0), ("2021", 9.0)])).await;
    assert_eq!((told(&rejects), town.series().await), (vec![(2, "LOCKED", "period")], 1));
    let rejects = town.rejects(tidy, &file(&[("2020", 1.0), ("2021", 90.0)])).await;
    assert_eq!((rejects.len(), town.series().await), (2, 1), "it is not taken from those that it has");
}

#[tokio::test]
async fn figures_that_wait_are_held_to_what_their_sender_knows_to_be_published() {
    let town = Town::new().await;
    let (missing, another) = (
        "NOT_FOUND period: there is no figure, and none is to be created".to_owned(),
        "EXISTS value: there is another figure, and none is to be changed".to_owned(),
    );
    let one = |period: &'static str| [(period, 5.0)];
    let contributor = &town.contributor;
    // There is not even a series.
    assert_eq!(town.values(contributor, "update", &one("2020")).await, ([0; 4], vec![missing.clone()]));
    assert_eq!(town.series().await, 0);
    town.record("2020", 1.0, "FREE").await;
    assert_eq!(town.values(contributor, "update", &one("2021")).await, ([0; 4], vec![missing.clone()]));
    assert_eq!(town.values(contributor, "create", &one("2020")).await, ([0; 4], vec![another.clone()]));
    assert_eq!(town.values(contributor, "create", &[("2020", 1.0)]).await, ([0, 0, 1, 0], vec![]));
    assert_eq!(town.values(contributor, "create", &one("2021")).await, ([0, 0, 0, 1], vec![]));
    assert_eq!(town.values(contributor, "update", &one("2020")).await, ([0, 0, 0, 1], vec![]));
    // What waits is not published: sent in again it is still new, and nothing that could be updated.
    assert_eq!(town.values(contributor, "create", &one("2021")).await, ([0, 0, 1, 0], vec![]));
    assert_eq!(town.values(contributor, "update", &one("2021")).await, ([0; 4], vec![missing.clone()]));
    // Whoever might publish and lets it wait is held to the same.
    let steward = |strategy: &'static str, year| {
        let values = json!({ "dataValues": [value_of("HERE", "rate", year, 5.0)] }).to_string();
        let settings = format!("format=dhis2&{CODES}&source=survey&submit=true&importStrategy={strategy}");
        let (town, client) = (&town, &town.steward);
        async move { town.send(client, &settings, &values).await["response"]["conflicts"][0]["errorCode"].take() }
    };
    assert_eq!(
        (steward("update", "2022").await, steward("create", "2020").await),
        (json!("NOT_FOUND"), json!("EXISTS"))
    );
}

#[tokio::test]
async fn no_strategy_tells_of_a_figure_that_is_not_read() {
    let town = Town::new().await;
    town.record("2020", 1.0, "FREE").await;
    town.record("2021", 5.0, "CONFIDENTIAL").await;
    let outsider = &town.contributor;
    let query = "{ community(slug: \"here\") { series { nodes { observations { nodes { period } } } } } }";
    let read = outsider.data(query, json!({})).await["community"]["series"]["nodes"][0]["observations"]["nodes"].take();
    assert_eq!(read, json!([{ "period": "2020" }]), "the other is hidden from whoever sends figures in");
    for strategy in ["create", "update"] {
        for value in [5.0, 6.0] {
            let hidden = town.values(outsider, strategy, &[("2021", value)]).await;
            let none = town.values(outsider, strategy, &[("2022", value)]).await;
            assert_eq!(hidden, none, "{strategy} {value}");
            assert_eq!(hidden.0[3], u64::from(strategy == "create"));
        }
    }
}

/// What the next step names is looked up while one is recorded: what a step has created is there for those that follow.
#[tokio::test]
async fn files_of_several_steps_come_to_what_they_say() {
    let town = Town::new().await;
    let day = |row: u32| format!("{}-{:02}-{:02}", 1900 + row / 336, row / 28 % 12 + 1, row % 28 + 1);
    let file = |value: u32| -> String {
        let rows = (0..25_000).map(|row| format!("HERE,{},{}\n", day(row), (row + value) % 100));
        ["areacd,period,observation\n".to_owned()].into_iter().chain(rows).collect()
    };
    let settings = format!("format=tidy&{CODES}&indicator=rate&source=survey");
    let counts = async |value: u32| {
        let job = town.send(&town.app.admin, &settings, &file(value)).await;
        ["read", "created", "updated", "unchanged", "rejected"]
            .map(|name| job["counts"][name].as_u64().unwrap_or_else(|| panic!("{job:#}")))
    };
    assert_eq!(counts(1).await, [25_000, 25_000, 0, 0, 0]);
    assert_eq!(counts(1).await, [25_000, 0, 0, 25_000, 0]);
    assert_eq!(counts(2).await, [25_000, 0, 25_000, 0, 0]);
    let query =
        "{ community(slug: \"here\") { series { nodes { observations { totalCount } latest { period value } } } } }";
    let told = town.app.admin.data(query, json!({})).await;
    let latest = json!({ "period": day(24_999), "value": f64::from((24_999 + 2) % 100) });
    let series = json!([{ "observations": { "totalCount": 25_000 }, "latest": latest }]);
    assert_eq!(told["community"]["series"]["nodes"], series);
}
