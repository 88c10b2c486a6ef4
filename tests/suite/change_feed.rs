//! The feed of changes: every revision once, for whoever may see it.

use std::collections::{HashMap, HashSet};

use domain::port::clock::Clock as _;
use serde_json::{Value, json};

use crate::{
    app::App,
    client::Client,
    fixture::{World, merge},
};

const CHANGES: &str = "query($since: String, $first: Int, $filter: ChangeFilter) { changes(since: $since, first: $first, filter: $filter) {
    cursor hasMore items { kind observation { id period value revision retraction { reason } series { community { slug } } }
        previous { value revision } } } }";
const PUSH: &str = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) { created updated kept userErrors { code } } }";

async fn part(client: &Client, since: &Value, first: i32, filter: Value) -> Value {
    let variables = json!({ "since": since, "first": first, "filter": filter });
    client.data(CHANGES, variables).await["changes"].take()
}

/// Everything since a cursor, in pages of so many, and the cursor after it.
async fn rest(client: &Client, since: Value, first: i32, filter: Value) -> (Vec<Value>, Value) {
    let (mut all, mut cursor) = (Vec::new(), since);
    loop {
        let mut page = part(client, &cursor, first, filter.clone()).await;
        all.append(page["items"].as_array_mut().unwrap());
        cursor = page["cursor"].take();
        if page["hasMore"] == false {
            return (all, cursor);
        }
    }
}

/// Kind, period, value and revision.
fn told(items: &[Value]) -> Vec<(String, String, Option<f64>, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |item: &Value| {
        let figure = &item["observation"];
        (text(&item["kind"]), text(&figure["period"]), figure["value"].as_f64(), figure["revision"].as_i64().unwrap())
    };
    items.iter().map(one).collect()
}

async fn push(client: &Client, world: &World, community: &str, rows: &[(&str, f64)]) -> Value {
    let row = |&(period, value): &(&str, f64)| json!({ "community": community, "indicatorVersion": world.version, "source": world.source, "period": period, "value": value });
    let rows: Vec<_> = rows.iter().map(row).collect();
    client.data(PUSH, json!({ "input": { "rows": rows } })).await["observationsPush"].take()
}

#[tokio::test]
async fn changes_come_in_the_order_in_which_they_were_kept() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let (none, empty) = rest(&app.anonymous, Value::Null, 10, Value::Null).await;
    assert!(none.is_empty());
    push(&app.admin, &world, &community, &[("2019", 9.0), ("2020", 10.0), ("2021", 11.0)]).await;
    push(&app.admin, &world, &community, &[("2020", 10.5), ("2021", 11.0)]).await;
    let (all, now) = rest(&app.anonymous, Value::Null, 2, Value::Null).await;
    let recorded = |period: &str, value, revision| ("RECORDED".to_owned(), period.to_owned(), Some(value), revision);
    let expected =
        vec![recorded("2019", 9.0, 1), recorded("2020", 10.0, 1), recorded("2021", 11.0, 1), recorded("2020", 10.5, 2)];
    assert_eq!(told(&all), expected);
    assert_eq!(all[3]["previous"], json!({ "value": 10.0, "revision": 1 }));
    assert_eq!(
        (&all[0]["previous"], &all[0]["observation"]["series"]["community"]["slug"]),
        (&Value::Null, &json!("c"))
    );
    assert_eq!(told(&rest(&app.anonymous, empty, 100, Value::Null).await.0), expected, "from before the first");
    // What begins now knows nothing of before.
    let begun = part(&app.anonymous, &json!("now"), 10, Value::Null).await;
    assert_eq!((&begun["items"], &begun["hasMore"]), (&json!([]), &json!(false)));
    let query = "{ community(slug: \"c\") { series { nodes { id } } } }";
    let series = app.admin.data(query, json!({})).await["community"]["series"]["nodes"][0]["id"].take();
    let retract = "mutation($input: ObservationsRetractInput!) { observationsRetract(input: $input) { retracted } }";
    let input = json!({ "figures": [{ "series": series, "period": "2019" }], "reason": "ERROR" });
    app.admin.data(retract, json!({ "input": input })).await;
    for since in [now, begun["cursor"].clone()] {
        let (news, _) = rest(&app.anonymous, since, 10, Value::Null).await;
        assert_eq!(told(&news), [("RETRACTED".to_owned(), "2019".to_owned(), None, 2)]);
        assert_eq!(
            (&news[0]["observation"]["retraction"]["reason"], &news[0]["previous"]["value"]),
            (&json!("ERROR"), &json!(9.0))
        );
    }
}

/// What is recorded and not seen moves the place of a reader, who must not learn of it.
#[tokio::test]
async fn a_cursor_tells_nothing_and_any_replica_reads_it() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let there = app.replica().await;
    let cursor = |page: Value| page["cursor"].as_str().unwrap().to_owned();
    let begun = cursor(part(&app.anonymous, &Value::Null, 10, Value::Null).await);
    let same = cursor(part(&app.anonymous, &json!(begun), 10, Value::Null).await);
    assert_ne!(begun, same, "a place that has not moved looks like one that has");
    push(&app.admin, &world, &community, &[("2019", 9.0), ("2020", 10.0)]).await;
    for since in [begun, same] {
        assert_eq!(told(&rest(&Client::new(&there.url, None), json!(since), 1, Value::Null).await.0).len(), 2);
    }
    // Neither the form of other cursors nor a number is taken for one.
    for forged in ["MS4w", "0.0", ""] {
        let error = app.anonymous.error(CHANGES, json!({ "since": forged })).await;
        assert_eq!(error["extensions"]["field"], "since", "{forged}: {error:#}");
    }
}

#[tokio::test]
async fn changes_are_narrowed() {
    let app = App::start().await;
    let world = app.world().await;
    let (a, b) = (app.member(&world.network, "a").await, app.community("b").await);
    let (indicator, version) = app.indicator("other", json!({})).await;
    let other = World { network: world.network.clone(), source: app.source("else").await, indicator, version };
    push(&app.admin, &world, &a, &[("2020", 1.0)]).await;
    push(&app.admin, &world, &b, &[("2020", 2.0)]).await;
    push(&app.admin, &other, &a, &[("2020", 3.0)]).await;
    for (filter, expected) in [
        (json!({ "network": world.network }), vec![1.0, 3.0]),
        (json!({ "community": b }), vec![2.0]),
        (json!({ "indicator": other.indicator }), vec![3.0]),
        (json!({ "source": world.source }), vec![1.0, 2.0]),
        (json!({ "source": world.source, "community": a }), vec![1.0]),
    ] {
        let (found, _) = rest(&app.anonymous, Value::Null, 1, filter.clone()).await;
        let values: Vec<_> = found.iter().map(|item| item["observation"]["value"].as_f64().unwrap()).collect();
        assert_eq!(values, expected, "{filter}");
    }
    for (variables, field) in [
        (json!({ "first": 0 }), "first"),
        (json!({ "first": 101 }), "first"),
        (json!({ "since": "x" }), "since"),
        (json!({ "filter": { "source": world.network } }), "filter.source"),
    ] {
        let error = app.anonymous.error(CHANGES, variables).await;
        assert_eq!(error["extensions"]["field"], field, "{error:#}");
    }
}

#[tokio::test]
async fn readers_get_what_they_may_see_and_learn_of_the_end_of_an_embargo() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let steward = app.somebody("s@example.org", json!([{ "role": "STEWARD", "community": community }])).await.client;
    let until = (app.clock.now() + chrono::TimeDelta::seconds(60)).to_rfc3339();
    let record = async |period: &str, more: Value| {
        let mut figure = json!({ "value": 7.0 });
        merge(&mut figure, more);
        app.record(&world, &community, period, figure).await
    };
    let embargoed = json!({ "confidentiality": "EMBARGOED", "embargoUntil": until });
    record("2019", json!({ "confidentiality": "CONFIDENTIAL" })).await;
    record("2020", embargoed.clone()).await;
    record("2021", embargoed.clone()).await;
    record("2022", json!({})).await;
    // Replaced before its embargo ends: nobody ever hears of the first.
    record("2021", json!({ "value": 8.0, "confidentiality": "FREE" })).await;
    let (public, after) = rest(&app.anonymous, Value::Null, 1, Value::Null).await;
    let recorded = |period: &str, value, revision| ("RECORDED".to_owned(), period.to_owned(), Some(value), revision);
    assert_eq!(told(&public), [recorded("2022", 7.0, 1), recorded("2021", 8.0, 2)]);
    assert_eq!(public[1]["previous"], Value::Null);
    let (own, own_after) = rest(&steward, Value::Null, 2, Value::Null).await;
    assert_eq!(own.len(), 5);
    app.clock.pass(61);
    let released = [("RELEASED".to_owned(), "2020".to_owned(), Some(7.0), 1)];
    assert_eq!(told(&rest(&app.anonymous, after.clone(), 5, Value::Null).await.0), released);
    assert_eq!(told(&rest(&app.anonymous, after, 5, Value::Null).await.0), released, "once, wherever one reads from");
    assert_eq!(told(&rest(&steward, own_after, 5, Value::Null).await.0), released);
    // Whoever begins only now gets it where it was recorded, and again where it was released.
    let (late, _) = rest(&app.anonymous, Value::Null, 2, Value::Null).await;
    assert_eq!(late.iter().filter(|item| item["observation"]["period"] == "2020").count(), 2);
    // Shared with nobody outside, they are not there.
    let rule = json!({ "community": community, "visibility": "COMMUNITY" });
    app.create("sharingRule", rule).await;
    assert_eq!(rest(&app.anonymous, Value::Null, 2, Value::Null).await.0.len(), 0);
    assert_eq!(rest(&steward, Value::Null, 100, Value::Null).await.0.len(), 6);
}

/// Writers record revision after revision of the same and of other periods, and a reader follows: every revision comes once, and those
/// of a period in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_beside_many_writers_misses_nothing_and_gets_nothing_twice() {
    const WRITERS: usize = 8;
    const PUSHES: usize = 12;
    let app = App::start().await;
    let world = app.world().await;
    let mut writers = Vec::new();
    let mut communities = Vec::new();
    for number in 0..4 {
        communities.push(app.member(&world.network, &format!("c{number}")).await);
    }
    for writer in 0..WRITERS {
        let (client, community) = (app.admin.clone(), communities[writer % 4].clone());
        let (version, source) = (world.version.clone(), world.source.clone());
        writers.push(tokio::spawn(async move {
            let mut written = 0;
            for number in 0..PUSHES {
                // Some periods are everybody's of the community, some their own.
                let own = 1900 + writer * PUSHES + number;
                let value = (writer * PUSHES + number) as f64 / 10.0;
                let row = |period: String| {
                    json!({ "community": community, "indicatorVersion": version, "source": source, "period": period, "value": value })
                };
                let rows = json!([row("2020".into()), row("2021".into()), row(own.to_string())]);
                let (_, answer) = client.ask(PUSH, json!({ "input": { "rows": rows, "mode": "BEST_EFFORT" } })).await;
                let pushed = &answer["data"]["observationsPush"];
                written += pushed["created"].as_u64().unwrap() + pushed["updated"].as_u64().unwrap();
            }
            written
        }));
    }
    let mut seen: Vec<Value> = Vec::new();
    let mut cursor = Value::Null;
    let mut ended = false;
    loop {
        let page = part(&app.anonymous, &cursor, 7, Value::Null).await;
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        cursor = page["cursor"].clone();
        if page["hasMore"] == true {
            continue;
        }
        if ended {
            break;
        }
        // Read once more after the last writer is done.
        ended = writers.iter().all(|writer| writer.is_finished());
        tokio::task::yield_now().await;
    }
    let mut written = 0;
    for writer in writers {
        written += writer.await.unwrap();
    }
    let ids: HashSet<_> = seen.iter().map(|item| item["observation"]["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((ids.len() as u64, seen.len()), (written, ids.len()), "each once");
    let mut last = HashMap::new();
    for item in &seen {
        let figure = &item["observation"];
        let place = (figure["series"]["community"]["slug"].clone().to_string(), figure["period"].to_string());
        let revision = figure["revision"].as_i64().unwrap();
        let before = last.insert(place, revision).unwrap_or(0);
        assert_eq!(revision, before + 1, "revisions of a period come in their order: {item:#}");
    }
    assert_eq!(rest(&app.anonymous, Value::Null, 100, Value::Null).await.0.len(), seen.len());
}
