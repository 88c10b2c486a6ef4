//! Who may change and read what: one table for every change and one for every type, checked against the schema, so that neither
//! can be added without saying here whom it is for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    cast::{Cast, ROLES},
    client::Client,
    fixture::english,
    mappings::content,
};

/// Changes that are for everybody or about oneself; they have tests of their own.
const ONESELF: [&str; 9] = [
    "signIn",
    "sessionRefresh",
    "signOut",
    "passwordChange",
    "invitationCreate",
    "invitationAccept",
    "invitationWithdraw",
    "recoveryCreate",
    "recoveryUse",
];

/// A change, an input, and who may make it.
pub type Row = (&'static str, Value, Vec<&'static str>);

/// A noun, one of its records, and who may update and archive it.
type Stale<'a> = (&'a str, &'a str, Vec<&'static str>, Option<Vec<&'static str>>);

/// Every change with an input that nothing but a missing right or something harmless stands against, and who may make it. Updates
/// and archivings name a version that is stale: whoever learns of that was let through.
pub fn changes(cast: &Cast) -> Vec<Row> {
    let (stewards, coordinators) = (["steward", "other-steward"], ["coordinator", "other-coordinator"]);
    let answering = [&stewards[..], &coordinators].concat();
    let writing = [&answering[..], &["contributor"]].concat();
    let mut rows: Vec<Row> = Vec::new();
    for (_, noun, input, allowed) in cast.inputs() {
        let name = match noun {
            "initiative" => "initiativeCreate",
            "participation" => "participationCreate",
            "learning" => "learningCreate",
            "baseline" => "baselineCreate",
            "target" => "targetSet",
            "sharingRule" => "sharingRuleCreate",
            "qualityRule" => "qualityRuleCreate",
            "periodLock" => "periodLockCreate",
            "seriesBreak" => "seriesBreakCreate",
            _ => "authorityDecisionCreate",
        };
        rows.push((name, input, allowed.to_vec()));
    }
    let name = english("N");
    let waiting = json!({ "community": "@here", "states": ["RECEIVED", "VALIDATED", "DECLINED"] });
    rows.extend([
        ("networkCreate", json!({ "slug": "net", "name": name, "startsOn": "2020-01-01" }), vec!["administrator"]),
        ("membershipCreate", json!({ "network": "@net", "community": "@here", "joinedOn": "2020-01-01" }), vec!["coordinator"]),
        ("communityCreate", json!({ "slug": "here", "name": name, "kind": "OTHER", "country": "CA" }), [&coordinators[..], &["administrator"]].concat()),
        ("partnerCreate", json!({ "slug": "p", "name": name, "sector": "OTHER" }), writing.clone()),
        ("indicatorCreate", json!({ "code": "rate", "kind": "POPULATION", "name": name }), coordinators.to_vec()),
        ("indicatorVersionCreate", json!({ "indicator": "@indicator", "measure": "PERCENTAGE", "unit": english("%"),
            "polarity": "LOWER_IS_BETTER", "frequency": "YEAR", "additivity": "NONE", "effectiveFrom": "2999-01-01" }), vec!["coordinator"]),
        ("sourceCreate", json!({ "key": "survey", "name": name }), writing.clone()),
        ("sourceCreate", json!({ "key": "survey", "name": name, "disclosureControlled": true }), vec!["administrator"]),
        ("mappingCreate", json!({ "key": "office", "source": "@source", "content": content("rate") }), writing),
        ("observationRecord", json!({ "community": "@here", "indicatorVersion": "@version", "source": "@source", "period": "2020", "value": 30.0 }), vec!["contributor", "steward", "recording-token", "publishing-token"]),
        ("observationsPush", json!({ "rows": [{ "community": "@here", "indicatorVersion": "@version", "source": "@source", "period": "2020",
            "value": 30.0 }] }), vec!["contributor", "steward", "recording-token", "publishing-token"]),
        ("observationsValidate", json!({ "filter": waiting }), vec!["steward"]),
        ("observationsValidate", json!({ "ids": ["@pending"] }), vec!["steward"]),
        ("observationsDecline", json!({ "filter": waiting, "reason": "R" }), vec!["steward"]),
        ("observationsDecline", json!({ "ids": ["@pending"], "reason": "R" }), vec!["steward"]),
        ("observationsPublish", json!({ "filter": waiting }), vec!["steward"]),
        ("observationsRetract", json!({ "figures": [{ "series": "@series", "period": "2020" }], "reason": "ERROR", "mode": "BEST_EFFORT" }),
            vec!["steward"]),
        ("periodLockLift", json!({ "id": "@lock", "version": 999, "reason": english("R") }), vec!["steward"]),
        ("periodLockLift", json!({ "id": "@net-lock", "version": 999, "reason": english("R") }), vec!["coordinator"]),
        ("importJobCancel", json!({ "id": "@job" }), vec!["steward", "administrator"]),
        ("grantCreate", json!({ "account": "@account", "role": "FUNDER", "network": "@net" }), vec!["coordinator", "administrator"]),
        ("apiTokenCreate", json!({ "name": "T", "communities": ["@here"], "actions": ["READ"] }), vec!["steward"]),
    ]);
    let stale: [Stale; 23] = [
        ("network", "@net", vec!["coordinator"], Some(vec!["coordinator"])),
        ("membership", "@membership", vec!["coordinator", "steward"], Some(vec!["coordinator"])),
        ("community", "@here", vec!["steward"], Some(vec!["steward"])),
        ("initiative", "@initiative", vec!["contributor", "steward"], Some(vec!["contributor", "steward"])),
        (
            "partner",
            "@partner",
            [&answering[..], &["representative"]].concat(),
            Some([&answering[..], &["representative"]].concat()),
        ),
        (
            "participation",
            "@participation",
            vec!["contributor", "steward", "representative"],
            Some(vec!["contributor", "steward", "representative"]),
        ),
        ("learning", "@draft", vec!["contributor", "steward"], Some(vec!["contributor", "steward"])),
        ("learning", "@shared", vec!["steward"], Some(vec!["steward"])),
        ("indicator", "@indicator", vec!["coordinator"], Some(vec!["coordinator"])),
        ("indicatorVersion", "@version", vec!["coordinator"], Some(vec!["coordinator"])),
        ("source", "@source", [&answering[..], &["administrator"]].concat(), Some(answering.clone())),
        ("mapping", "@mapping", answering.clone(), Some(answering)),
        ("baseline", "@baseline", vec!["steward"], Some(vec!["steward"])),
        ("sharingRule", "@rule", vec!["steward"], Some(vec!["steward"])),
        ("qualityRule", "@quality-rule", vec!["steward"], Some(vec!["steward"])),
        ("qualityRule", "@net-quality-rule", vec!["coordinator"], Some(vec!["coordinator"])),
        ("seriesBreak", "@break", vec!["steward"], Some(vec!["steward"])),
        ("account", "@account", vec!["administrator"], Some(vec!["administrator"])),
        ("target", "@target", vec![], Some(vec!["steward"])),
        ("target", "@net-target", vec![], Some(vec!["coordinator"])),
        ("authorityDecision", "@decision", vec![], Some(vec!["authority"])),
        ("grant", "@grant", vec![], Some(vec!["coordinator", "administrator"])),
        ("apiToken", "@token", vec![], Some(vec!["steward", "administrator"])),
    ];
    for (noun, id, update, archive) in stale {
        let input = json!({ "id": id, "version": 999 });
        if !update.is_empty() {
            rows.push((format!("{noun}Update").leak(), input.clone(), update));
        }
        if let Some(archive) = archive {
            rows.push((format!("{noun}Archive").leak(), input, archive));
        }
    }
    rows
}

/// Whether somebody is let through to a change.
pub async fn let_through(client: &Client, name: &str, input: &Value) -> bool {
    let mut ty = name.to_owned();
    ty[..1].make_ascii_uppercase();
    let ty = if ty.ends_with("Archive") { "Archive".to_owned() } else { ty };
    // What is wrong with single rows of a push is said of them.
    let rows = match name {
        "observationsPush" | "observationsRetract" => "refusedRows: rejectedRows { code }",
        "observationsValidate" | "observationsPublish" | "observationsDecline" => "refusedRows { code }",
        _ => "",
    };
    let query =
        format!("mutation($input: {ty}Input!) {{ {name}(input: $input) {{ {rows} userErrors {{ code path }} }} }}");
    let (_, answer) = client.ask(&query, json!({ "input": input })).await;
    if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
        assert_eq!(code, "UNAUTHENTICATED", "{name}: {answer}");
        return false;
    }
    let errors = answer["data"][name]["userErrors"].as_array().unwrap_or_else(|| panic!("{name}: {answer}"));
    let of_rows = answer["data"][name]["refusedRows"].as_array().into_iter().flatten();
    !errors.iter().chain(of_rows).any(|error| ["FORBIDDEN", "NOT_FOUND"].contains(&error["code"].as_str().unwrap()))
}

/// The fields of a type in the printed schema.
pub fn fields(ty: &str) -> BTreeSet<String> {
    let sdl = api::graphql::schema::sdl();
    let document = async_graphql::parser::parse_schema(&sdl).unwrap();
    let mut found = BTreeSet::new();
    for definition in document.definitions {
        if let async_graphql::parser::types::TypeSystemDefinition::Type(definition) = definition
            && definition.node.name.node == ty
            && let async_graphql::parser::types::TypeKind::Object(object) = definition.node.kind
        {
            found.extend(object.fields.iter().map(|field| field.node.name.node.to_string()));
        }
    }
    found
}

#[tokio::test]
async fn every_change_is_for_those_it_is_for() {
    let cast = Cast::assemble().await;
    let rows = changes(&cast);
    let mut known: BTreeSet<String> = rows.iter().map(|(name, ..)| (*name).to_owned()).collect();
    known.extend(ONESELF.iter().map(|name| (*name).to_owned()));
    assert_eq!(known, fields("Mutation"), "a change that this table does not know");
    let mut wrong = Vec::new();
    for (name, input, allowed) in rows {
        let input = cast.filled(input);
        for role in ROLES {
            let through = let_through(&cast.people[role], name, &input).await;
            if through != allowed.contains(&role) {
                wrong.push(format!("{name} {input}: {role} {}", if through { "was let through" } else { "was not" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Who reads as the community's own people do.
pub const OWN: &[&str] = &["here-reader", "contributor", "steward", "reading-token"];

/// Every type that has a global id, one of its records, the list that it stands in, and who reads it; nothing if everybody does.
pub const READ: [(&str, &str, &str, Option<&[&str]>); 30] = [
    ("Network", "net", "networks", None),
    ("Membership", "membership", "", None),
    ("Community", "here", "communities", None),
    ("Initiative", "initiative", "initiatives", None),
    ("Partner", "partner", "partners", None),
    ("Participation", "participation", "", None),
    ("Indicator", "indicator", "indicators", None),
    ("IndicatorVersion", "version", "", None),
    ("Source", "source", "sources", None),
    ("Mapping", "mapping", "mappings", None),
    ("Learning", "shared", "learnings", None),
    ("Learning", "draft", "learnings", Some(&["contributor", "steward"])),
    ("Target", "net-target", "", None),
    // The community shares its figures with its own people alone.
    ("Target", "target", "", Some(OWN)),
    ("Series", "series", "", Some(OWN)),
    ("Observation", "observation", "", Some(OWN)),
    ("Baseline", "baseline", "", Some(OWN)),
    ("SharingRule", "rule", "sharingRules", Some(OWN)),
    ("QualityRule", "quality-rule", "qualityRules", Some(OWN)),
    ("QualityRule", "net-quality-rule", "qualityRules", None),
    ("PeriodLock", "lock", "periodLocks", Some(OWN)),
    ("PeriodLock", "net-lock", "periodLocks", None),
    ("SeriesBreak", "break", "seriesBreaks", Some(OWN)),
    ("AuthorityDecision", "decision", "authorityDecisions", Some(&["authority"])),
    ("Account", "account", "accounts", Some(&["coordinator", "administrator"])),
    ("Grant", "grant", "grants", Some(&["coordinator", "administrator"])),
    ("ApiToken", "token", "apiTokens", Some(&["steward", "administrator"])),
    ("PendingObservation", "pending", "pendingObservations", Some(&["contributor", "steward"])),
    ("ImportJob", "job", "importJobs", Some(&["steward", "administrator"])),
    ("AuditEntry", "entry", "auditEntries", Some(&["steward", "administrator"])),
];

#[tokio::test]
async fn every_type_is_read_by_those_it_is_for_and_is_not_there_for_others() {
    let cast = Cast::assemble().await;
    let sdl = api::graphql::schema::sdl();
    let implementors: BTreeSet<&str> =
        sdl.lines().filter_map(|line| line.strip_prefix("type ")?.strip_suffix(" implements Node {")).collect();
    assert_eq!(
        READ.iter().map(|row| row.0).collect::<BTreeSet<_>>(),
        implementors,
        "a type that this table does not know"
    );
    let lists: BTreeSet<String> = READ.iter().map(|row| row.2.to_owned()).filter(|list| !list.is_empty()).collect();
    let single = [
        "node",
        "nodes",
        "network",
        "community",
        "initiative",
        "partner",
        "indicator",
        "source",
        "mapping",
        "learning",
        "comparison",
        "viewer",
        "importJob",
        "changes",
    ];
    let known: BTreeSet<String> = lists.into_iter().chain(single.map(str::to_owned)).collect();
    assert_eq!(known, fields("Query"), "a query that this table does not know");
    let mut wrong = Vec::new();
    for (ty, name, list, readers) in READ {
        let id = cast.id(name);
        for role in ROLES {
            let client = &cast.people[role];
            let expected = readers.is_none_or(|readers| readers.contains(&role));
            let node = client.data("query($id: ID!) { node(id: $id) { __typename } }", json!({ "id": id })).await;
            if (node["node"]["__typename"] == ty) != expected {
                wrong.push(format!("{ty} {name} by its id: {role}"));
            }
            if !list.is_empty() {
                let (_, page) =
                    client.ask(&format!("{{ {list}(first: 100) {{ totalCount nodes {{ id }} }} }}"), json!({})).await;
                let page = &page["data"][list];
                let nodes = page["nodes"].as_array().cloned().unwrap_or_default();
                if nodes.iter().any(|node| node["id"] == id) != expected {
                    wrong.push(format!("{ty} {name} in {list}: {role}"));
                }
                assert!(
                    nodes.len() < 100 && page["totalCount"].as_u64().unwrap_or(0) == nodes.len() as u64,
                    "{list}: {role}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
