//! What programs read and write by their tokens: what those are for, and nothing else by any way.

use serde_json::{Value, json};

use crate::{
    app::App,
    client::Client,
    fixture::{World, english, merge},
    identity::text,
};

/// A program with a token for the community.
async fn program(app: &App, community: &str, changes: Value) -> Client {
    let mut input = json!({ "name": "Program", "communities": [community] });
    merge(&mut input, changes);
    let query =
        "mutation($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret userErrors { code } } }";
    let made = app.admin.data(query, json!({ "input": input })).await["apiTokenCreate"].take();
    Client::new(&app.url, Some(made["secret"].as_str().unwrap_or_else(|| panic!("{made}"))))
}

/// Two communities of a network, figures by two indicators in both, and a learning of each; all shared so far.
struct Place {
    app: App,
    world: World,
    second: World,
    here: String,
}

impl Place {
    async fn sharing(visibility: &str) -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let (indicator, version) = app.indicator("second", json!({})).await;
        let second = World { network: world.network.clone(), source: world.source.clone(), indicator, version };
        let consent = json!({ "purpose": english("Comparing"), "scope": english("All"), "grantedBy": "The council" });
        let mut communities = Vec::new();
        for slug in ["here", "there"] {
            let community = app.community(slug).await;
            let input = json!({ "network": world.network, "community": community, "joinedOn": "2015-01-01", "consent": consent });
            app.create("membership", input).await;
            for of in [&world, &second] {
                app.record(of, &community, "2020", json!({ "value": 20.0 })).await;
                app.record(of, &community, "2021", json!({ "value": 30.0, "confidentiality": "INTERNAL" })).await;
            }
            app.create("sharingRule", json!({ "community": community, "visibility": visibility })).await;
            let learning = json!({ "slug": slug, "community": community, "author": "A", "kind": "WORKED", "issue": "OTHER",
                "title": english(slug), "whatWeDid": english("This"), "whatHappened": english("That"), "evidenceStage": "EMERGING",
                "visibility": visibility, "status": "SHARED" });
            app.create("learning", learning).await;
            communities.push(community);
        }
        Self { app, world, second, here: communities.remove(0) }
    }
}

/// What somebody reads: figures by code of indicator and slug of community with their values, then learnings by slug, and how many
/// records that are for people of the community alone.
async fn read(client: &Client) -> (Vec<(String, String, Vec<f64>)>, Vec<String>, u64) {
    let query =
        "{ communities { nodes { slug series { nodes { indicator { code } observations { nodes { value } } } } } }
        learnings { nodes { slug } } sharingRules { totalCount }
        memberships: communities { nodes { memberships { nodes { consent { grantedBy } } } } } }";
    let data = client.data(query, json!({})).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value["nodes"].as_array().unwrap().clone();
    let mut figures = Vec::new();
    for community in list(&data["communities"]) {
        for series in list(&community["series"]) {
            let values = list(&series["observations"]).iter().map(|figure| figure["value"].as_f64().unwrap()).collect();
            figures.push((text(&series["indicator"]["code"]), text(&community["slug"]), values));
        }
    }
    figures.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let mut learnings: Vec<_> = list(&data["learnings"]).iter().map(|learning| text(&learning["slug"])).collect();
    learnings.sort();
    let consents = list(&data["memberships"])
        .iter()
        .flat_map(|of| list(&of["memberships"]))
        .filter(|m| m["consent"].is_object())
        .count();
    (figures, learnings, data["sharingRules"]["totalCount"].as_u64().unwrap() + consents as u64)
}

fn figures(all: &[(&str, &str, &[f64])]) -> Vec<(String, String, Vec<f64>)> {
    all.iter().map(|(code, slug, values)| ((*code).to_owned(), (*slug).to_owned(), values.to_vec())).collect()
}

const BOTH: &[f64] = &[20.0, 30.0];
const FREE: &[f64] = &[20.0];

#[tokio::test]
async fn a_token_for_some_indicators_reads_figures_by_those_alone() {
    for visibility in ["COMMUNITY", "NETWORK", "PUBLIC"] {
        let place = Place::sharing(visibility).await;
        let all = program(&place.app, &place.here, json!({ "actions": ["READ"] })).await;
        let limited = json!({ "actions": ["READ"], "indicators": [place.world.indicator] });
        let limited = program(&place.app, &place.here, limited).await;
        let (everything, some) = (read(&all).await, read(&limited).await);
        let expected = match visibility {
            "COMMUNITY" => {
                [figures(&[("rate", "here", BOTH), ("second", "here", BOTH)]), figures(&[("rate", "here", BOTH)])]
            }
            "NETWORK" => [
                figures(&[
                    ("rate", "here", BOTH),
                    ("rate", "there", FREE),
                    ("second", "here", BOTH),
                    ("second", "there", FREE),
                ]),
                figures(&[("rate", "here", BOTH), ("rate", "there", FREE)]),
            ],
            _ => [
                figures(&[
                    ("rate", "here", BOTH),
                    ("rate", "there", FREE),
                    ("second", "here", BOTH),
                    ("second", "there", FREE),
                ]),
                figures(&[
                    ("rate", "here", BOTH),
                    ("rate", "there", FREE),
                    ("second", "here", FREE),
                    ("second", "there", FREE),
                ]),
            ],
        };
        assert_eq!((&everything.0, &some.0), (&expected[0], &expected[1]), "{visibility}");
        let learnings: &[&str] = if visibility == "COMMUNITY" { &["here"] } else { &["here", "there"] };
        assert_eq!(everything.1, learnings, "{visibility}");
        assert_eq!(some.1, if visibility == "PUBLIC" { learnings } else { &[] }, "{visibility}");
        assert_eq!((everything.2, some.2), (2, 0), "rules and consent of its own community");
        let compared = "query($i: String!) { comparison(network: \"net\", indicator: $i, period: \"2020\") { coverage { reporting } } }";
        for (code, world) in [("rate", &place.world), ("second", &place.second)] {
            let seen =
                limited.data(compared, json!({ "i": code })).await["comparison"]["coverage"]["reporting"].clone();
            let reads = expected[1].iter().filter(|figure| figure.0 == code).count();
            assert_eq!(seen, reads, "{visibility} {code} {}", world.indicator);
        }
    }
}

const PUSH: &str =
    "mutation($input: ObservationsPushInput!) { observationsPush(input: $input) { created updated unchanged received
    rejectedRows { index field code } differences { index before { value confidentiality externalId }
    after { value confidentiality externalId } } userErrors { code } } }";

fn row(place: &Place, period: &str, figure: Value) -> Value {
    let mut row = json!({ "community": place.here, "indicatorVersion": place.world.version, "source": place.world.source,
        "period": period });
    merge(&mut row, figure);
    row
}

#[tokio::test]
async fn a_dry_run_shows_what_its_caller_may_read() {
    let place = Place::sharing("PUBLIC").await;
    let secret = json!({ "value": 40.0, "confidentiality": "CONFIDENTIAL", "externalId": "secret-1" });
    place.app.record(&place.world, &place.here, "2022", secret).await;
    let rows: Vec<Value> =
        ["2020", "2021", "2022", "2023"].map(|period| row(&place, period, json!({ "value": 1.0 }))).into();
    let figure = |value: f64, confidentiality: &str, id: Value| json!({ "value": value, "confidentiality": confidentiality, "externalId": id });
    let own = figure(1.0, "FREE", Value::Null);
    let of_2020 = json!({ "index": 0, "before": figure(20.0, "FREE", Value::Null), "after": own });
    let internal = figure(1.0, "INTERNAL", Value::Null);
    let of_2021 = json!({ "index": 1, "before": figure(30.0, "INTERNAL", Value::Null), "after": internal });
    let of_2022 = json!({ "index": 2, "before": figure(40.0, "CONFIDENTIAL", json!("secret-1")),
        "after": figure(1.0, "CONFIDENTIAL", json!("secret-1")) });
    let hidden = |index: u32| json!({ "index": index, "before": null, "after": own });
    for (actions, expected) in [
        (json!(["RECORD_FIGURES"]), json!([of_2020, hidden(1), hidden(2), hidden(3)])),
        (json!(["READ", "RECORD_FIGURES"]), json!([of_2020, of_2021, hidden(2), hidden(3)])),
    ] {
        let program = program(&place.app, &place.here, json!({ "actions": actions })).await;
        let answer =
            program.data(PUSH, json!({ "input": { "rows": rows, "dryRun": true } })).await["observationsPush"].take();
        assert_eq!(answer["differences"], expected, "{actions}");
    }
    let role = json!([{ "role": "STEWARD", "community": place.here }]);
    let steward = place.app.somebody("s@example.org", role).await.client;
    let answer =
        steward.data(PUSH, json!({ "input": { "rows": rows, "dryRun": true } })).await["observationsPush"].take();
    assert_eq!(answer["differences"], json!([of_2020, of_2021, of_2022, hidden(3)]));
}

/// That a figure is there already is told to those who read it, recorded it, or answer for it; to any other program it is as if it
/// had changed.
#[tokio::test]
async fn a_program_that_publishes_finds_no_hidden_figure_by_trying() {
    let place = Place::sharing("PUBLIC").await;
    let secret = json!({ "value": 40.0, "confidentiality": "CONFIDENTIAL" });
    place.app.record(&place.world, &place.here, "2022", secret).await;
    let jump = json!({ "community": place.here, "indicator": place.world.indicator, "rule": "JUMP", "percent": 10.0, "effect": "REFUSE" });
    place.app.create("qualityRule", jump).await;
    let told = async |client: &Client, period: &str, value: f64, dry: bool| {
        let input = json!({ "rows": [row(&place, period, json!({ "value": value }))], "dryRun": dry });
        let answer = client.data(PUSH, json!({ "input": input })).await["observationsPush"].take();
        ["created", "updated", "unchanged"].map(|name| answer[name].as_u64().unwrap())
    };
    for actions in [json!(["RECORD_FIGURES", "PUBLISH_FIGURES"]), json!(["READ", "RECORD_FIGURES", "PUBLISH_FIGURES"])]
    {
        let program = program(&place.app, &place.here, json!({ "actions": actions })).await;
        for value in [40.0, 41.0, 90.0] {
            assert_eq!(told(&program, "2022", value, true).await, [0, 1, 0], "{actions} {value}");
            assert_eq!(told(&program, "2023", value, true).await, [1, 0, 0], "{actions} {value}");
        }
        assert_eq!(told(&program, "2022", 40.0, false).await, [0, 1, 0], "{actions}");
        let one = row(&place, "2022", json!({ "value": 40.0 }));
        let query = "mutation($input: ObservationRecordInput!) { observationRecord(input: $input) { outcome observation { value } } }";
        let answer = program.data(query, json!({ "input": one })).await["observationRecord"].take();
        // It recorded that itself by now, whoever did before.
        assert_eq!(answer, json!({ "outcome": "UNCHANGED", "observation": null }));
        assert_eq!(told(&program, "2022", 40.0, true).await, [0, 0, 1], "{actions}");
        assert_eq!(told(&program, "2022", 41.0, true).await, [0, 1, 0], "{actions}");
    }
    let sender = program(&place.app, &place.here, json!({ "actions": ["RECORD_FIGURES", "PUBLISH_FIGURES"] })).await;
    // What it recorded itself it may be told of.
    assert_eq!(told(&sender, "2022", 41.0, false).await, [0, 1, 0]);
    assert_eq!(told(&sender, "2022", 41.0, true).await, [0, 0, 1]);
    let role = json!([{ "role": "STEWARD", "community": place.here }]);
    let steward = place.app.somebody("s@example.org", role).await.client;
    assert_eq!(told(&steward, "2022", 41.0, true).await, [0, 0, 1]);
}

/// Nor by two rows for one period, nor in a period that is locked, nor by what a rule makes of figures that it does not read.
#[tokio::test]
async fn a_program_that_publishes_finds_no_hidden_figure_by_way_of_others() {
    let place = Place::sharing("PUBLIC").await;
    let secret = json!({ "value": 40.0, "confidentiality": "CONFIDENTIAL" });
    for period in ["2010", "2022"] {
        place.app.record(&place.world, &place.here, period, secret.clone()).await;
    }
    let lock = json!({ "community": place.here, "until": "2010-12-31", "reason": english("Settled") });
    place.app.admin.change("periodLockCreate", lock, "periodLock", "id").await;
    let jump = json!({ "community": place.here, "indicator": place.world.indicator, "rule": "JUMP", "percent": 10.0, "effect": "REFUSE" });
    place.app.create("qualityRule", jump).await;
    let program = program(&place.app, &place.here, json!({ "actions": ["RECORD_FIGURES", "PUBLISH_FIGURES"] })).await;
    let told = async |rows: &[(&str, f64)], dry: bool| {
        let rows: Vec<_> = rows.iter().map(|(period, value)| row(&place, period, json!({ "value": value }))).collect();
        let input = json!({ "rows": rows, "dryRun": dry, "mode": "BEST_EFFORT" });
        let answer = program.data(PUSH, json!({ "input": input })).await["observationsPush"].take();
        let counts = ["created", "updated", "unchanged", "received"].map(|name| answer[name].as_u64().unwrap());
        (counts, answer["rejectedRows"].as_array().unwrap().iter().map(|row| text(&row["code"])).collect::<Vec<_>>())
    };
    for value in [40.0, 41.0] {
        assert_eq!(told(&[("2022", value), ("2022", value)], true).await, ([0, 1, 1, 0], vec![]), "{value}");
        let two = told(&[("2022", value), ("2022", 50.0)], true).await;
        assert_eq!(two, ([0, 1, 0, 0], vec!["CONFLICT".to_owned()]), "{value}");
        for dry in [true, false] {
            assert_eq!(told(&[("2010", value)], dry).await, ([0; 4], vec!["LOCKED".to_owned()]), "{value} {dry}");
        }
    }
    // Nor where a row that is wrong keeps all of them from lasting.
    for value in [41.0, 90.0] {
        let rows =
            json!([row(&place, "2023", json!({ "value": value })), row(&place, "2023-13", json!({ "value": 1.0 }))]);
        let answer = program.data(PUSH, json!({ "input": { "rows": rows } })).await["observationsPush"].take();
        assert_eq!((&answer["created"], &answer["received"]), (&json!(1), &json!(0)), "{value}: {answer}");
    }
    let both = json!([row(&place, "2023", json!({ "value": 41.0 })), row(&place, "2023", json!({ "value": 90.0 }))]);
    let answer = program.data(PUSH, json!({ "input": { "rows": both } })).await["observationsPush"].take();
    assert_eq!(
        answer["rejectedRows"][0]["code"], "CONFLICT",
        "one of them would wait, and both would be kept: {answer}"
    );
    // A rule that refuses it for its neighbours leaves it to a steward, who sees them.
    assert_eq!(told(&[("2023", 90.0)], true).await, ([1, 0, 0, 0], vec![]));
    assert_eq!(told(&[("2023", 90.0)], false).await, ([0, 0, 0, 1], vec![]));
    assert_eq!(told(&[("2023", 41.0)], false).await, ([1, 0, 0, 0], vec![]));
}

#[tokio::test]
async fn a_dry_run_that_shows_figures_under_an_authority_leaves_a_trace() {
    let app = App::start().await;
    let world = app.world().await;
    let nation = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
        "indigenousDataAuthority": "The council" });
    let here = app.create("community", nation).await;
    app.record(&world, &here, "2020", json!({ "value": 20.0 })).await;
    let read = async || {
        let query = "{ auditEntries(filter: { action: [READ_UNDER_AUTHORITY] }) { totalCount } }";
        app.admin.data(query, json!({})).await["auditEntries"]["totalCount"].as_u64().unwrap()
    };
    let dry_run = |period: &str| {
        let row = json!({ "community": here, "indicatorVersion": world.version, "source": world.source, "period": period,
            "value": 1.0 });
        json!({ "input": { "rows": [row], "dryRun": true } })
    };
    for (actions, traces) in [(json!(["RECORD_FIGURES"]), 0), (json!(["READ", "RECORD_FIGURES"]), 1)] {
        let program = program(&app, &here, json!({ "actions": actions })).await;
        let before = read().await;
        program.data(PUSH, dry_run("2020")).await;
        program.data(PUSH, dry_run("2021")).await;
        assert_eq!(read().await - before, traces, "{actions}: nothing is there for 2021");
    }
}

#[tokio::test]
async fn a_program_never_opens_a_figure_to_more_readers() {
    let place = Place::sharing("PUBLIC").await;
    let app = &place.app;
    let kept = json!({ "value": 40.0, "confidentiality": "CONFIDENTIAL" });
    let embargoed = json!({ "value": 40.0, "confidentiality": "EMBARGOED", "embargoUntil": "2999-01-01T00:00:00Z" });
    for (period, figure) in [("2022", &kept), ("2023", &embargoed), ("2024", &json!({ "value": 40.0 }))] {
        app.record(&place.world, &place.here, period, figure.clone()).await;
    }
    let sender = program(app, &place.here, json!({ "actions": ["RECORD_FIGURES"] })).await;
    let program = program(app, &place.here, json!({ "actions": ["RECORD_FIGURES", "PUBLISH_FIGURES"] })).await;
    let rows = json!([
        row(&place, "2021", json!({ "value": 1.0, "confidentiality": "FREE" })),
        row(&place, "2022", json!({ "value": 2.0, "confidentiality": "INTERNAL" })),
        row(
            &place,
            "2023",
            json!({ "value": 3.0, "confidentiality": "EMBARGOED", "embargoUntil": "2998-01-01T00:00:00Z" })
        ),
        row(&place, "2024", json!({ "value": 4.0, "confidentiality": "CONFIDENTIAL" })),
        row(&place, "2019", json!({ "value": 5.0, "confidentiality": "FREE" })),
    ]);
    let refused = |index: u32| json!({ "index": index, "field": "confidentiality", "code": "FORBIDDEN" });
    let input = json!({ "input": { "rows": rows, "mode": "BEST_EFFORT" } });
    // What is to wait for a steward is held to the same.
    let answer = sender.data(PUSH, input.clone()).await["observationsPush"].take();
    assert_eq!(answer["rejectedRows"], json!([refused(0), refused(1), refused(2)]));
    let answer = program.data(PUSH, input).await["observationsPush"].take();
    assert_eq!(answer["rejectedRows"], json!([refused(0), refused(1), refused(2)]));
    assert_eq!((&answer["created"], &answer["updated"]), (&json!(1), &json!(1)));
    // Of what it does not read it is not told how far that is closed.
    let embargo = |until: &str| json!({ "value": 1.0, "confidentiality": "EMBARGOED", "embargoUntil": until });
    for client in [&sender, &program] {
        for period in ["2021", "2022", "2023"] {
            for figure in [
                embargo("2998-01-01T00:00:00Z"),
                embargo("3000-01-01T00:00:00Z"),
                json!({ "value": 1.0, "confidentiality": "INTERNAL" }),
            ] {
                let input = json!({ "rows": [row(&place, period, figure.clone())], "dryRun": true });
                let answer = client.data(PUSH, json!({ "input": input })).await["observationsPush"].take();
                assert_eq!(answer["rejectedRows"], json!([refused(0)]), "{period} {figure}");
            }
        }
    }
    // Without a word about it, it stays as it was.
    let silent = json!({ "input": { "rows": [row(&place, "2022", json!({ "value": 2.0 }))] } });
    assert_eq!(program.data(PUSH, silent).await["observationsPush"]["updated"], 1);

    let one = row(&place, "2023", json!({ "value": 9.0, "confidentiality": "FREE" }));
    let errors = program.refusal("observationRecord", one.clone(), "observation").await;
    assert_eq!((&errors[0]["path"], &errors[0]["code"]), (&json!(["input", "confidentiality"]), &json!("FORBIDDEN")));
    let log = "{ auditEntries(first: 1) { nodes { action actorKind detail } } }";
    let newest = app.admin.data(log, json!({})).await["auditEntries"]["nodes"][0].take();
    assert_eq!((&newest["action"], &newest["actorKind"]), (&json!("DENIED"), &json!("INTEGRATION")));

    let query = "{ community(slug: \"here\") { series(first: 1) { nodes { observations { nodes { period value confidentiality } } } } } }";
    let seen =
        app.admin.data(query, json!({})).await["community"]["series"]["nodes"][0]["observations"]["nodes"].take();
    let seen: Vec<_> =
        seen.as_array().unwrap().iter().map(|f| json!([f["period"], f["value"], f["confidentiality"]])).collect();
    let expected = [
        json!(["2019", 5.0, "FREE"]),
        json!(["2020", 20.0, "FREE"]),
        json!(["2021", 30.0, "INTERNAL"]),
        json!(["2022", 2.0, "CONFIDENTIAL"]),
        json!(["2023", 40.0, "EMBARGOED"]),
        json!(["2024", 4.0, "CONFIDENTIAL"]),
    ];
    assert_eq!(seen, expected);
    // Who answers for the community opens it.
    let role = json!([{ "role": "STEWARD", "community": place.here }]);
    let steward = app.somebody("s@example.org", role).await.client;
    let opened = steward.change("observationRecord", one, "observation", "confidentiality").await;
    assert_eq!(opened["confidentiality"], "FREE");
}
