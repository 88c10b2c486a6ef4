//! Every field of the filters of records finds what it says, and nothing besides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    app::App,
    fixture::{english, text},
};

/// The lists that are asked, with the input that filters each.
const LISTS: [(&str, &str); 7] = [
    ("networks", "NetworkFilter"),
    ("communities", "CommunityFilter"),
    ("initiatives", "InitiativeFilter"),
    ("partners", "PartnerFilter"),
    ("participations", "ParticipationFilter"),
    ("indicators", "IndicatorFilter"),
    ("learnings", "LearningFilter"),
];

/// A world in which hardly two records share anything, and the ids in it by a name for each.
async fn world(app: &App) -> BTreeMap<&'static str, String> {
    let mut ids = BTreeMap::new();
    for (code, kind, issue, name) in [
        ("rent", "POPULATION", "HOMELESSNESS", text("Rents in arrears", "Loyers en retard")),
        ("meals", "PERFORMANCE_HOW_MUCH", "POVERTY", text("Meals served", "Repas servis")),
    ] {
        let input = json!({ "code": code, "kind": kind, "issue": issue, "name": name });
        ids.insert(code, app.create("indicator", input).await);
    }
    for (slug, name, indicator) in [
        ("north", text("Northern table", "Table du Nord"), "rent"),
        ("south", text("Southern table", "Table du Sud"), "meals"),
    ] {
        let input = json!({ "slug": slug, "name": name, "startsOn": "2015-01-01", "indicators": [ids[indicator]] });
        ids.insert(slug, app.create("network", input).await);
    }
    for (slug, changes, network) in [
        ("ash", json!({ "kind": "COUNTY", "country": "US", "subdivision": "US-NY", "aliases": ["Frêne"] }), "north"),
        (
            "birch",
            json!({ "kind": "MUNICIPALITY", "country": "CA", "subdivision": "CA-QC",
            "populations": [{ "asOf": "2021-01-01", "persons": 900 }], "codes": [{ "scheme": "test:code", "code": "B" }] }),
            "south",
        ),
        (
            "cedar",
            json!({ "kind": "REGION", "country": "CA", "subdivision": "CA-MB",
            "populations": [{ "asOf": "2021-01-01", "persons": 5000 }] }),
            "south",
        ),
    ] {
        let mut input = json!({ "slug": slug, "name": english(&format!("{slug} place")) });
        crate::fixture::merge(&mut input, changes);
        ids.insert(slug, app.create("community", input).await);
        let input = json!({ "network": ids[network], "community": ids[slug], "joinedOn": "2015-01-01" });
        app.create("membership", input).await;
    }
    initiatives(app, &mut ids).await;
    learnings(app, &mut ids).await;
    ids
}

async fn initiatives(app: &App, ids: &mut BTreeMap<&'static str, String>) {
    for (slug, lead, others, issue, status, phase, title) in [
        (
            "shelter",
            "ash",
            json!([]),
            "HOMELESSNESS",
            "ACTIVE",
            "INITIATE_ACTION",
            text("Roofs first", "Un toit d’abord"),
        ),
        (
            "pantry",
            "birch",
            json!([ids["ash"]]),
            "POVERTY",
            "PAUSED",
            "ASSESS_READINESS",
            text("Full plates", "Assiettes pleines"),
        ),
    ] {
        let phases = json!([{ "phase": phase, "startedOn": "2020-01-01" }]);
        let input = json!({ "slug": slug, "community": ids[lead], "otherCommunities": others, "issue": issue, "title": title,
            "startedOn": "2020-01-01", "status": status, "phases": phases });
        ids.insert(slug, app.create("initiative", input).await);
    }
    for (slug, sector, name, initiative, ring) in [
        ("church", "HEALTH", text("The parish", "La paroisse"), "shelter", "CORE"),
        ("grocer", "BUSINESS", text("The grocer", "L’épicerie"), "pantry", "PERIPHERAL"),
    ] {
        ids.insert(slug, app.create("partner", json!({ "slug": slug, "sector": sector, "name": name })).await);
        let input = json!({ "initiative": ids[initiative], "partner": ids[slug], "role": english("Helps"), "ring": ring,
            "joinedOn": "2020-01-01" });
        app.create("participation", input).await;
    }
}

async fn learnings(app: &App, ids: &mut BTreeMap<&'static str, String>) {
    let in_french =
        |fr: &str| json!({ "sourceLanguage": "fr-CA", "translations": [{ "language": "fr-CA", "text": fr }] });
    for (slug, community, initiative, kind, issue, stage, status, indicator, words) in [
        ("keys", "ash", "shelter", "WORKED", "HOMELESSNESS", "PROMISING", "SHARED", "rent", english("Keys at once")),
        ("soup", "birch", "pantry", "UNEXPECTED", "POVERTY", "LEADING", "DRAFT", "meals", in_french("La soupe réunit")),
    ] {
        let input = json!({ "slug": slug, "community": ids[community], "initiative": ids[initiative], "author": "A. Author",
            "kind": kind, "issue": issue, "title": words, "whatWeDid": words, "whatHappened": words, "evidenceStage": stage,
            "visibility": "PUBLIC", "status": status, "indicators": [ids[indicator]] });
        ids.insert(slug, app.create("learning", input).await);
    }
}

/// List, filter, and the keys of what it finds, in alphabetical order.
fn cases(ids: &BTreeMap<&'static str, String>) -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let id = |name: &str| ids[name].clone();
    vec![
        ("networks", json!({ "community": id("ash") }), vec!["north"]),
        ("networks", json!({ "indicator": id("meals") }), vec!["south"]),
        ("networks", json!({ "text": "TABLE DU NORD" }), vec!["north"]),
        ("communities", json!({ "network": id("south") }), vec!["birch", "cedar"]),
        ("communities", json!({ "kinds": ["COUNTY", "REGION"] }), vec!["ash", "cedar"]),
        ("communities", json!({ "kinds": [] }), vec![]),
        ("communities", json!({ "country": "CA" }), vec!["birch", "cedar"]),
        ("communities", json!({ "subdivision": "CA-QC" }), vec!["birch"]),
        ("communities", json!({ "code": { "scheme": "test:code", "code": "B" } }), vec!["birch"]),
        ("communities", json!({ "code": { "scheme": "other:code", "code": "B" } }), vec![]),
        ("communities", json!({ "populationAtLeast": 901 }), vec!["cedar"]),
        ("communities", json!({ "populationAtMost": 900 }), vec!["birch"]),
        ("communities", json!({ "text": "frene" }), vec!["ash"]),
        (
            "communities",
            json!({ "text": "place", "country": "CA", "populationAtLeast": 900, "kinds": ["REGION"] }),
            vec!["cedar"],
        ),
        ("initiatives", json!({ "community": id("ash") }), vec!["pantry", "shelter"]),
        ("initiatives", json!({ "network": id("north") }), vec!["shelter"]),
        ("initiatives", json!({ "partner": id("grocer") }), vec!["pantry"]),
        ("initiatives", json!({ "issues": ["POVERTY"] }), vec!["pantry"]),
        ("initiatives", json!({ "statuses": ["ACTIVE", "CLOSED"] }), vec!["shelter"]),
        ("initiatives", json!({ "phases": ["ASSESS_READINESS"] }), vec!["pantry"]),
        ("initiatives", json!({ "text": "assiettes" }), vec!["pantry"]),
        ("partners", json!({ "sectors": ["HEALTH"] }), vec!["church"]),
        ("partners", json!({ "initiative": id("pantry") }), vec!["grocer"]),
        ("partners", json!({ "community": id("ash") }), vec!["church", "grocer"]),
        ("partners", json!({ "network": id("south") }), vec!["grocer"]),
        ("partners", json!({ "network": id("north") }), vec!["church", "grocer"]),
        ("partners", json!({ "text": "epicerie" }), vec!["grocer"]),
        ("participations", json!({ "initiative": id("shelter") }), vec!["church"]),
        ("participations", json!({ "partner": id("grocer") }), vec!["grocer"]),
        ("participations", json!({ "rings": ["PERIPHERAL", "INVOLVED"] }), vec!["grocer"]),
        ("indicators", json!({ "kinds": ["PERFORMANCE_HOW_MUCH"] }), vec!["meals"]),
        ("indicators", json!({ "issues": ["HOMELESSNESS"] }), vec!["rent"]),
        ("indicators", json!({ "network": id("south") }), vec!["meals"]),
        ("indicators", json!({ "text": "loyers" }), vec!["rent"]),
        ("learnings", json!({ "community": id("birch") }), vec!["soup"]),
        ("learnings", json!({ "initiative": id("shelter") }), vec!["keys"]),
        ("learnings", json!({ "network": id("north") }), vec!["keys"]),
        ("learnings", json!({ "indicator": id("meals") }), vec!["soup"]),
        ("learnings", json!({ "issues": ["POVERTY", "CLIMATE"] }), vec!["soup"]),
        ("learnings", json!({ "kinds": ["WORKED"] }), vec!["keys"]),
        ("learnings", json!({ "evidenceStages": ["LEADING"] }), vec!["soup"]),
        ("learnings", json!({ "statuses": ["SHARED"] }), vec!["keys"]),
        ("learnings", json!({ "language": "fr-CA" }), vec!["soup"]),
        ("learnings", json!({ "language": "fr" }), vec!["soup"]),
        ("learnings", json!({ "language": "fr-FR" }), vec![]),
        ("learnings", json!({ "language": "en" }), vec!["keys"]),
        ("learnings", json!({ "text": "reunit" }), vec!["soup"]),
    ]
}

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    let app = App::start().await;
    let ids = world(&app).await;
    let mut asked: BTreeSet<(&str, String)> = BTreeSet::new();
    for (list, filter, expected) in cases(&ids) {
        let (_, input) = LISTS.iter().find(|(name, _)| *name == list).unwrap();
        asked.extend(filter.as_object().unwrap().keys().map(|field| (*input, field.clone())));
        let (mut found, count) = ask(&app, list, input, &filter).await;
        found.sort_unstable();
        assert_eq!(found, expected, "{list} where {filter}");
        assert_eq!(count, expected.len() as u64, "{list} where {filter}: the count");
    }
    // Of a filter added later, a case is added too; what is archived has tests of its own.
    for (_, input) in LISTS {
        for field in fields_of(input) {
            assert!(
                field == "includeArchived" || asked.contains(&(input, field.clone())),
                "no case asks for {input}.{field}"
            );
        }
    }
}

/// The keys of what is found, and how many are counted. Participations are listed for each initiative, and known by their
/// partner.
async fn ask(app: &App, list: &str, input: &str, filter: &Value) -> (Vec<String>, u64) {
    let (inner, root) = match list {
        "participations" => ("partner { key: slug }", "initiatives { nodes { LIST } }"),
        "indicators" => ("key: code", "LIST"),
        _ => ("key: slug", "LIST"),
    };
    let list_of = format!("{list}(filter: $f) {{ totalCount nodes {{ {inner} }} }}");
    let query = format!("query($f: {input}) {{ {} }}", root.replace("LIST", &list_of));
    let data = app.admin.data(&query, json!({ "f": filter })).await;
    let parents = data["initiatives"]["nodes"].as_array().filter(|_| list == "participations");
    let connections =
        parents.map_or_else(|| vec![&data[list]], |parents| parents.iter().map(|parent| &parent[list]).collect());
    let (mut found, mut count) = (Vec::new(), 0);
    for connection in connections {
        count += connection["totalCount"].as_u64().unwrap();
        for node in connection["nodes"].as_array().unwrap() {
            let key = node.get("partner").unwrap_or(node)["key"].as_str().unwrap();
            found.push(key.to_owned());
        }
    }
    (found, count)
}

/// The fields of an input, by the schema.
fn fields_of(input: &str) -> Vec<String> {
    let schema = include_str!("../../schema.graphql");
    let (_, body) = schema.split_once(&format!("\ninput {input} {{\n")).unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    // Descriptions stand between marks on lines of their own: every other part is outside them.
    let outside = body.split("\"\"\"").step_by(2);
    outside.flat_map(str::lines).filter_map(|line| Some(line.trim().split_once(':')?.0.to_owned())).collect()
}
