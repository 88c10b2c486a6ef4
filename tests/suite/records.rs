//! Creating, changing and archiving every kind of record.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::codes,
    fixture::{english, merge, text},
};

/// Everything a record goes through, the same for every kind.
async fn lives(app: &App, noun: &str, create: Value, change: Value, check: (&str, Value)) -> String {
    let select = format!("id version {} archivedAt", check.0);
    let created = app.admin.change(&format!("{noun}Create"), create, noun, &select).await;
    assert_eq!((&created["version"], &created["archivedAt"]), (&json!(1), &Value::Null));
    let id = created["id"].as_str().unwrap().to_owned();

    let mut input = json!({ "id": id, "version": 1 });
    merge(&mut input, change.clone());
    let update = format!("{noun}Update");
    let changed = app.admin.change(&update, input.clone(), noun, &select).await;
    assert_eq!(changed["version"], 2);
    let field = check.0.split([' ', '(', '{']).next().unwrap();
    assert_eq!(changed[field], check.1);
    // Whoever saw the first version only is told, and changes nothing.
    let stale = app.admin.refusal(&update, input, noun).await;
    assert_eq!(codes(&stale), [("input.version".to_owned(), "STALE_VERSION".to_owned())]);
    // The same change of the present version changes nothing either.
    let mut again = json!({ "id": id, "version": 2 });
    merge(&mut again, change);
    assert_eq!(app.admin.change(&update, again, noun, "version").await["version"], 2);

    let archive = json!({ "id": id, "version": 2 });
    let archived = app.admin.change(&format!("{noun}Archive"), archive, noun, "version archivedAt").await;
    assert_eq!(archived["version"], 3);
    assert!(archived["archivedAt"].is_string());
    let refused = app.admin.refusal(&update, json!({ "id": id, "version": 3 }), noun).await;
    assert_eq!(codes(&refused), [("input.id".to_owned(), "ARCHIVED".to_owned())]);
    let restore = json!({ "id": id, "version": 3, "archived": false });
    let restored = app.admin.change(&format!("{noun}Archive"), restore, noun, "version archivedAt").await;
    assert_eq!(restored, json!({ "version": 4, "archivedAt": null }));
    id
}

#[tokio::test]
async fn every_kind_of_record_is_created_changed_and_archived() {
    let app = App::start().await;
    let named = |name: &str| json!({ "name": english(name) });
    let name = ("name { text }", json!({ "text": "Other" }));
    lives(&app, "source", json!({ "key": "s", "name": english("S") }), named("Other"), name.clone()).await;
    let indicator = lives(
        &app,
        "indicator",
        json!({ "code": "i-1", "kind": "POPULATION", "name": english("I") }),
        named("Other"),
        name.clone(),
    )
    .await;
    let network = lives(
        &app,
        "network",
        json!({ "slug": "n", "name": english("N"), "startsOn": "2020-01-01", "indicators": [indicator] }),
        json!({ "purpose": text("Why", "Pourquoi") }),
        ("purpose(locale: \"fr\") { text language }", json!({ "text": "Pourquoi", "language": "fr" })),
    )
    .await;
    let community = lives(
        &app,
        "community",
        json!({ "slug": "c", "name": english("C"), "kind": "MUNICIPALITY", "country": "CA", "subdivision": "CA-MB",
            "codes": [{ "scheme": "statcan:SGC", "code": "4611040" }], "aliases": ["See"] }),
        json!({ "subdivision": null }),
        ("subdivision", Value::Null),
    )
    .await;
    lives(
        &app,
        "membership",
        json!({ "network": network, "community": community, "joinedOn": "2020-01-01" }),
        json!({ "leftOn": "2024-06-30" }),
        ("leftOn", json!("2024-06-30")),
    )
    .await;
    let partner = lives(
        &app,
        "partner",
        json!({ "slug": "p", "name": english("P"), "sector": "NONPROFIT", "url": "https://example.org/" }),
        json!({ "sector": "HEALTH" }),
        ("sector", json!("HEALTH")),
    )
    .await;
    let initiative = lives(
        &app,
        "initiative",
        json!({ "slug": "i", "community": community, "issue": "POVERTY", "title": english("I"), "startedOn": "2020-01-01",
            "status": "PROPOSED", "phases": [{ "phase": "ASSESS_READINESS", "startedOn": "2020-01-01" }] }),
        json!({ "status": "ACTIVE" }),
        ("status", json!("ACTIVE")),
    )
    .await;
    lives(
        &app,
        "participation",
        json!({ "initiative": initiative, "partner": partner, "role": english("Host"), "ring": "CORE", "joinedOn": "2020-01-01" }),
        json!({ "expertise": "CONTEXT_EXPERT", "collaborationCurrent": "COOPERATE" }),
        ("expertise", json!("CONTEXT_EXPERT")),
    )
    .await;
    lives(
        &app,
        "learning",
        json!({ "slug": "l", "community": community, "initiative": initiative, "author": "A", "kind": "WORKED", "issue": "POVERTY",
            "title": english("L"), "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING",
            "visibility": "PUBLIC", "indicators": [indicator] }),
        json!({ "status": "SHARED" }),
        ("status", json!("SHARED")),
    )
    .await;
}

#[tokio::test]
async fn with_whom_a_learning_is_shared_is_read_as_it_was_written() {
    let app = App::start().await;
    let (own, named) = (app.community("own").await, app.community("named").await);
    let input = json!({ "slug": "l", "community": own, "author": "A", "kind": "WORKED", "issue": "POVERTY", "title": english("L"),
        "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING",
        "visibility": "NAMED_COMMUNITIES", "namedCommunities": [named] });
    let created = app.admin.change("learningCreate", input, "learning", "id namedCommunities { slug }").await;
    assert_eq!(created["namedCommunities"], json!([{ "slug": "named" }]));
    let opened = json!({ "id": created["id"], "version": 1, "visibility": "PUBLIC", "namedCommunities": [] });
    let opened = app.admin.change("learningUpdate", opened, "learning", "namedCommunities { slug }").await;
    assert_eq!(opened["namedCommunities"], json!([]));
}

#[tokio::test]
async fn a_key_belongs_to_one_record() {
    let app = App::start().await;
    let network = app.network("net").await;
    let input = json!({ "slug": "net", "name": english("Another"), "startsOn": "2020-01-01" });
    let errors = app.admin.refusal("networkCreate", input, "network").await;
    assert_eq!(codes(&errors), [("input.slug".to_owned(), "TAKEN".to_owned())]);
    let other = app.network("other").await;
    let errors =
        app.admin.refusal("networkUpdate", json!({ "id": other, "version": 1, "slug": "net" }), "network").await;
    assert_eq!(codes(&errors), [("input.slug".to_owned(), "TAKEN".to_owned())]);

    let codes_of = |slug: &str| {
        json!({ "slug": slug, "name": english("C"), "kind": "OTHER", "country": "CA",
        "codes": [{ "scheme": "statcan:SGC", "code": "1" }] })
    };
    let first = app.create("community", codes_of("c")).await;
    let errors = app.admin.refusal("communityCreate", codes_of("d"), "community").await;
    assert_eq!(codes(&errors), [("input.codes".to_owned(), "TAKEN".to_owned())]);
    // A code that is given up can be taken.
    app.admin.change("communityUpdate", json!({ "id": first, "version": 1, "codes": [] }), "community", "id").await;
    app.create("community", codes_of("d")).await;

    let join = |on: &str| json!({ "network": network, "community": first, "joinedOn": on });
    let membership = app.create("membership", join("2020-01-01")).await;
    let errors = app.admin.refusal("membershipCreate", join("2021-01-01"), "membership").await;
    assert_eq!(codes(&errors), [("input.joinedOn".to_owned(), "OVERLAP".to_owned())]);
    // One that was archived makes room, and cannot come back into a place that is taken.
    app.admin.change("membershipArchive", json!({ "id": membership, "version": 1 }), "membership", "id").await;
    app.create("membership", join("2021-01-01")).await;
    let back = json!({ "id": membership, "version": 2, "archived": false });
    let errors = app.admin.refusal("membershipArchive", back, "membership").await;
    assert_eq!(codes(&errors), [("input.joinedOn".to_owned(), "OVERLAP".to_owned())]);
}

#[tokio::test]
async fn every_broken_rule_is_named_at_once() {
    let app = App::start().await;
    let input = json!({
        "slug": "c", "name": english(&"x".repeat(201)), "kind": "MUNICIPALITY", "country": "CA", "subdivision": "US-NY",
        "coordinates": { "latitude": 91.0, "longitude": 181.0 }, "timezone": "America/Atlantis", "aliases": ["fine", " "],
        "populations": [{ "asOf": "2020-01-01", "persons": -1 }],
    });
    let errors = app.admin.refusal("communityCreate", input, "community").await;
    let paths: Vec<_> = codes(&errors).into_iter().map(|(path, _)| path).collect();
    let expected = [
        "name",
        "subdivision",
        "coordinates.latitude",
        "coordinates.longitude",
        "timezone",
        "aliases.1",
        "populations.0.persons",
    ];
    assert_eq!(paths, expected.map(|path| format!("input.{path}")));
    assert_eq!(app.anonymous.data("{ communities { totalCount } }", json!({})).await["communities"]["totalCount"], 0);
}

#[tokio::test]
async fn what_is_referred_to_must_exist() {
    let app = App::start().await;
    let network = app.network("net").await;
    let ghost = "Q29tbXVuaXR5OgAAAAAAAAAAAAAAAAAAAAA";
    let input = json!({ "network": network, "community": ghost, "joinedOn": "2020-01-01" });
    let errors = app.admin.refusal("membershipCreate", input, "membership").await;
    assert_eq!(codes(&errors), [("input.community".to_owned(), "NOT_FOUND".to_owned())]);
    let errors = app.admin.refusal("communityUpdate", json!({ "id": ghost, "version": 1 }), "community").await;
    assert_eq!(codes(&errors), [("input.id".to_owned(), "NOT_FOUND".to_owned())]);
}

#[tokio::test]
async fn lives_follow_their_course() {
    let app = App::start().await;
    let community = app.community("c").await;
    let phases = |phases: Value| {
        json!({ "slug": "i", "community": community, "issue": "YOUTH_TRANSITION", "title": english("I"),
        "startedOn": "2020-01-01", "status": "CLOSED", "phases": phases })
    };
    let overlapping = phases(json!([
        { "phase": "ASSESS_READINESS", "startedOn": "2020-01-01", "endedOn": "2021-01-01" },
        { "phase": "INITIATE_ACTION", "startedOn": "2020-06-01" },
    ]));
    let errors = app.admin.refusal("initiativeCreate", overlapping, "initiative").await;
    assert_eq!(codes(&errors), [("input.phases.1.startedOn".to_owned(), "OVERLAP".to_owned())]);
    let open = phases(json!([{ "phase": "ASSESS_READINESS", "startedOn": "2020-01-01", "endedOn": "2021-01-01" }]));
    let errors = app.admin.refusal("initiativeCreate", open, "initiative").await;
    assert_eq!(codes(&errors), [("input.phases".to_owned(), "INVALID".to_owned())]);
    // Going back is part of the way.
    let back = phases(json!([
        { "phase": "INITIATE_ACTION", "startedOn": "2020-01-01", "endedOn": "2021-01-01" },
        { "phase": "ASSESS_READINESS", "startedOn": "2021-01-01" },
    ]));
    let closed = app.create("initiative", back).await;
    let errors = app
        .admin
        .refusal("initiativeUpdate", json!({ "id": closed, "version": 1, "status": "ACTIVE" }), "initiative")
        .await;
    assert_eq!(codes(&errors), [("input.status".to_owned(), "CONFLICT".to_owned())]);

    let draft = app
        .create(
            "learning",
            json!({ "slug": "l", "community": community, "author": "A", "kind": "WORKED", "issue": "OTHER", "title": english("L"),
                "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING", "visibility": "PUBLIC" }),
        )
        .await;
    let errors = app
        .admin
        .refusal("learningUpdate", json!({ "id": draft, "version": 1, "status": "EVALUATED" }), "learning")
        .await;
    assert_eq!(codes(&errors), [("input.status".to_owned(), "CONFLICT".to_owned())]);
}

#[tokio::test]
async fn two_changes_of_one_version_leave_one() {
    let app = App::start().await;
    let network = app.network("net").await;
    let change = |name: String| {
        let (admin, network) = (app.admin.clone(), network.clone());
        async move {
            let query = "mutation($input: NetworkUpdateInput!) { networkUpdate(input: $input) { network { version } userErrors { code } } }";
            let input = json!({ "id": network, "version": 1, "name": english(&name) });
            admin.data(query, json!({ "input": input })).await["networkUpdate"].take()
        }
    };
    let answers = futures_util::future::join_all((0..16).map(|n| change(format!("Name {n}")))).await;
    let won = answers.iter().filter(|answer| answer["network"]["version"] == 2).count();
    let lost = answers.iter().filter(|answer| answer["userErrors"][0]["code"] == "STALE_VERSION").count();
    assert_eq!((won, lost), (1, 15), "{answers:#?}");
}

/// Invariant 5: a definition changes as long as no figure stands under it, and never after.
#[tokio::test]
async fn a_definition_changes_until_a_figure_is_recorded_under_it() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let change = |version: i32, decimals: i32| json!({ "id": world.version, "version": version, "decimals": decimals });
    let changed =
        app.admin.change("indicatorVersionUpdate", change(1, 2), "indicatorVersion", "decimals number version").await;
    assert_eq!(changed, json!({ "decimals": 2, "number": 1, "version": 2 }));
    app.record(&world, &community, "2020", json!({ "value": 30.0 })).await;
    let refused = app.admin.refusal("indicatorVersionUpdate", change(2, 3), "indicatorVersion").await;
    assert_eq!((&refused[0]["code"], &refused[0]["path"]), (&json!("IMMUTABLE"), &json!(["input", "id"])));
    // Out of force and back again, it is still the same definition.
    for (version, archived) in [(2, true), (3, false)] {
        let input = json!({ "id": world.version, "version": version, "archived": archived });
        app.admin.change("indicatorVersionArchive", input, "indicatorVersion", "decimals").await;
    }
}

#[tokio::test]
async fn a_definition_that_changes_must_still_make_sense_and_a_missing_figure_holds_it_too() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "c").await;
    let update = |changes: Value| {
        let mut input = json!({ "id": world.version });
        merge(&mut input, changes);
        input
    };
    let ratio = update(json!({ "version": 1, "measure": "RATE", "unit": english("per 1 000"), "polarity": "NEUTRAL",
        "minimum": -5.0, "maximum": 1000.0, "numerator": english("cases"), "denominator": english("persons"),
        "multiplier": 1000.0, "frequency": "MONTH", "additivity": "RATIO_OF_SUMS", "effectiveFrom": "2016-02-29" }));
    let select =
        "number measure unit { text } polarity minimum maximum numerator { text } denominator { text } multiplier
        frequency additivity effectiveFrom currency decimals";
    let changed = app.admin.change("indicatorVersionUpdate", ratio, "indicatorVersion", select).await;
    assert_eq!(
        changed,
        json!({ "number": 1, "measure": "RATE", "unit": { "text": "per 1 000" }, "polarity": "NEUTRAL", "minimum": -5.0,
            "maximum": 1000.0, "numerator": { "text": "cases" }, "denominator": { "text": "persons" }, "multiplier": 1000.0,
            "frequency": "MONTH", "additivity": "RATIO_OF_SUMS", "effectiveFrom": "2016-02-29", "currency": null,
            "decimals": 1 })
    );
    for (changes, path, code) in [
        (json!({ "denominator": null }), "input.additivity", "INVALID"),
        (json!({ "maximum": -6.0 }), "input.maximum", "OUT_OF_RANGE"),
        (json!({ "currency": "CAD" }), "input.currency", "INVALID"),
        (json!({ "version": 1, "decimals": 0 }), "input.version", "STALE_VERSION"),
    ] {
        let mut input = update(json!({ "version": 2 }));
        merge(&mut input, changes);
        let refused = app.admin.refusal("indicatorVersionUpdate", input, "indicatorVersion").await;
        assert_eq!(codes(&refused), [(path.to_owned(), code.to_owned())]);
    }
    let plain = update(json!({ "version": 2, "additivity": "NONE", "denominator": null, "minimum": null }));
    let changed =
        app.admin.change("indicatorVersionUpdate", plain, "indicatorVersion", "denominator { text } minimum").await;
    assert_eq!(changed, json!({ "denominator": null, "minimum": null }));

    // Even to have said that there is no figure is to have used the definition; another one is still free.
    let other = app.version(&world.indicator, json!({})).await;
    app.record(&world, &community, "2020-01", json!({ "status": "MISSING" })).await;
    let again = update(json!({ "version": 3, "unit": english("%") }));
    let refused = app.admin.refusal("indicatorVersionUpdate", again, "indicatorVersion").await;
    assert_eq!(codes(&refused), [("input.id".to_owned(), "IMMUTABLE".to_owned())]);
    assert!(refused[0]["message"].as_str().unwrap().contains("add another version"));
    let same = update(json!({ "version": 3, "decimals": 1 }));
    assert_eq!(app.admin.change("indicatorVersionUpdate", same, "indicatorVersion", "version").await["version"], 3);
    // Which way is good can be said once, and alone: an imported indicator comes without.
    for (way, decimals, version, allowed) in [
        ("LOWER_IS_BETTER", 2, 3, false),
        ("LOWER_IS_BETTER", 1, 3, true),
        ("HIGHER_IS_BETTER", 1, 4, false),
        ("NEUTRAL", 1, 4, false),
    ] {
        let says = update(json!({ "version": version, "polarity": way, "decimals": decimals }));
        if allowed {
            let said = app.admin.change("indicatorVersionUpdate", says, "indicatorVersion", "polarity version").await;
            assert_eq!(said, json!({ "polarity": way, "version": 4 }));
        } else {
            let refused = app.admin.refusal("indicatorVersionUpdate", says, "indicatorVersion").await;
            assert_eq!(codes(&refused), [("input.id".to_owned(), "IMMUTABLE".to_owned())], "{way}");
        }
    }
    let free = json!({ "id": other, "version": 1, "decimals": 3 });
    app.admin.change("indicatorVersionUpdate", free, "indicatorVersion", "id").await;
}

/// Changes of one request run one after the other: each answers what is so after it.
#[tokio::test]
async fn a_change_answers_nothing_that_one_before_it_has_read() {
    let app = App::start().await;
    let world = app.world().await;
    let community = app.member(&world.network, "here").await;
    let query = "mutation($a: ObservationRecordInput!, $b: ObservationRecordInput!) {
        a: observationRecord(input: $a) { ...told } b: observationRecord(input: $b) { ...told } }
        fragment told on ObservationPayload { observation { series { latest { value }
            observations { totalCount nodes { revisions { value } } } } } userErrors { code } }";
    let figure = |value: f64| json!({ "community": community, "indicatorVersion": world.version, "source": world.source, "period": "2020", "value": value });
    let data = app.admin.data(query, json!({ "a": figure(10.0), "b": figure(11.0) })).await;
    let latest = |name: &str| data[name]["observation"]["series"]["latest"]["value"].clone();
    assert_eq!((latest("a"), latest("b")), (json!(10.0), json!(11.0)), "{data:#}");
    let revisions = &data["b"]["observation"]["series"]["observations"]["nodes"][0]["revisions"];
    assert_eq!(revisions.as_array().unwrap().len(), 2, "{data:#}");
}

/// Who takes part in an initiative is a partner of every community that it is one of, as long as there is that initiative.
#[tokio::test]
async fn partners_of_a_community_are_those_of_all_its_initiatives() {
    let app = App::start().await;
    let (lead, joined) = (app.community("lead").await, app.community("joined").await);
    let partner = app.create("partner", json!({ "slug": "p", "name": english("P"), "sector": "NONPROFIT" })).await;
    let initiative = app
        .create(
            "initiative",
            json!({ "slug": "i", "community": lead, "otherCommunities": [joined], "issue": "POVERTY", "title": english("I"),
                "startedOn": "2020-01-01", "status": "ACTIVE", "phases": [{ "phase": "INITIATE_ACTION", "startedOn": "2020-01-01" }] }),
        )
        .await;
    let participation = json!({ "initiative": initiative, "partner": partner, "role": english("R"), "ring": "CORE", "joinedOn": "2020-01-01" });
    app.create("participation", participation).await;
    let partners = async |community: &str| {
        let query = "query($c: ID!) { node(id: $c) { ... on Community { partners { totalCount nodes { slug } } } }
            partners(filter: { community: $c }) { totalCount nodes { slug } } }";
        let data = app.anonymous.data(query, json!({ "c": community })).await;
        assert_eq!(data["node"]["partners"], data["partners"]);
        data["partners"]["totalCount"].clone()
    };
    assert_eq!((partners(&lead).await, partners(&joined).await), (json!(1), json!(1)));
    app.admin.change("initiativeArchive", json!({ "id": initiative, "version": 1 }), "initiative", "id").await;
    assert_eq!((partners(&lead).await, partners(&joined).await), (json!(0), json!(0)));
}
