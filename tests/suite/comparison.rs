//! Comparing communities: the arithmetic is tested where it lives; here, that it is asked rightly and answered whole.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::codes,
    fixture::{World, english},
};

const COMPARE: &str = "query($period: Period, $from: Period, $only: [String!]) {
    comparison(network: \"net\", indicator: \"rate\", period: $period, baselinePeriod: $from, communities: $only) {
        period coverage { expected reporting } distribution { count median lowerQuartile upperQuartile minimum maximum }
        cohortChange { communities medianChange improved worsened } aggregate { value }
        entries { community { slug } current { value period status } baseline { value } baselineDeclared change percentChange improvement
            target { value own gap progress } percentile rank { position } comparability reasons compared } } }";

/// Six communities with figures for 2015 and 2023; `f` has its last for 2022.
async fn six() -> (App, World) {
    let app = App::start().await;
    let world = app.world().await;
    let figures =
        [("a", 15.7, 9.8), ("b", 12.0, 10.0), ("c", 10.0, 12.0), ("d", 20.0, 10.0), ("e", 8.0, 8.0), ("f", 9.0, 7.0)];
    for (slug, first, last) in figures {
        let community = app.member(&world.network, slug).await;
        app.record(&world, &community, "2015", json!({ "value": first })).await;
        let period = if slug == "f" { "2022" } else { "2023" };
        app.record(&world, &community, period, json!({ "value": last })).await;
    }
    (app, world)
}

fn entry<'a>(comparison: &'a Value, slug: &str) -> &'a Value {
    comparison["entries"].as_array().unwrap().iter().find(|entry| entry["community"]["slug"] == slug).unwrap()
}

#[tokio::test]
async fn communities_are_compared_for_one_period_and_no_other() {
    let (app, _) = six().await;
    let comparison = &app.anonymous.data(COMPARE, json!({ "from": "2015" })).await["comparison"];
    assert_eq!(comparison["period"], "2023");
    assert_eq!(comparison["coverage"], json!({ "expected": 6, "reporting": 5 }));
    let spread = json!({ "count": 5, "minimum": 8.0, "lowerQuartile": 9.8, "median": 10.0, "upperQuartile": 10.0, "maximum": 12.0 });
    assert_eq!(comparison["distribution"], spread);
    let a = entry(comparison, "a");
    assert_eq!((&a["change"], &a["improvement"], &a["percentChange"]), (&json!(-5.9), &json!(5.9), &Value::Null));
    assert_eq!(a["percentile"], 75.0, "three of four are worse");
    let (b, d) = (entry(comparison, "b"), entry(comparison, "d"));
    assert_eq!((&b["percentile"], &d["percentile"]), (&json!(37.5), &json!(37.5)), "one is worse, one equal");
    let late = entry(comparison, "f");
    assert_eq!(
        (&late["compared"], &late["reasons"], &late["percentile"]),
        (&json!(false), &json!(["PERIOD_MISMATCH"]), &Value::Null)
    );
    assert_eq!(late["change"], -2.0, "its own change stands");
    assert_eq!(
        comparison["cohortChange"],
        json!({ "communities": 5, "medianChange": -2.0, "improved": 3, "worsened": 1 })
    );
    assert_eq!(comparison["aggregate"], Value::Null, "percentages are not averaged");
}

#[tokio::test]
async fn a_period_and_communities_can_be_chosen() {
    let (app, _) = six().await;
    let asked = json!({ "period": "2022", "only": ["f", "a"] });
    let comparison = &app.anonymous.data(COMPARE, asked).await["comparison"];
    let slugs: Vec<_> =
        comparison["entries"].as_array().unwrap().iter().map(|e| e["community"]["slug"].clone()).collect();
    assert_eq!(slugs, ["f", "a"]);
    assert_eq!(comparison["coverage"], json!({ "expected": 2, "reporting": 1 }));
    assert_eq!(entry(comparison, "a")["current"], Value::Null);
    assert_eq!(entry(comparison, "f")["percentile"], Value::Null, "below five there is no standing");
}

#[tokio::test]
async fn what_is_asked_wrongly_names_its_argument() {
    let (app, _) = six().await;
    for (variables, field) in [
        (json!({ "only": ["a", "nowhere"] }), "communities.1"),
        (json!({ "only": ["a", "a"] }), "communities.1"),
        (json!({ "period": "20233" }), "period"),
        (json!({ "period": "2023", "from": "2023" }), "baselinePeriod"),
    ] {
        let error = app.anonymous.error(COMPARE, variables).await;
        assert_eq!(
            (&error["extensions"]["code"], &error["extensions"]["field"]),
            (&json!("BAD_USER_INPUT"), &json!(field))
        );
    }
    for (network, indicator, field) in
        [("nowhere", "rate", "network"), ("net", "nothing", "indicator"), ("ne t", "rate", "network")]
    {
        let query = format!("{{ comparison(network: \"{network}\", indicator: \"{indicator}\") {{ period }} }}");
        assert_eq!(app.anonymous.error(&query, json!({})).await["extensions"]["field"], field);
    }
    app.community("stranger").await;
    let error = app.anonymous.error(COMPARE, json!({ "only": ["stranger"] })).await;
    assert_eq!(error["extensions"]["field"], "communities.0");
}

#[tokio::test]
async fn targets_and_baselines_count_from_where_they_were_declared() {
    let (app, world) = six().await;
    let set = |owner: (&str, &str), value: f64| {
        let mut target = json!({ "indicator": world.indicator, "indicatorVersion": world.version, "value": value, "dueOn": "2030-12-31" });
        target[owner.0] = json!(owner.1);
        target
    };
    app.admin.change("targetSet", set(("network", &world.network), 7.25), "target", "id").await;
    let data = app.anonymous.data("{ communities { nodes { id slug series { nodes { id } } } } }", json!({})).await;
    let find = |slug: &str| {
        data["communities"]["nodes"].as_array().unwrap().iter().find(|c| c["slug"] == slug).unwrap().clone()
    };
    let a = find("a");
    app.create("baseline", json!({ "series": a["series"]["nodes"][0]["id"], "period": "2015" })).await;
    let d = find("d");
    app.create("baseline", json!({ "series": d["series"]["nodes"][0]["id"], "period": "2015" })).await;
    let worse = app.admin.refusal("targetSet", set(("community", d["id"].as_str().unwrap()), 25.0), "target").await;
    assert_eq!(codes(&worse), [("input.value".to_owned(), "OUT_OF_RANGE".to_owned())]);
    let own = app.admin.change("targetSet", set(("community", d["id"].as_str().unwrap()), 5.0), "target", "id").await;

    let comparison = &app.anonymous.data(COMPARE, json!({})).await["comparison"];
    let winnipeg = entry(comparison, "a");
    assert_eq!((&winnipeg["baselineDeclared"], &winnipeg["change"]), (&json!(true), &json!(-5.9)));
    let target = &winnipeg["target"];
    assert_eq!((&target["value"], &target["own"], &target["gap"]), (&json!(7.25), &json!(false), &json!(2.55)));
    assert!((target["progress"].as_f64().unwrap() - 69.822_485).abs() < 1e-5);
    assert_eq!(entry(comparison, "d")["target"]["value"], 5.0);
    assert_eq!(
        (&entry(comparison, "b")["change"], &entry(comparison, "b")["target"]["progress"]),
        (&Value::Null, &Value::Null)
    );

    // A moved target keeps its history.
    let mut moved = set(("community", d["id"].as_str().unwrap()), 6.0);
    moved["replaces"] = own["id"].clone();
    app.admin.change("targetSet", moved, "target", "id replaces { value archivedAt }").await;
    let comparison = &app.anonymous.data(COMPARE, json!({})).await["comparison"];
    assert_eq!(entry(comparison, "d")["target"]["value"], 6.0);
}

#[tokio::test]
async fn another_source_another_definition_and_a_break_are_told_apart() {
    let (app, mut world) = six().await;
    let survey = world.source.clone();
    let community = app.member(&world.network, "g").await;
    world.source = app.source("register").await;
    app.record(&world, &community, "2023", json!({ "value": 11.0 })).await;
    let suppressed = app.member(&world.network, "h").await;
    world.source = survey;
    app.record(&world, &suppressed, "2023", json!({ "status": "SUPPRESSED" })).await;
    let data = app.anonymous.data("{ communities { nodes { id slug } } }", json!({})).await;
    let a = data["communities"]["nodes"].as_array().unwrap().iter().find(|c| c["slug"] == "a").unwrap()["id"].clone();
    app.record(&world, a.as_str().unwrap(), "2019", json!({ "value": 14.0, "status": "SERIES_BREAK" })).await;

    let comparison = &app.anonymous.data(COMPARE, json!({ "from": "2015", "period": "2023" })).await["comparison"];
    let other = entry(comparison, "g");
    assert_eq!(
        (&other["comparability"], &other["reasons"], &other["compared"]),
        (&json!("SAME_MEASURE"), &json!(["SOURCE_DIFFERS"]), &json!(true))
    );
    let broken = entry(comparison, "a");
    assert_eq!((&broken["change"], &broken["reasons"]), (&Value::Null, &json!(["SERIES_BREAK"])));
    assert_eq!(entry(comparison, "h")["compared"], false, "suppressed is never zero");
    assert_eq!(comparison["distribution"]["minimum"], 8.0);
}

#[tokio::test]
async fn a_definition_that_changed_is_not_compared_with_the_old_one() {
    let (app, mut world) = six().await;
    world.version =
        app.version(&world.indicator, json!({ "unit": english("points"), "effectiveFrom": "2020-01-01" })).await;
    let new = app.member(&world.network, "n").await;
    app.record(&world, &new, "2023", json!({ "value": 50.0 })).await;
    let comparison = &app.anonymous.data(COMPARE, json!({ "from": "2015" })).await["comparison"];
    assert_eq!(comparison["coverage"]["reporting"], 1);
    let old = entry(comparison, "a");
    assert_eq!(old["comparability"], "SAME_OUTCOME");
    let reasons: Vec<_> = old["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
    assert!(reasons.contains(&"DEFINITION_DIFFERS") && reasons.contains(&"UNIT"), "{reasons:?}");
    assert_eq!((&old["compared"], &old["percentile"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn counts_add_and_rates_are_ratios_of_sums() {
    let app = App::start().await;
    let mut world = app.world().await;
    world.version = app
        .version(
            &world.indicator,
            json!({ "multiplier": 100.0, "numerator": english("poor"), "denominator": english("all"),
            "additivity": "RATIO_OF_SUMS" }),
        )
        .await;
    for (slug, part, whole) in [("a", 10.0, 100.0), ("b", 300.0, 1_000.0)] {
        let community = app.member(&world.network, slug).await;
        let figure = json!({ "value": 100.0 * part / whole, "numerator": part, "denominator": whole });
        app.record(&world, &community, "2023", figure).await;
    }
    let comparison = &app.anonymous.data(COMPARE, json!({})).await["comparison"];
    let value = comparison["aggregate"]["value"].as_f64().unwrap();
    assert!((value - 100.0 * 310.0 / 1_100.0).abs() < 1e-6, "not the average, 20: {value}");
}

#[tokio::test]
async fn a_cached_comparison_is_never_older_than_the_figures() {
    let (app, world) = six().await;
    let replica = app.replica().await;
    let data = app.anonymous.data("{ communities(first: 1) { nodes { id slug } } }", json!({})).await;
    let community = data["communities"]["nodes"][0]["id"].as_str().unwrap();
    for value in [30.0, 31.0, 32.0] {
        app.record(&world, community, "2023", json!({ "value": value })).await;
        for who in [&app, &replica, &app, &replica] {
            let comparison = &who.anonymous.data(COMPARE, json!({ "period": "2023" })).await["comparison"];
            assert_eq!(entry(comparison, "a")["current"]["value"], value);
        }
    }
}

/// Long lists are written straight to JSON where they can be, and resolved field by field where they cannot: both must say
/// the same, in every language.
#[tokio::test]
async fn entries_say_the_same_however_they_are_written() {
    let (app, world) = six().await;
    let target = json!({ "indicator": world.indicator, "indicatorVersion": world.version, "network": world.network,
        "value": 5.0, "dueOn": "2030-12-31" });
    app.admin.change("targetSet", target, "target", "id").await;
    app.member(&world.network, "silent").await;
    let query = |more: &str| {
        format!(
            "query($period: Period) {{ comparison(network: \"net\", indicator: \"rate\", baselinePeriod: \"2015\", period: $period) {{ entries {{
                kind: __typename ...Rest community {{ id slug version createdAt updatedAt archivedAt kind country subdivision timezone
                    name {{ text language sourceLanguage }} {more} }} }} }} }}
            fragment Rest on ComparisonEntry {{ baselineDeclared change percentChange improvement percentile comparability reasons compared
                rank {{ position best worst }} target {{ id value dueOn own gap progress }} baseline {{ ...Figure }} now: current {{ ...Figure }} }}
            fragment Figure on Observation {{ id period periodKind startsOn endsOn value numerator denominator lower upper status
                confidentiality embargoUntil note externalId revision recordedAt supersededAt }}"
        )
    };
    for variables in [json!({}), json!({ "period": "2022" })] {
        let written = app.anonymous.data(&query(""), variables.clone()).await;
        let mut resolved = app.anonymous.data(&query("codes { code }"), variables).await;
        for entry in resolved["comparison"]["entries"].as_array_mut().unwrap() {
            assert_eq!(entry["community"].as_object_mut().unwrap().remove("codes"), Some(json!([])));
        }
        assert_eq!(written, resolved);
        assert_eq!(written["comparison"]["entries"].as_array().unwrap().len(), 7);
    }
}
