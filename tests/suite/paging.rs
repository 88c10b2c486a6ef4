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

/// A community `full` whose lists all hold several records, some of them equal in every order; answers where each list is.
async fn full(app: &App) -> [(&'static str, &'static str, &'static str); 7] {
    let world = app.world().await;
    let full = app.community("full").await;
    for (slug, joined) in [("a", "2018-01-01"), ("b", "2016-01-01"), ("c", "2018-01-01"), ("d", "2017-01-01")] {
        let community = app.community(slug).await;
        let input = json!({ "network": world.network, "community": community, "joinedOn": joined });
        app.create("membership", input).await;
    }
    // Left and came back: three memberships of one community.
    for (joined, left) in
        [("2001-01-01", json!("2002-01-01")), ("2005-01-01", json!("2006-01-01")), ("2016-01-01", Value::Null)]
    {
        let input = json!({ "network": world.network, "community": full, "joinedOn": joined, "leftOn": left });
        app.create("membership", input).await;
    }
    for effective in ["2016-01-01", "2015-01-01", "2016-01-01"] {
        app.version(&world.indicator, json!({ "effectiveFrom": effective })).await;
    }
    for (part, period) in [("men", "2019"), ("women", "2018"), ("", "2019"), ("all others", "2020")] {
        let disaggregation = if part.is_empty() { json!([]) } else { json!([{ "name": "gender", "value": part }]) };
        app.record(&world, &full, period, json!({ "value": 30.0, "disaggregation": disaggregation })).await;
        let query = "query($d: [DisaggregationInput!]) {
            community(slug: \"full\") { series(filter: { disaggregation: $d }) { nodes { id } } } }";
        let found = app.anonymous.data(query, json!({ "d": disaggregation })).await;
        let series = &found["community"]["series"]["nodes"][0]["id"];
        app.create("baseline", json!({ "series": series, "period": period })).await;
    }
    for due in ["2030-12-31", "2028-12-31", "2030-12-31", "2029-12-31"] {
        let target = json!({ "indicator": world.indicator, "indicatorVersion": world.version, "community": full,
            "value": 20.0, "dueOn": due });
        app.admin.change("targetSet", target, "target", "id").await;
    }
    let (network, community, indicator) =
        ("network(slug: \"net\")", "community(slug: \"full\")", "indicator(code: \"rate\")");
    [
        (network, "memberships", "Membership"),
        (community, "memberships", "Membership"),
        (community, "targets", "Target"),
        (indicator, "targets", "Target"),
        (community, "baselines", "Baseline"),
        (community, "series", "Series"),
        (indicator, "versions", "IndicatorVersion"),
    ]
}

/// What each kind is ordered by, and what to select to see it.
const ORDERS: [(&str, &str, &str); 10] = [
    ("Membership", "JOINED_ON", "joinedOn"),
    ("Membership", "CREATED_AT", "createdAt"),
    ("Target", "DUE_ON", "dueOn"),
    ("Target", "CREATED_AT", "createdAt"),
    ("Baseline", "CREATED_AT", "createdAt"),
    ("Baseline", "PERIOD_END", "period"),
    ("Series", "CREATED_AT", "createdAt"),
    ("Series", "DISAGGREGATION", "disaggregation { value }"),
    ("IndicatorVersion", "NUMBER", "number"),
    ("IndicatorVersion", "EFFECTIVE_FROM", "effectiveFrom"),
];

#[tokio::test]
async fn lists_of_children_are_walked_in_every_order_from_either_end() {
    let app = App::start().await;
    for (parent, list, kind) in full(&app).await {
        for (_, field, key) in ORDERS.iter().filter(|(of, ..)| *of == kind) {
            let query = format!(
                "query($first: Int, $after: String, $last: Int, $before: String, $order: {kind}Order) {{ parent: {parent} {{
                    list: {list}(first: $first, after: $after, last: $last, before: $before, orderBy: $order) {{
                        totalCount nodes {{ id key: {key} }}
                        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
            );
            let page = async |variables: Value| app.anonymous.data(&query, variables).await["parent"]["list"].take();
            let ascending = page(json!({ "order": { "field": field } })).await;
            let all = ascending["nodes"].as_array().unwrap().clone();
            assert!(all.len() > 2 && ascending["totalCount"] == all.len(), "{parent} {list}");
            let keys: Vec<String> = all.iter().map(|node| node["key"].to_string()).collect();
            assert!(keys.is_sorted(), "{parent} {list} by {field}: {keys:?}");
            for direction in ["ASC", "DESC"] {
                let mut all = all.clone();
                if direction == "DESC" {
                    all.reverse();
                }
                for size in [1, 2] {
                    let order = json!({ "field": field, "direction": direction });
                    let (mut forward, mut after) = (Vec::new(), Value::Null);
                    loop {
                        let page = page(json!({ "first": size, "after": after, "order": order })).await;
                        forward.extend(page["nodes"].as_array().unwrap().clone());
                        after = page["pageInfo"]["endCursor"].clone();
                        if page["pageInfo"]["hasNextPage"] == json!(false) {
                            break;
                        }
                    }
                    assert_eq!(forward, all, "{parent} {list} by {field} {direction}, {size} at a time");
                    let (mut backward, mut before): (Vec<Value>, _) = (Vec::new(), Value::Null);
                    loop {
                        let page = page(json!({ "last": size, "before": before, "order": order })).await;
                        backward.splice(0..0, page["nodes"].as_array().unwrap().clone());
                        before = page["pageInfo"]["startCursor"].clone();
                        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
                            break;
                        }
                    }
                    assert_eq!(backward, all, "{parent} {list} by {field} {direction}, {size} at a time, from the end");
                }
            }
        }
    }
}

/// What each filter leaves of the lists that [`full`] makes.
#[tokio::test]
async fn every_filter_of_children_leaves_what_it_says() {
    let app = App::start().await;
    full(&app).await;
    let ids = "{ network(slug: \"net\") { id } community(slug: \"full\") { id } indicator(code: \"rate\") { id }
        other: community(slug: \"a\") { id } }";
    let ids = app.anonymous.data(ids, json!({})).await;
    let id = |noun: &str| ids[noun]["id"].as_str().unwrap().to_owned();
    let count = async |parent: &str, list: &str, filter: String| {
        let query =
            format!("{{ parent: {parent} {{ {list}(filter: {{ {filter} }}) {{ totalCount nodes {{ id }} }} }} }}");
        let list = app.anonymous.data(&query, json!({})).await["parent"][list].take();
        assert_eq!(list["totalCount"], list["nodes"].as_array().unwrap().len(), "{filter}");
        list["totalCount"].as_i64().unwrap()
    };
    let (network, community, indicator) =
        ("network(slug: \"net\")", "community(slug: \"full\")", "indicator(code: \"rate\")");
    for (parent, list, filter, left) in [
        (network, "memberships", format!("community: \"{}\"", id("community")), 3),
        (network, "memberships", format!("community: \"{}\", on: \"2005-06-01\"", id("community")), 1),
        (network, "memberships", "on: \"2016-01-01\"".to_owned(), 2),
        (network, "memberships", "on: \"2002-01-01\"".to_owned(), 0),
        (community, "memberships", format!("network: \"{}\"", id("network")), 3),
        (community, "targets", format!("indicator: \"{}\"", id("indicator")), 4),
        (community, "targets", "dueFrom: \"2029-12-31\", dueUntil: \"2029-12-31\"".to_owned(), 1),
        (indicator, "targets", format!("community: \"{}\"", id("other")), 0),
        (indicator, "targets", format!("community: \"{}\"", id("community")), 4),
        (indicator, "targets", format!("network: \"{}\"", id("network")), 0),
        (community, "baselines", format!("indicator: \"{}\"", id("indicator")), 4),
        (community, "baselines", format!("community: \"{}\"", id("other")), 0),
        (indicator, "series", format!("community: \"{}\"", id("community")), 4),
        (indicator, "versions", "effectiveBy: \"2015-12-31\"".to_owned(), 2),
        (indicator, "versions", "polarity: LOWER_IS_BETTER".to_owned(), 4),
        (indicator, "versions", "polarity: NEUTRAL".to_owned(), 0),
    ] {
        assert_eq!(count(parent, list, filter.clone()).await, left, "{parent} {list} {filter}");
    }
    // What is archived is listed for those who ask for it.
    for (noun, parent, list) in [
        ("membership", community, "memberships"),
        ("target", community, "targets"),
        ("baseline", community, "baselines"),
        ("indicatorVersion", indicator, "versions"),
    ] {
        let query = format!("{{ parent: {parent} {{ {list}(last: 1) {{ totalCount nodes {{ id }} }} }} }}");
        let listed = app.anonymous.data(&query, json!({})).await["parent"][list].take();
        let input = json!({ "id": listed["nodes"][0]["id"], "version": 1 });
        app.admin.change(&format!("{noun}Archive"), input, noun, "id").await;
        let all = listed["totalCount"].as_i64().unwrap();
        assert_eq!(count(parent, list, String::new()).await, all - 1, "{list}");
        assert_eq!(count(parent, list, "includeArchived: true".to_owned()).await, all, "{list}");
    }
    for (parent, list, filter, field) in [
        (network, "memberships", "community: \"nobody\"", "filter.community"),
        (network, "memberships", "on: \"yesterday\"", "filter.on"),
        (community, "targets", "dueUntil: \"2030-02-30\"", "filter.dueUntil"),
        (community, "baselines", "series: \"x\"", "filter.series"),
        (indicator, "versions", "effectiveBy: \"2015\"", "filter.effectiveBy"),
    ] {
        let query = format!("{{ parent: {parent} {{ {list}(filter: {{ {filter} }}) {{ totalCount }} }} }}");
        assert_eq!(app.anonymous.error(&query, json!({})).await["extensions"]["field"], field, "{filter}");
    }
}
