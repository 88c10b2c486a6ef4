use rstest::rstest;
use serde_json::{Value, json};

use crate::{app::App, fixture::english};

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String, $order: CommunityOrder) {
    communities(first: $first, after: $after, last: $last, before: $before, orderBy: $order) {
        totalCount nodes { slug } edges { cursor node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

/// Seven communities, some of the same name, some without a population.
async fn seven() -> App {
    let app = App::start().await;
    let places: [(&str, &str, Option<i64>); 7] = [
        ("a", "Same", Some(10)),
        ("b", "Same", None),
        ("c", "Same", Some(10)),
        ("d", "Élan", Some(5)),
        ("e", "Zed", None),
        ("f", "alpha", Some(2_000_000)),
        ("g", "Élan", None),
    ];
    for (slug, name, persons) in places {
        let populations: Vec<_> =
            persons.iter().map(|persons| json!({ "asOf": "2021-05-11", "persons": persons })).collect();
        app.create(
            "community",
            json!({ "slug": slug, "name": english(name), "kind": "MUNICIPALITY", "country": "CA", "populations": populations }),
        )
        .await;
    }
    app
}

fn slugs(page: &Value) -> Vec<String> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["slug"].as_str().unwrap().to_owned()).collect()
}

async fn whole(app: &App, order: &Value) -> Vec<String> {
    slugs(&app.anonymous.data(PAGE, json!({ "first": 100, "order": order })).await["communities"])
}

#[rstest]
#[case(Value::Null)]
#[case(json!({ "field": "NAME", "direction": "DESC" }))]
#[case(json!({ "field": "POPULATION" }))]
#[case(json!({ "field": "POPULATION", "direction": "DESC" }))]
#[case(json!({ "field": "CREATED_AT", "direction": "DESC" }))]
#[tokio::test]
async fn pages_join_to_the_whole_list_both_ways(#[case] order: Value, #[values(1, 2, 3, 7)] size: i32) {
    let app = seven().await;
    let all = whole(&app, &order).await;
    assert_eq!(all.len(), 7);

    let (mut forward, mut after) = (Vec::new(), Value::Null);
    loop {
        let page =
            &app.anonymous.data(PAGE, json!({ "first": size, "after": after, "order": order })).await["communities"];
        assert_eq!(page["totalCount"], 7);
        assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!forward.is_empty()));
        forward.extend(slugs(page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(forward, all);

    let (mut backward, mut before): (Vec<String>, _) = (Vec::new(), Value::Null);
    loop {
        let page =
            &app.anonymous.data(PAGE, json!({ "last": size, "before": before, "order": order })).await["communities"];
        backward.splice(0..0, slugs(page));
        before = page["pageInfo"]["startCursor"].clone();
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(backward, all);
}

#[tokio::test]
async fn names_are_ordered_without_case_and_marks_and_populations_with_the_unknown_first() {
    let app = seven().await;
    let by_name = whole(&app, &Value::Null).await;
    assert_eq!(by_name[0], "f");
    assert_eq!(by_name[6], "e");
    let by_population = whole(&app, &json!({ "field": "POPULATION" })).await;
    assert_eq!(&by_population[3..], ["d", "a", "c", "f"]);
}

#[rstest]
#[case(json!({ "first": 0 }), "first")]
#[case(json!({ "first": 101 }), "first")]
#[case(json!({ "first": -1 }), "first")]
#[case(json!({ "last": 0 }), "last")]
#[case(json!({ "first": 1, "last": 1 }), "last")]
#[case(json!({ "after": "nonsense" }), "after")]
#[case(json!({ "before": "" }), "before")]
#[tokio::test]
async fn a_bad_page_names_its_argument(#[case] variables: Value, #[case] field: &str) {
    let app = App::start().await;
    let error = app.anonymous.error(PAGE, variables).await;
    assert_eq!(
        (&error["extensions"]["code"], &error["extensions"]["field"]),
        (&json!("BAD_USER_INPUT"), &json!(field))
    );
}

#[tokio::test]
async fn a_cursor_belongs_to_its_order() {
    let app = seven().await;
    let page = app.anonymous.data(PAGE, json!({ "first": 1 })).await;
    let cursor = &page["communities"]["edges"][0]["cursor"];
    let other = json!({ "first": 1, "after": cursor, "order": { "field": "POPULATION" } });
    assert_eq!(app.anonymous.error(PAGE, other).await["extensions"]["field"], "after");
    let turned = json!({ "first": 1, "after": cursor, "order": { "field": "NAME", "direction": "DESC" } });
    assert_eq!(app.anonymous.error(PAGE, turned).await["extensions"]["field"], "after");
    let error =
        app.anonymous.error("query($c: String) { partners(after: $c) { nodes { id } } }", json!({ "c": cursor })).await;
    assert_eq!(error["extensions"]["field"], "after");
}

#[tokio::test]
async fn nested_lists_have_pages_of_their_own() {
    let app = App::start().await;
    let network = app.network("net").await;
    for slug in ["a", "b", "c"] {
        let community = app.member(&network, slug).await;
        for number in 0..if slug == "b" { 0 } else { 3 } {
            app.create(
                "initiative",
                json!({ "slug": format!("{slug}-{number}"), "community": community, "issue": "POVERTY",
                    "title": english(&format!("{number}")), "startedOn": "2020-01-01", "status": "ACTIVE",
                    "phases": [{ "phase": "ASSESS_READINESS", "startedOn": "2020-01-01" }] }),
            )
            .await;
        }
    }
    let query = "query($after: String) { communities { nodes { slug initiatives(first: 2, after: $after) {
        totalCount nodes { slug } pageInfo { hasNextPage endCursor } } } } }";
    let data = app.anonymous.data(query, json!({})).await;
    let of = |data: &Value, place: usize| data["communities"]["nodes"][place]["initiatives"].clone();
    assert_eq!(slugs(&of(&data, 0)), ["a-0", "a-1"]);
    assert_eq!(of(&data, 0)["pageInfo"]["hasNextPage"], true);
    assert_eq!((of(&data, 1)["totalCount"].clone(), slugs(&of(&data, 1)).len()), (json!(0), 0));
    assert_eq!(of(&data, 2)["totalCount"], 3);
    let after = json!({ "after": of(&data, 0)["pageInfo"]["endCursor"] });
    assert_eq!(slugs(&of(&app.anonymous.data(query, after).await, 0)), ["a-2"]);
}

#[tokio::test]
async fn lists_are_narrowed_by_their_filters() {
    let app = seven().await;
    let count = async |filter: Value| {
        let query = "query($f: CommunityFilter) { communities(filter: $f) { totalCount } }";
        app.anonymous.data(query, json!({ "f": filter })).await["communities"]["totalCount"].as_i64().unwrap()
    };
    assert_eq!(count(json!({ "text": "elan" })).await, 2);
    assert_eq!(count(json!({ "text": "ÉLAN" })).await, 2);
    assert_eq!(count(json!({ "text": "%" })).await, 0);
    assert_eq!(count(json!({ "populationAtLeast": 10 })).await, 3);
    assert_eq!(count(json!({ "populationAtLeast": 10, "populationAtMost": 10 })).await, 2);
    assert_eq!(count(json!({ "kinds": ["COUNTY"] })).await, 0);
    assert_eq!(count(json!({ "kinds": ["COUNTY", "MUNICIPALITY"], "country": "CA" })).await, 7);
    assert_eq!(count(json!({ "kinds": [] })).await, 0);
    let error = app.anonymous.error("{ communities(filter: { country: \"canada\" }) { totalCount } }", json!({})).await;
    assert_eq!(error["extensions"]["field"], "filter.country");
}

/// Every connection can be narrowed and ordered, also where it hangs on another record.
#[tokio::test]
async fn lists_of_children_are_narrowed_and_ordered() {
    let app = App::start().await;
    let world = app.world().await;
    let left = app.community("left").await;
    let past = json!({ "network": world.network, "community": left, "joinedOn": "2010-01-01", "leftOn": "2015-01-01" });
    app.create("membership", past).await;
    let here = app.member(&world.network, "here").await;
    let later = json!({ "measure": "RATE", "unit": english("per 1 000"), "polarity": "NEUTRAL", "effectiveFrom": "2999-01-01" });
    app.version(&world.indicator, later).await;
    app.record(&world, &here, "2019", json!({ "value": 30.0 })).await;
    let women = json!({ "value": 31.0, "disaggregation": [{ "name": "gender", "value": "women" }] });
    app.record(&world, &here, "2020", women).await;
    for (value, due) in [(20.0, "2030-12-31"), (10.0, "2040-12-31")] {
        let target = json!({ "indicator": world.indicator, "indicatorVersion": world.version, "community": here,
            "value": value, "dueOn": due });
        app.admin.change("targetSet", target, "target", "id").await;
    }
    let nodes = app.admin.data("{ community(slug: \"here\") { series { nodes { id } } } }", json!({})).await;
    let series = nodes["community"]["series"]["nodes"].clone();
    for (one, period) in series.as_array().unwrap().iter().zip(["2019", "2020"]) {
        app.create("baseline", json!({ "series": one["id"], "period": period })).await;
    }

    let query = "query($first: ID!) {
        network(slug: \"net\") {
            then: memberships(filter: { on: \"2012-06-01\" }) { totalCount nodes { community { slug } } }
            all: memberships(orderBy: { field: JOINED_ON, direction: DESC }) { nodes { community { slug } } } }
        community(slug: \"here\") {
            soon: targets(filter: { dueUntil: \"2035-01-01\" }) { totalCount nodes { value } }
            late: targets(filter: { dueFrom: \"2035-01-01\" }) { nodes { value } }
            baselines(orderBy: { field: PERIOD_END, direction: DESC }) { nodes { period } }
            one: baselines(filter: { series: $first }) { totalCount nodes { period } }
            series(orderBy: { field: DISAGGREGATION, direction: DESC }) { nodes { disaggregation { value } } } }
        indicator(code: \"rate\") {
            now: versions(filter: { effectiveBy: \"2026-01-01\" }) { totalCount nodes { number } }
            neutral: versions(filter: { polarity: NEUTRAL }) { nodes { number } }
            versions(orderBy: { field: EFFECTIVE_FROM, direction: DESC }) { nodes { number } } } }";
    let found = app.anonymous.data(query, json!({ "first": series[0]["id"] })).await;
    assert_eq!(found["network"]["then"], json!({ "totalCount": 1, "nodes": [{ "community": { "slug": "left" } }] }));
    assert_eq!(
        found["network"]["all"]["nodes"],
        json!([{ "community": { "slug": "here" } }, { "community": { "slug": "left" } }])
    );
    let community = &found["community"];
    assert_eq!(community["soon"], json!({ "totalCount": 1, "nodes": [{ "value": 20.0 }] }));
    assert_eq!(community["late"]["nodes"], json!([{ "value": 10.0 }]));
    assert_eq!(community["baselines"]["nodes"], json!([{ "period": "2020" }, { "period": "2019" }]));
    assert_eq!(community["one"], json!({ "totalCount": 1, "nodes": [{ "period": "2019" }] }));
    assert_eq!(
        community["series"]["nodes"],
        json!([{ "disaggregation": [{ "value": "women" }] }, { "disaggregation": [] }])
    );
    let indicator = &found["indicator"];
    assert_eq!(indicator["now"], json!({ "totalCount": 1, "nodes": [{ "number": 1 }] }));
    assert_eq!(indicator["neutral"]["nodes"], json!([{ "number": 2 }]));
    assert_eq!(indicator["versions"]["nodes"], json!([{ "number": 2 }, { "number": 1 }]));
}
