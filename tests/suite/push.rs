//! Pushing many figures at once: what is kept, what is refused, and what a repeated push does.

use serde_json::{Value, json};

use crate::{
    app::App,
    fixture::{World, english},
};

const PUSH: &str = "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) {
    created updated unchanged rejected kept repeated rejectedRows { index field code message }
    differences { index before { value note } after { value note status } } userErrors { path code message } } }";

async fn push(app: &App, input: Value) -> Value {
    app.admin.data(PUSH, json!({ "input": input })).await["observationsPush"].take()
}

/// Created, updated, unchanged, rejected, kept, repeated.
fn counts(payload: &Value) -> [Value; 6] {
    ["created", "updated", "unchanged", "rejected", "kept", "repeated"].map(|name| payload[name].clone())
}

fn rejected(payload: &Value) -> Vec<(u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = payload["rejectedRows"].as_array().unwrap();
    rows.iter().map(|row| (row["index"].as_u64().unwrap(), text(&row["field"]), text(&row["code"]))).collect()
}

async fn start() -> (App, World, String) {
    let app = App::start().await;
    let world = app.world().await;
    let input = json!({ "slug": "c", "name": english("C"), "kind": "MUNICIPALITY", "country": "CA",
        "codes": [{ "scheme": "statcan:SGC", "code": "4611040" }] });
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": world.network, "community": community, "joinedOn": "2015-01-01" }))
        .await;
    (app, world, community)
}

fn by_code(period: &str, value: impl Into<Value>) -> Value {
    json!({ "communityCode": { "scheme": "statcan:SGC", "code": "4611040" }, "indicator": "rate", "sourceKey": "survey",
        "period": period, "value": value.into() })
}

async fn values(app: &App) -> Value {
    let query = "{ community(slug: \"c\") { series { nodes { observations(first: 100) { nodes { period value revision } } } } } }";
    app.admin.data(query, json!({})).await["community"]["series"]["nodes"].take()
}

#[tokio::test]
async fn rows_are_created_changed_and_left_alone() {
    let (app, world, community) = start().await;
    let by_id = json!({ "community": community, "indicatorVersion": world.version, "source": world.source,
        "period": "2021", "value": 12.5 });
    let payload = push(&app, json!({ "rows": [by_code("2020", 11.0), by_id, by_code("2022", 13.0)] })).await;
    assert_eq!(counts(&payload), [json!(3), json!(0), json!(0), json!(0), json!(true), json!(false)]);
    let payload =
        push(&app, json!({ "rows": [by_code("2020", 11.0), by_code("2021", 12.0), by_code("2023", 14.0)] })).await;
    assert_eq!(counts(&payload), [json!(1), json!(1), json!(1), json!(0), json!(true), json!(false)]);
    let kept = values(&app).await;
    assert_eq!(
        kept,
        json!([{ "observations": { "nodes": [
            { "period": "2020", "value": 11.0, "revision": 1 }, { "period": "2021", "value": 12.0, "revision": 2 },
            { "period": "2022", "value": 13.0, "revision": 1 }, { "period": "2023", "value": 14.0, "revision": 1 },
        ] } }])
    );
}

#[tokio::test]
async fn what_is_refused_names_its_row_and_field() {
    let (app, world, community) = start().await;
    let with = |changes: Value| {
        let mut row = by_code("2020", 11.0);
        crate::fixture::merge(&mut row, changes);
        row
    };
    let rows = json!([
        by_code("2019", 10.0),
        with(json!({ "communityCode": { "scheme": "statcan:SGC", "code": "0" } })),
        with(json!({ "indicator": "none" })),
        with(json!({ "sourceKey": "none" })),
        with(json!({ "period": "20x0" })),
        with(json!({ "value": 101.0 })),
        with(json!({ "value": null })),
        with(json!({ "community": community })),
        with(json!({ "communityCode": null })),
        with(json!({ "communityCode": { "scheme": "!", "code": "1" } })),
        with(json!({ "period": "2999" })),
        with(json!({ "source": world.source, "sourceKey": null, "indicatorVersion": world.source, "indicator": null })),
        with(json!({ "disaggregation": [{ "name": "", "value": "x" }] })),
        by_code("2021", 12.0),
        by_code("2021", 13.0),
    ]);
    let expected: Vec<(u64, String, String)> = [
        (1, "community", "NOT_FOUND"),
        (2, "indicator", "NOT_FOUND"),
        (3, "source", "NOT_FOUND"),
        (4, "period", "INVALID"),
        (5, "value", "OUT_OF_RANGE"),
        (6, "value", "REQUIRED"),
        (7, "communityCode", "INVALID"),
        (8, "community", "REQUIRED"),
        (9, "communityCode.scheme", "INVALID"),
        (10, "period", "OUT_OF_RANGE"),
        (11, "indicatorVersion", "INVALID"),
        (12, "disaggregation", "INVALID"),
        (14, "period", "CONFLICT"),
    ]
    .map(|(row, field, code)| (row, field.to_owned(), code.to_owned()))
    .into();
    let payload = push(&app, json!({ "rows": rows })).await;
    assert_eq!(rejected(&payload), expected, "{payload:#}");
    assert_eq!((&payload["kept"], &payload["userErrors"]), (&json!(false), &json!([])));
    assert_eq!(values(&app).await, json!([]), "nothing of an atomic push is kept");

    let payload = push(&app, json!({ "rows": rows, "mode": "BEST_EFFORT" })).await;
    assert_eq!(rejected(&payload), expected);
    assert_eq!(counts(&payload), [json!(2), json!(0), json!(0), json!(13), json!(true), json!(false)]);
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let (app, ..) = start().await;
    push(&app, json!({ "rows": [by_code("2020", 11.0), by_code("2021", 12.0)] })).await;
    let before = values(&app).await;
    let rows = json!([by_code("2020", 11.0), by_code("2021", 12.5), by_code("2022", 13.0), by_code("2023", 130.0)]);
    let payload =
        push(&app, json!({ "rows": rows, "dryRun": true, "mode": "BEST_EFFORT", "idempotencyKey": "k" })).await;
    assert_eq!(counts(&payload), [json!(1), json!(1), json!(1), json!(1), json!(false), json!(false)]);
    assert_eq!(
        payload["differences"],
        json!([
            { "index": 1, "before": { "value": 12.0, "note": null }, "after": { "value": 12.5, "note": null, "status": "NORMAL" } },
            { "index": 2, "before": null, "after": { "value": 13.0, "note": null, "status": "NORMAL" } },
        ])
    );
    assert_eq!(values(&app).await, before);
    // The dry run has not used up the key, and what it promised happens.
    let payload = push(&app, json!({ "rows": rows, "mode": "BEST_EFFORT", "idempotencyKey": "k" })).await;
    assert_eq!(counts(&payload), [json!(1), json!(1), json!(1), json!(1), json!(true), json!(false)]);
    assert_eq!(payload["differences"], json!([]));
}

#[tokio::test]
async fn a_key_makes_a_push_happen_once() {
    let (app, ..) = start().await;
    let input = json!({ "rows": [by_code("2020", 11.0), by_code("2021", 400.0)], "mode": "BEST_EFFORT", "idempotencyKey": "july" });
    // Fifty at the same time: one of them writes.
    let answers = futures_util::future::join_all((0..50).map(|_| push(&app, input.clone()))).await;
    let first = json!([1, 0, 0, 1, true]);
    let mut written = 0;
    for answer in &answers {
        let counts = counts(answer);
        assert_eq!(json!(counts[..5]), first, "{answer:#}");
        assert_eq!(answer["rejectedRows"], answers[0]["rejectedRows"]);
        written += u32::from(counts[5] == json!(false));
    }
    assert_eq!(written, 1);
    // Somebody else corrects the figure; the late repetition does not undo that.
    push(&app, json!({ "rows": [by_code("2020", 12.0)] })).await;
    assert_eq!(push(&app, input).await["repeated"], json!(true));
    assert_eq!(values(&app).await[0]["observations"]["nodes"][0]["value"], json!(12.0));

    let other = json!({ "rows": [by_code("2020", 15.0)], "idempotencyKey": "july" });
    let payload = push(&app, other).await;
    assert_eq!(
        (&payload["userErrors"][0]["code"], &payload["userErrors"][0]["path"]),
        (&json!("CONFLICT"), &json!(["input", "idempotencyKey"]))
    );
    // Of an atomic push that is refused nothing is kept, its key neither.
    let refused = json!({ "rows": [by_code("2022", 900.0)], "idempotencyKey": "august" });
    assert_eq!(push(&app, refused).await["kept"], json!(false));
    let mended = json!({ "rows": [by_code("2022", 90.0)], "idempotencyKey": "august" });
    assert_eq!(push(&app, mended).await["kept"], json!(true));
    for key in ["", &"x".repeat(256)] {
        let payload = push(&app, json!({ "rows": [by_code("2022", 90.0)], "idempotencyKey": key })).await;
        assert_eq!(payload["userErrors"][0]["path"], json!(["input", "idempotencyKey"]));
    }
}

/// Whether it is read by the library or aside from it, which large ones are: the same figures to their last digit, and the same errors.
#[tokio::test]
async fn a_large_push_is_read_as_a_small_one() {
    let (app, _, _) = start().await;
    let exact = [5.206_558_542_869_854e-163, 0.1 + 0.2, 100.0 / 3.0, 12.345_678_901_234_567];
    let row = |place: usize| by_code(&(1000 + place).to_string(), exact[place % exact.len()]);
    let (few, many): (Vec<_>, Vec<_>) = ((0..4).map(row).collect(), (0..400).map(row).collect());
    assert!(json!(few).to_string().len() < 4_096 && json!(many).to_string().len() > 32_768);
    assert_eq!(push(&app, json!({ "rows": few })).await["created"], 4);
    let payload = push(&app, json!({ "rows": many, "mode": "BEST_EFFORT" })).await;
    assert_eq!((&payload["created"], &payload["unchanged"]), (&json!(396), &json!(4)), "{payload:#}");
    let query = "query($p: Date) { community(slug: \"c\") { series { nodes { observations(filter: { from: $p }, first: 4) { nodes { value } } } } } }";
    let seen =
        app.admin.data(query, json!({ "p": "1396-12-31" })).await["community"]["series"]["nodes"][0]["observations"]["nodes"]
            .take();
    assert_eq!(seen, json!(exact.map(|value| json!({ "value": value }))));
    // Sent under a name, in an operation with other variables, or from two places, they are the same rows.
    let other = "query A { viewer { kind } } mutation B($more: ObservationsPushInput!, $dry: Boolean = true) {
        observationsPush(input: $more) { unchanged } viewer: networkArchive(input: { id: \"x\", version: 1 }) @skip(if: $dry) { userErrors { code } } }";
    let twice = "mutation($input: ObservationsPushInput!) { a: observationsPush(input: $input) { unchanged } b: observationsPush(input: $input) { unchanged } }";
    let fragment = "mutation($input: ObservationsPushInput!) { ...F } fragment F on Mutation { observationsPush(input: $input) { unchanged } }";
    let input = json!({ "rows": many });
    for (query, variables, expected) in [
        (other, json!({ "more": input }), json!({ "observationsPush": { "unchanged": 400 } })),
        (twice, json!({ "input": input }), json!({ "a": { "unchanged": 400 }, "b": { "unchanged": 400 } })),
        (fragment, json!({ "input": input }), json!({ "observationsPush": { "unchanged": 400 } })),
    ] {
        let body = json!({ "query": query, "variables": variables, "operationName": query.starts_with("query A").then_some("B") });
        let answer: Value = app.admin.post().json(&body).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["data"], expected, "{answer}");
    }
    // What is wrong is told alike.
    for (field, wrong) in
        [("value", json!("1")), ("period", json!(null)), ("more", json!(1)), ("status", json!("GOOD"))]
    {
        let mut errors = Vec::new();
        for rows in [&few, &many] {
            let mut rows = rows.clone();
            rows[1][field] = wrong.clone();
            let (_, answer) = app.admin.ask(PUSH, json!({ "input": { "rows": rows } })).await;
            errors.push(answer["errors"].clone());
        }
        assert!(errors[0].is_array() && errors[0] == errors[1], "{field}: {errors:?}");
    }
}

#[tokio::test]
async fn ten_thousand_rows_fit_and_no_more() {
    let (app, ..) = start().await;
    let row = |index: usize| {
        let mut row = by_code(&format!("{}-01-01", 1000 + index % 1000), 1.0 + (index / 1000) as f64);
        row["disaggregation"] = json!([{ "name": "part", "value": format!("p{}", index / 1000) }]);
        row
    };
    let rows: Vec<Value> = (0..10_000).map(row).collect();
    let payload = push(&app, json!({ "rows": rows })).await;
    assert_eq!(counts(&payload), [json!(10_000), json!(0), json!(0), json!(0), json!(true), json!(false)]);
    let payload = push(&app, json!({ "rows": rows })).await;
    assert_eq!(payload["unchanged"], json!(10_000));
    let more: Vec<Value> = (0..10_001).map(row).collect();
    let payload = push(&app, json!({ "rows": more })).await;
    assert_eq!(
        (&payload["userErrors"][0]["path"], &payload["userErrors"][0]["code"]),
        (&json!(["input", "rows"]), &json!("OUT_OF_RANGE"))
    );
    assert_eq!(push(&app, json!({ "rows": [] })).await["userErrors"][0]["code"], json!("REQUIRED"));
}

#[tokio::test]
async fn pushes_that_cross_all_arrive() {
    let (app, ..) = start().await;
    // Sixteen clients push the same periods in different orders; each says something else.
    let push_of = |client: usize| {
        let mut periods: Vec<_> = (0..40).map(|n| format!("{}", 1980 + n)).collect();
        periods.rotate_left(client * 2);
        let rows: Vec<_> = periods.iter().map(|period| by_code(period, 1.0 + client as f64)).collect();
        push(&app, json!({ "rows": rows, "mode": "BEST_EFFORT" }))
    };
    let answers = futures_util::future::join_all((0..16).map(push_of)).await;
    let sum = |name: &str| answers.iter().map(|answer| answer[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("created"), sum("updated"), sum("unchanged"), sum("rejected")), (40, 600, 0, 0));
    let nodes = values(&app).await[0]["observations"]["nodes"].take();
    let last: Vec<_> = nodes.as_array().unwrap().iter().map(|node| (&node["value"], &node["revision"])).collect();
    assert!(last.iter().all(|figure| *figure == last[0]), "one push is the last of all: {last:?}");
    assert_eq!(last[0].1, &json!(16));
}

#[tokio::test]
async fn whoever_may_not_record_learns_which_rows() {
    let (app, ..) = start().await;
    let input = json!({ "rows": [by_code("2020", 11.0)] });
    let error = app.anonymous.error(PUSH, json!({ "input": input })).await;
    assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(values(&app).await, json!([]));
}
