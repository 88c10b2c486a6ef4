//! Figures behind which few persons stand: as nobody in particular, as a member, as who answers for them.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::App,
    cli::concert,
    client::{Client, codes},
    fixture::{World, english},
};

const SEEN: &str =
    "{ community(slug: \"c\") { latestValues { value } series { totalCount nodes { disaggregation { value }
    latest { value } observations { totalCount nodes { id period value revisions { value } } } } } } }";

/// A network with an indicator that counts persons, and three communities with figures of their total and two parts.
struct Few {
    app: App,
    world: World,
    community: String,
    member: Client,
    steward: Client,
}

impl Few {
    async fn new() -> Self {
        let app = App::start().await;
        let mut world = app.world().await;
        let counts = json!({ "measure": "COUNT", "unit": english("persons"), "decimals": 0, "additivity": "SUM" });
        world.version = app.version(&world.indicator, counts).await;
        let community = app.member(&world.network, "c").await;
        for (slug, value) in [("d", 300.0), ("e", 12.0)] {
            let other = app.member(&world.network, slug).await;
            app.record(&world, &other, "2020", json!({ "value": value })).await;
        }
        let role = |role| json!([{ "role": role, "community": community }]);
        let member = app.somebody("member@example.org", role("CONTRIBUTOR")).await.client;
        let steward = app.somebody("steward@example.org", role("STEWARD")).await.client;
        let few = Self { app, world, community, member, steward };
        few.count(None, 200.0).await;
        few.count(Some("women"), 5.0).await;
        few.count(Some("men"), 195.0).await;
        few
    }

    async fn count(&self, part: Option<&str>, value: f64) {
        let part = part.map(|part| json!({ "name": "sex", "value": part }));
        let figure = json!({ "value": value, "disaggregation": part.into_iter().collect::<Vec<_>>() });
        self.app.record(&self.world, &self.community, "2020", figure).await;
    }

    /// The newest values of the total and the parts that a reader finds, the same by every way.
    async fn seen(&self, client: &Client) -> Vec<f64> {
        let seen = client.data(SEEN, json!({})).await["community"].take();
        let series = seen["series"]["nodes"].as_array().unwrap();
        assert_eq!(seen["series"]["totalCount"], series.len());
        let mut values = Vec::new();
        for one in series {
            let observations = &one["observations"];
            assert_eq!(
                (&observations["totalCount"], &observations["nodes"][0]["value"]),
                (&json!(1), &one["latest"]["value"])
            );
            values.push(one["latest"]["value"].as_f64().unwrap());
        }
        values.sort_by(f64::total_cmp);
        values
    }

    /// What a comparison says of the community.
    async fn compared(&self, client: &Client, part: Value) -> Value {
        let query = "query($part: [DisaggregationInput!]!) { comparison(network: \"net\", indicator: \"rate\", disaggregation: $part) {
            entries { community { slug } current { value } reasons } coverage { reporting } distribution { count } } }";
        client.data(query, json!({ "part": part })).await["comparison"].take()
    }
}

fn women() -> Value {
    json!([{ "name": "sex", "value": "women" }])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_count_and_what_it_is_worked_out_from_are_for_those_who_answer_for_it() {
    let few = Few::new().await;
    for client in [&few.app.anonymous, &few.member] {
        assert_eq!(few.seen(client).await, [200.0]);
        let compared = few.compared(client, women()).await;
        assert_eq!((&compared["coverage"]["reporting"], &compared["distribution"]), (&json!(0), &Value::Null));
        assert!(compared["entries"].as_array().unwrap().iter().all(|entry| entry["current"].is_null()));
    }
    for client in [&few.steward, &few.app.admin] {
        assert_eq!(few.seen(client).await, [5.0, 195.0, 200.0]);
        assert_eq!(few.compared(client, women()).await["coverage"]["reporting"], 1);
    }
    // By an identifier learned elsewhere.
    let inside = few.steward.data(SEEN, json!({})).await;
    let node = "query($id: ID!) { node(id: $id) { id } }";
    for series in inside["community"]["series"]["nodes"].as_array().unwrap() {
        let id = &series["observations"]["nodes"][0]["id"];
        let withheld = series["latest"]["value"] != 200.0;
        assert_eq!(few.member.data(node, json!({ "id": id })).await["node"].is_null(), withheld);
        assert!(few.steward.data(node, json!({ "id": id })).await["node"].is_object());
    }
    // Small and shown, it carries a warning.
    let compared = few.compared(&few.app.anonymous, json!([])).await;
    let flagged = |slug: &str| {
        let entries = compared["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["community"]["slug"] == slug).unwrap()["reasons"].clone()
    };
    assert_eq!((flagged("c"), flagged("e")), (json!([]), json!(["SMALL_N"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_was_small_is_not_read_from_its_history() {
    let few = Few::new().await;
    few.count(Some("women"), 0.0).await;
    few.count(Some("men"), 200.0).await;
    assert_eq!(few.seen(&few.app.anonymous).await, [0.0, 200.0, 200.0], "nobody is no small group");
    let revisions = async |client: &Client| {
        let seen = client.data(SEEN, json!({})).await["community"]["series"]["nodes"].take();
        let count = |one: &Value| one["observations"]["nodes"][0]["revisions"].as_array().unwrap().len();
        seen.as_array().unwrap().iter().map(count).sum::<usize>()
    };
    assert_eq!((revisions(&few.app.anonymous).await, revisions(&few.steward).await), (3, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_tells_of_the_rest_and_of_what_follows_from_it() {
    let app = App::start().await;
    let mut world = app.world().await;
    let share = json!({ "multiplier": 100.0, "numerator": english("with"), "denominator": english("all") });
    let share = |more: Value| {
        let mut share = share.clone();
        crate::fixture::merge(&mut share, more);
        share
    };
    world.version = app.version(&world.indicator, share(json!({}))).await;
    let community = app.member(&world.network, "c").await;
    let figures = [
        ("2015", json!({ "value": 50.0, "numerator": 100.0, "denominator": 200.0 }), true),
        ("2016", json!({ "value": 97.5, "numerator": 195.0, "denominator": 200.0 }), false),
        ("2017", json!({ "value": 2.0, "denominator": 200.0 }), false),
        ("2018", json!({ "value": 95.0, "numerator": 114.0 }), false),
        ("2019", json!({ "value": 0.0, "numerator": 0.0, "denominator": 8.0 }), false),
        ("2020", json!({ "value": 2.0 }), true),
    ];
    for (period, figure, _) in &figures {
        app.record(&world, &community, period, figure.clone()).await;
    }
    let periods = async |client: &Client| {
        let seen =
            client.data(SEEN, json!({})).await["community"]["series"]["nodes"][0]["observations"]["nodes"].take();
        let mut periods: Vec<_> =
            seen.as_array().unwrap().iter().map(|one| one["period"].as_str().unwrap().to_owned()).collect();
        periods.sort();
        periods
    };
    let shown: Vec<_> = figures.iter().filter(|(.., shown)| *shown).map(|(period, ..)| *period).collect();
    assert_eq!(periods(&app.anonymous).await, shown);
    assert_eq!(periods(&app.admin).await.len(), figures.len());
    // What is no count of persons may be small.
    world.version = app.version(&world.indicator, share(json!({ "countsPersons": false }))).await;
    let dwellings = app.member(&world.network, "d").await;
    let figure = json!({ "value": 97.5, "numerator": 195.0, "denominator": 200.0 });
    app.record(&world, &dwellings, "2016", figure).await;
    let seen = app.anonymous.data("{ community(slug: \"d\") { latestValues { value } } }", json!({})).await;
    assert_eq!(seen["community"]["latestValues"], json!([{ "value": 97.5 }]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_may_be_stricter_and_a_comparison_follows_at_once() {
    let few = Few::new().await;
    few.count(Some("women"), 30.0).await;
    assert_eq!(few.seen(&few.app.anonymous).await, [30.0, 195.0, 200.0]);
    assert_eq!(few.compared(&few.app.anonymous, women()).await["coverage"]["reporting"], 1);
    let refused =
        json!({ "id": few.world.network, "version": 1, "suppression": { "suppressBelow": 5, "maximumShare": 90.0 } });
    let refused = few.app.admin.refusal("networkUpdate", refused, "network").await;
    let field = |name: &str| (format!("input.suppression.{name}"), "OUT_OF_RANGE".to_owned());
    assert_eq!(codes(&refused), [field("suppressBelow"), field("maximumShare")]);
    let strict =
        json!({ "id": few.world.network, "version": 1, "suppression": { "suppressBelow": 31, "flagBelow": 40 } });
    let fields = "suppression { suppressBelow flagBelow minimumCommunities maximumShare }";
    let network = few.app.admin.change("networkUpdate", strict, "network", fields).await;
    let expected = json!({ "suppressBelow": 31, "flagBelow": 40, "minimumCommunities": 3, "maximumShare": 80.0 });
    assert_eq!(network["suppression"], expected);
    assert_eq!(few.seen(&few.app.anonymous).await, [200.0]);
    assert_eq!(few.compared(&few.app.anonymous, women()).await["coverage"]["reporting"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_controls_disclosure_is_shown_as_published() {
    let few = Few::new().await;
    assert_eq!(few.compared(&few.app.anonymous, women()).await["coverage"]["reporting"], 0);
    let word = json!({ "id": few.world.source, "version": 1, "disclosureControlled": true });
    let refused = few.steward.refusal("sourceUpdate", word.clone(), "source").await;
    assert_eq!(refused[0]["code"], "FORBIDDEN");
    let source = few.app.admin.change("sourceUpdate", word, "source", "disclosureControlled").await;
    assert_eq!(source["disclosureControlled"], true);
    assert_eq!(few.seen(&few.app.anonymous).await, [5.0, 195.0, 200.0]);
    assert_eq!(few.compared(&few.app.anonymous, women()).await["coverage"]["reporting"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_says_that_its_sources_control_disclosure() {
    let few = Few::new().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("counts.csv");
    let codes = json!({ "id": few.community, "version": 1, "codes": [{ "scheme": "areacd", "code": "C1" }] });
    few.app.admin.change("communityUpdate", codes, "community", "version").await;
    for (source, flag, shown) in [("plain", None, 0), ("office", Some("--disclosure-controlled"), 1)] {
        std::fs::write(&path, format!("areacd,indicator,period,observation,source\nC1,rate,2021,3,{source}\n"))
            .unwrap();
        let output = concert(&["import", "--format", "tidy", "--network", "net", "--create-missing=sources"])
            .args(flag)
            .arg(&path)
            .env("DATABASE_URL", &few.app.db.url)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let query = "{ community(slug: \"c\") { latestValues { value source { key } } } }";
        let seen = few.app.anonymous.data(query, json!({})).await["community"]["latestValues"].take();
        let of_source = seen.as_array().unwrap().iter().filter(|value| value["source"]["key"] == source).count();
        assert_eq!(of_source, shown, "{source}");
    }
}
