//! What readers are told that they may do, beside what they may do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    cast::{Cast, ROLES},
    matrix::{fields, let_through},
};

/// A type, one of its records, the field that says whether something may be done, the change that does it, and its input.
type Told = (&'static str, &'static str, &'static str, &'static str, Value);

/// What is told of single records. Updates and archivings of a version that nobody saw are let through to where that is noticed.
fn told() -> Vec<Told> {
    let stale = |id: &str| json!({ "id": format!("@{id}"), "version": 999 });
    let mut all: Vec<Told> = Vec::new();
    for (ty, id, noun, update) in [
        ("Network", "net", "network", true),
        ("Membership", "membership", "membership", true),
        ("Community", "here", "community", true),
        ("Initiative", "initiative", "initiative", true),
        ("Partner", "partner", "partner", true),
        ("Participation", "participation", "participation", true),
        ("Learning", "draft", "learning", true),
        ("Learning", "shared", "learning", true),
        ("Indicator", "indicator", "indicator", true),
        ("IndicatorVersion", "version", "indicatorVersion", true),
        ("Source", "source", "source", true),
        ("Mapping", "mapping", "mapping", true),
        ("Baseline", "baseline", "baseline", true),
        ("SharingRule", "rule", "sharingRule", true),
        ("QualityRule", "quality-rule", "qualityRule", true),
        ("QualityRule", "net-quality-rule", "qualityRule", true),
        ("SeriesBreak", "break", "seriesBreak", true),
        ("Account", "account", "account", true),
        ("Target", "target", "target", false),
        ("Target", "net-target", "target", false),
        ("AuthorityDecision", "decision", "authorityDecision", false),
        ("ApiToken", "token", "apiToken", false),
        ("Grant", "grant", "grant", false),
    ] {
        if update {
            all.push((ty, id, "viewerCanUpdate", format!("{noun}Update").leak(), stale(id)));
        }
        all.push((ty, id, "viewerCanArchive", format!("{noun}Archive").leak(), stale(id)));
    }
    let name = json!({ "sourceLanguage": "en", "translations": [{ "language": "en", "text": "N" }] });
    all.extend([
        (
            "Network",
            "net",
            "viewerCanAddMembers",
            "membershipCreate",
            json!({ "network": "@net", "community": "@here", "joinedOn": "2020-01-01" }),
        ),
        (
            "Community",
            "here",
            "viewerCanRecordFigures",
            "observationRecord",
            json!({ "community": "@here", "indicatorVersion": "@version",
            "source": "@source", "period": "2020", "value": 30.0 }),
        ),
        (
            "Community",
            "here",
            "viewerCanPublishFigures",
            "observationsValidate",
            json!({ "filter": { "community": "@here" } }),
        ),
        ("PendingObservation", "pending", "viewerCanDecide", "observationsValidate", json!({ "ids": ["@pending"] })),
        (
            "Community",
            "here",
            "viewerCanContribute",
            "initiativeCreate",
            json!({ "slug": "i", "community": "@here", "name": name, "issue": "YOUTH",
            "startsOn": "nothing" }),
        ),
        (
            "Community",
            "here",
            "viewerCanShare",
            "sharingRuleCreate",
            json!({ "community": "@here", "indicator": "@indicator", "visibility": "PUBLIC" }),
        ),
        (
            "PeriodLock",
            "lock",
            "viewerCanLift",
            "periodLockLift",
            json!({ "id": "@lock", "version": 999, "reason": name }),
        ),
        (
            "PeriodLock",
            "net-lock",
            "viewerCanLift",
            "periodLockLift",
            json!({ "id": "@net-lock", "version": 999, "reason": name }),
        ),
        ("Community", "nation", "viewerCanDecide", "authorityDecisionArchive", stale("decision")),
        ("ImportJob", "job", "viewerCanCancel", "importJobCancel", json!({ "id": "@job" })),
    ]);
    all
}

#[tokio::test]
async fn readers_are_told_that_they_may_do_what_they_may_do() {
    let cast = Cast::assemble().await;
    let mut known = BTreeSet::new();
    let mut wrong = Vec::new();
    for (ty, id, field, change, input) in told() {
        known.insert((ty, field.to_owned()));
        // The input of this one is made by the table of changes, where it is right.
        let input = if change == "initiativeCreate" { cast.input("initiative") } else { cast.filled(input) };
        for role in ROLES {
            let client = &cast.people[role];
            let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {ty} {{ {field} }} }} }}");
            let seen = client.data(&query, json!({ "id": cast.id(id) })).await;
            // What they do not see they are told nothing of.
            let Some(may) = seen["node"][field].as_bool() else { continue };
            if may != let_through(client, change, &input).await {
                wrong.push(format!("{ty}.{field} of {id}: {role} is told {may}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let sdl = api::graphql::schema::sdl();
    for ty in sdl.lines().filter_map(|line| line.strip_prefix("type ")?.strip_suffix(" implements Node {")) {
        for field in fields(ty).into_iter().filter(|field| field.starts_with("viewerCan")) {
            assert!(known.contains(&(ty, field.clone())), "{ty}.{field} is not in this table");
        }
    }
}

#[tokio::test]
async fn readers_are_told_what_they_may_make() {
    let cast = Cast::assemble().await;
    let made = [
        ("canCreateNetworks", "networkCreate"),
        ("canCreateCommunities", "communityCreate"),
        ("canCreateIndicators", "indicatorCreate"),
        ("canCreatePartners", "partnerCreate"),
        ("canCreateSources", "sourceCreate"),
        ("canCreateMappings", "mappingCreate"),
    ];
    let told: BTreeSet<String> = fields("Viewer").into_iter().filter(|field| field.starts_with("can")).collect();
    let known: BTreeSet<String> =
        made.iter().map(|(field, _)| (*field).to_owned()).chain(["canImport".to_owned()]).collect();
    assert_eq!(told, known);
    for role in ROLES {
        let client = &cast.people[role];
        for (field, change) in made {
            let seen = client.data(&format!("{{ viewer {{ {field} }} }}"), json!({})).await;
            let through = let_through(client, change, &cast.change(change)).await;
            assert_eq!(seen["viewer"][field], through, "{field}: {role}");
        }
        let seen = client.data("{ viewer { canImport } }", json!({})).await;
        let answer = client.post_to("/imports?format=tidy&network=net&source=none").body("x").send().await.unwrap();
        let refused = [401, 403].contains(&answer.status().as_u16());
        assert_eq!(seen["viewer"]["canImport"], !refused, "{role}");
    }
}
