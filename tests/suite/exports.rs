//! Figures that are taken out: the same in every format when they come in again, and no more of them than their reader may read.

use std::{collections::BTreeSet, io::Read as _};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::{ADMIN_TOKEN, App},
    cli::{concert, run},
    client::Client,
    fixture::{World, english},
};

/// A network `net` with two communities that have codes, an indicator and a source.
struct Town {
    app: App,
    world: World,
    here: String,
}

impl Town {
    async fn new() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let mut ids = Vec::new();
        for slug in ["here", "there"] {
            let id = app.member(&world.network, slug).await;
            let codes = json!([{ "scheme": "test:code", "code": slug.to_uppercase() }]);
            let change = json!({ "id": id, "version": 1, "codes": codes });
            app.admin.change("communityUpdate", change, "community", "id").await;
            ids.push(id);
        }
        Self { app, world, here: ids.swap_remove(0) }
    }

    /// Uploads a file and answers how many rows were read, created, updated, unchanged and rejected.
    async fn import(&self, format: &Format, file: impl Into<reqwest::Body>) -> [u64; 5] {
        let address = format!("/imports?network=net&async=false&{}", format.reading);
        let answer = self.app.admin.post_to(&address).body(file).send().await.unwrap();
        let place = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        let told = answer.text().await.unwrap();
        let place = place.unwrap_or_else(|| panic!("{address}: {told}"));
        let job: Value = self.app.admin.get(&place).send().await.unwrap().json().await.unwrap();
        assert_eq!(job["state"], "SUCCEEDED", "{job:#}");
        ["read", "created", "updated", "unchanged", "rejected"].map(|name| job["counts"][name].as_u64().unwrap())
    }

    async fn export(&self, client: &Client, settings: &str) -> String {
        let answer = client.get(&format!("/exports?network=net&{settings}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{settings}: {}", answer.text().await.unwrap());
        answer.text().await.unwrap()
    }
}

/// A format: how it is written, how it is read, and how many of the figures it can hold.
struct Format {
    writing: &'static str,
    reading: &'static str,
    figures: u64,
    /// Whether it holds counts and limits too.
    is_full: bool,
}

const fn format(writing: &'static str, reading: &'static str, figures: u64, is_full: bool) -> Format {
    Format { writing, reading, figures, is_full }
}

const NDJSON: Format = format("format=ndjson", "format=ndjson", 9, true);
const FORMATS: [Format; 9] = [
    format("format=tidy&codeScheme=test:code", "format=tidy&codeScheme=test:code", 9, true),
    NDJSON,
    format("format=ndjson&codeScheme=test:code", "format=ndjson", 9, true),
    format("format=open-sdg&indicator=rate", "format=open-sdg&indicator=rate&source=survey", 6, false),
    format(
        "format=dhis2&codeScheme=test:code&optionCombo=Fem=sex=F",
        "format=dhis2&codeScheme=test:code&optionCombo=Fem=sex=F&source=survey&importStrategy=create-and-update",
        4,
        false,
    ),
    format(
        "format=dhis2-csv&codeScheme=test:code&optionCombo=Fem=sex=F",
        "format=dhis2&codeScheme=test:code&optionCombo=Fem=sex=F&source=survey&importStrategy=create-and-update",
        4,
        false,
    ),
    format("format=sdmx-csv&codeScheme=test:code", "format=sdmx-csv&codeScheme=test:code&source=survey", 8, false),
    format(
        "format=sdmx-csv&sdmxVersion=2.1&codeScheme=test:code",
        "format=sdmx-csv&codeScheme=test:code&source=survey",
        8,
        false,
    ),
    format("format=cids&codeScheme=test:code", "format=cids&codeScheme=test:code&source=survey", 3, false),
];

/// Figures of every kind. The last has what only some formats hold.
const FIGURES: [&str; 9] = [
    r#"{"community":"here","indicator":"rate","source":"survey","period":"2019","value":12.345678901234567}"#,
    r#"{"community":"here","indicator":"rate","source":"survey","period":"2020","value":13,"note":"=1+1, “so far”\n\"2\""}"#,
    r#"{"community":"there","indicator":"rate","source":"survey","period":"2020","value":null,"status":"Q"}"#,
    r#"{"community":"there","indicator":"rate","source":"survey","period":"2021-Q3","value":1e-7}"#,
    r#"{"community":"there","indicator":"rate","source":"survey","period":"2022","value":14,"status":"P"}"#,
    r#"{"community":"here","indicator":"rate","source":"survey","period":"2021","value":15,"confidentiality":"C"}"#,
    r#"{"community":"here","indicator":"rate","source":"survey","period":"2022","value":16,"confidentiality":"E","embargoUntil":"2999-01-01T00:00:00.5Z"}"#,
    r#"{"community":"here","indicator":"rate","source":"survey","period":"2020","value":20,"disaggregation":{"sex":"F"}}"#,
    r#"{"community":"here","indicator":"rate","source":"survey","period":"2018","value":12.5,"numerator":1,"denominator":8,"lower":12,"upper":13.25,"externalId":"+x"}"#,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_comes_in_again_unchanged_and_elsewhere_the_same() {
    for format in &FORMATS {
        let Format { writing, figures, .. } = *format;
        let town = Town::new().await;
        let kept = if format.is_full { &FIGURES[..] } else { &FIGURES[..8] };
        let created = kept.len() as u64;
        assert_eq!(town.import(&NDJSON, kept.join("\n")).await, [created, created, 0, 0, 0]);
        let file = town.export(&town.app.admin, writing).await;
        assert_eq!(town.import(format, file.clone()).await, [figures, 0, 0, figures, 0], "{writing}:\n{file}");
        assert_eq!(town.export(&town.app.admin, writing).await, file, "{writing}");
        // The command line writes the same bytes, and reads them as unchanged.
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        let words = |settings: &str| -> Vec<String> {
            let pairs = settings.split('&').map(|pair| pair.split_once('=').unwrap());
            pairs.flat_map(|(name, value)| [format!("--{}", kebab(name)), value.to_owned()]).collect()
        };
        let database = ("DATABASE_URL", &town.app.db.url);
        let mut command = concert(&["export", "--network", "net", "--output", path.to_str().unwrap()]);
        let (code, out, told) = run(command.args(words(writing)).env(database.0, database.1));
        assert_eq!((code, out.as_str()), (0, ""), "{writing}: {told}");
        assert!(
            told.contains(&format!("{figures} figures written, {} left out", created - figures)),
            "{writing}: {told}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), file, "{writing}");
        let mut command = concert(&["import", "--network", "net", path.to_str().unwrap()]);
        let (code, out, told) = run(command.args(words(format.reading)).env(database.0, database.1));
        assert!(code == 0 && out.contains(&format!("{figures} unchanged, 0 rejected")), "{writing}: {out}{told}");
        // Elsewhere.
        let other = Town::new().await;
        assert_eq!(other.import(format, file.clone()).await, [figures, figures, 0, 0, 0], "{writing}");
        assert_eq!(other.export(&other.app.admin, writing).await, file, "{writing}");
    }
}

fn kebab(name: &str) -> String {
    name.chars().flat_map(|c| c.is_uppercase().then_some('-').into_iter().chain(c.to_lowercase())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sdmx_json_holds_everything() {
    let town = Town::new().await;
    town.import(&NDJSON, FIGURES.join("\n")).await;
    let message = town.export(&town.app.admin, "format=sdmx-json&codeScheme=test:code").await;
    let message: Value = serde_json::from_str(&message).unwrap();
    let series = message["data"]["dataSets"][0]["series"].as_object().unwrap();
    let count: usize = series.values().map(|series| series["observations"].as_object().unwrap().len()).sum();
    assert_eq!((series.len(), count), (3, 9));
    let structure = &message["data"]["structures"][0];
    let ids: Vec<_> = structure["dimensions"]["series"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["REF_AREA", "INDICATOR", "SOURCE", "SEX"]);
    assert_eq!(
        structure["dimensions"]["series"][3]["values"],
        json!([{ "value": "_T", "name": "Total" }, { "value": "F", "name": "F" }])
    );
}

/// What of all figures a reader reads by GraphQL: community, part, period and value.
async fn by_graphql(client: &Client) -> BTreeSet<String> {
    let query = "{ communities(first: 10) { nodes { slug series(first: 10) { nodes { disaggregation { name value }
        observations(first: 20) { nodes { period value } } } } } } }";
    let data = client.data(query, json!({})).await;
    let mut seen = BTreeSet::new();
    for community in data["communities"]["nodes"].as_array().unwrap() {
        for series in community["series"]["nodes"].as_array().unwrap() {
            let part: Vec<_> = series["disaggregation"].as_array().unwrap().iter().map(|one| &one["value"]).collect();
            for found in series["observations"]["nodes"].as_array().unwrap() {
                seen.insert(json!([community["slug"], part, found["period"], found["value"].as_f64()]).to_string());
            }
        }
    }
    seen
}

async fn by_export(town: &Town, client: &Client) -> BTreeSet<String> {
    let file = town.export(client, "format=ndjson").await;
    let told = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let part: Vec<_> = row["disaggregation"].as_object().map_or(vec![], |part| part.values().collect());
        json!([row["community"], part, row["period"], row["value"].as_f64()]).to_string()
    };
    let lines: Vec<_> = file.lines().map(told).collect();
    let seen: BTreeSet<_> = lines.iter().cloned().collect();
    assert_eq!(seen.len(), lines.len(), "each once");
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_hold_what_their_reader_reads_otherwise() {
    let mut town = Town::new().await;
    let counts = json!({ "measure": "COUNT", "unit": english("persons"), "decimals": 0, "additivity": "SUM" });
    town.world.version = town.app.version(&town.world.indicator, counts).await;
    let Town { app, world, here, .. } = &town;
    let hidden = app.member(&world.network, "hidden").await;
    let members = app.member(&world.network, "members").await;
    app.record(world, &hidden, "2020", json!({ "value": 100.0 })).await;
    app.record(world, &members, "2020", json!({ "value": 200.0 })).await;
    app.create("sharingRule", json!({ "community": hidden, "visibility": "PRIVATE" })).await;
    app.create("sharingRule", json!({ "community": members, "visibility": "NETWORK" })).await;
    for (period, figure) in [
        ("2018", json!({ "value": 300.0 })),
        ("2019", json!({ "value": 301.0, "confidentiality": "CONFIDENTIAL" })),
        ("2020", json!({ "value": 302.0, "confidentiality": "INTERNAL" })),
        ("2021", json!({ "value": 303.0, "confidentiality": "EMBARGOED", "embargoUntil": "2999-01-01T00:00:00Z" })),
        ("2022", json!({ "value": 304.0 })),
        ("2022", json!({ "value": 4.0, "disaggregation": [{ "name": "sex", "value": "F" }] })),
        ("2022", json!({ "value": 300.0, "disaggregation": [{ "name": "sex", "value": "M" }] })),
    ] {
        app.record(world, here, period, figure).await;
    }
    let role = |role: &str, community: &str| json!([{ "role": role, "community": community }]);
    let people = [
        ("nobody", app.anonymous.clone(), 2),
        ("steward", app.somebody("s@example.org", role("STEWARD", here)).await.client, 7),
        ("contributor", app.somebody("c@example.org", role("CONTRIBUTOR", here)).await.client, 4),
        ("other", app.somebody("o@example.org", role("STEWARD", &hidden)).await.client, 3),
        ("administrator", app.admin.clone(), 9),
    ];
    for (who, client, count) in &people {
        let (read, exported) = (by_graphql(client).await, by_export(&town, client).await);
        assert_eq!(exported, read, "{who}");
        assert_eq!(exported.len(), *count, "{who}: {exported:#?}");
        // Nor is it told in what stands before the figures: which parts of the population there are.
        let tidy = town.export(client, "format=tidy&codeScheme=test:code").await;
        let names_parts = tidy.lines().next().unwrap().contains("dim:sex");
        assert_eq!(names_parts, exported.iter().any(|row| row.contains("\"F\"")), "{who}");
    }
    // As it was known: history that is withheld stays so.
    app.record(world, here, "2022", json!({ "value": 305.0 })).await;
    let before = town.export(&app.admin, "format=ndjson&community=here&from=2022-01-01&until=2022-12-31").await;
    assert!(before.contains("305") && before.lines().count() == 3, "{before}");
    let never = town.export(&app.admin, "format=ndjson&asOf=2001-01-01T00:00:00Z").await;
    assert_eq!(never, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_as_they_were_known() {
    let Town { app, world, here, .. } = &Town::new().await;
    app.record(world, here, "2020", json!({ "value": 1.0 })).await;
    let query = "{ community(slug: \"here\") { series { nodes { observations { nodes { recordedAt } } } } } }";
    let seen = app.anonymous.data(query, json!({})).await;
    let then =
        seen["community"]["series"]["nodes"][0]["observations"]["nodes"][0]["recordedAt"].as_str().unwrap().to_owned();
    app.record(world, here, "2020", json!({ "value": 2.0 })).await;
    for (settings, value) in [(String::new(), "2"), (format!("&asOf={}", then.replace('+', "%2B")), "1")] {
        let address = format!("/exports?network=net&format=tidy&codeScheme=test:code{settings}");
        let file = app.anonymous.get(&address).send().await.unwrap().text().await.unwrap();
        assert!(file.contains(&format!(",rate,2020,{value},percentage,%,")), "{settings}: {file}");
    }
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_says_what_it_is_and_travels_compressed() {
    let town = Town::new().await;
    town.import(&NDJSON, FIGURES.join("\n")).await;
    let zipping = reqwest::Client::builder().no_gzip().build().unwrap();
    for (settings, media, name, not_carried) in [
        ("format=tidy", "text/csv; charset=utf-8; header=present", "net.csv", ""),
        ("format=ndjson", "application/x-ndjson; charset=utf-8", "net.ndjson", ""),
        (
            "format=open-sdg&indicator=rate",
            "text/csv; charset=utf-8; header=present",
            "indicator_rate.csv",
            "source, confidentiality, numerator, denominator, lower, upper, externalId",
        ),
        (
            "format=sdmx-csv",
            "application/vnd.sdmx.data+csv; version=2.0.0; charset=utf-8",
            "net-sdmx.csv",
            "source, numerator, denominator, lower, upper, externalId",
        ),
        (
            "format=sdmx-csv&sdmxVersion=2.1",
            "application/vnd.sdmx.data+csv; version=2.1.0; charset=utf-8",
            "net-sdmx.csv",
            "source, numerator, denominator, lower, upper, externalId",
        ),
        ("format=sdmx-json", "application/vnd.sdmx.data+json; version=2.1.0; charset=utf-8", "net-sdmx.json", ""),
    ] {
        let address = format!("/exports?network=net&codeScheme=test:code&{settings}");
        let plain = town.app.admin.get(&address).send().await.unwrap();
        assert_eq!(
            (header(&plain, "content-type"), header(&plain, "cache-control")),
            (media, "no-store"),
            "{settings}"
        );
        assert_eq!(header(&plain, "content-disposition"), format!("attachment; filename=\"{name}\""));
        assert_eq!(header(&plain, "concert-not-carried"), not_carried);
        let plain = plain.text().await.unwrap();
        let zipped = zipping.get(format!("{}{address}", town.app.url)).bearer_auth(ADMIN_TOKEN);
        let zipped = zipped.header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(header(&zipped, "content-encoding"), "gzip", "{settings}");
        let zipped = zipped.bytes().await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&zipped[..]).read_to_string(&mut text).unwrap();
        // The moment of a message is in it.
        assert!(text == plain || settings == "format=sdmx-json", "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_export_is_told_before_it_begins() {
    let Town { app, world, here, .. } = &Town::new().await;
    let other = app.source("other").await;
    app.record(world, here, "2020", json!({ "value": 1.0 })).await;
    app.record(world, here, "2020", json!({ "value": 1.0, "source": other })).await;
    for (settings, expected) in [
        ("network=net", (400, "BAD_USER_INPUT", "format")),
        ("format=tidy", (400, "BAD_USER_INPUT", "network")),
        ("format=xml&network=net", (400, "BAD_USER_INPUT", "format")),
        ("format=tidy&network=net&what=1", (400, "BAD_USER_INPUT", "what")),
        ("format=tidy&network=net&from=soon", (400, "BAD_USER_INPUT", "from")),
        ("format=tidy&network=net&asOf=2020", (400, "BAD_USER_INPUT", "asOf")),
        ("format=tidy&network=net&from=2020-01-01&until=2019-01-01", (400, "BAD_USER_INPUT", "until")),
        ("format=tidy&network=none", (404, "NOT_FOUND", "network")),
        ("format=tidy&network=net&indicator=none", (400, "BAD_USER_INPUT", "indicator")),
        ("format=tidy&network=net&indicator=rate&indicator=none", (400, "BAD_USER_INPUT", "indicator")),
        ("format=tidy&network=net&source=none", (400, "BAD_USER_INPUT", "source")),
        ("format=tidy&network=net&community=none", (400, "BAD_USER_INPUT", "community")),
        ("format=open-sdg&network=net", (400, "BAD_USER_INPUT", "indicator")),
        ("format=tidy&network=net&definition=1", (400, "BAD_USER_INPUT", "indicator")),
        ("format=tidy&network=net&indicator=rate&indicator=rate&definition=1", (400, "BAD_USER_INPUT", "indicator")),
        ("format=tidy&network=net&indicator=rate&definition=0", (400, "BAD_USER_INPUT", "definition")),
        ("format=tidy&network=net&indicator=rate&definition=2", (400, "BAD_USER_INPUT", "definition")),
        ("format=dhis2&network=net", (400, "BAD_USER_INPUT", "source")),
        ("format=sdmx-csv&network=net", (400, "BAD_USER_INPUT", "source")),
    ] {
        let answer = app.admin.get(&format!("/exports?{settings}")).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        let told = &body["errors"][0]["extensions"];
        assert_eq!(
            (status, told["code"].as_str().unwrap(), told["field"].as_str().unwrap_or("")),
            expected,
            "{settings}: {body:#}"
        );
    }
    let good = app.admin.get("/exports?format=dhis2&network=net&source=other").send().await.unwrap();
    assert_eq!(good.status(), StatusCode::OK);
    assert_eq!(
        app.admin.post_to("/exports?format=tidy&network=net").send().await.unwrap().status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    let (code, _, told) =
        run(concert(&["export", "--format", "open-sdg", "--network", "net"]).env("DATABASE_URL", &app.db.url));
    assert!(code == 2 && told.contains("--indicator"), "{code} {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_leave_a_trace() {
    let Town { app, world, .. } = &Town::new().await;
    let nation = json!({ "slug": "nation", "name": english("Nation"), "kind": "FIRST_NATION", "country": "CA",
        "indigenousDataAuthority": "The council" });
    let nation = app.create("community", nation).await;
    app.create("membership", json!({ "network": world.network, "community": nation, "joinedOn": "2015-01-01" })).await;
    app.record(world, &nation, "2020", json!({ "value": 1.0 })).await;
    let query =
        "{ auditEntries(filter: { action: [EXPORT, READ_UNDER_AUTHORITY] }, first: 100) { nodes { action detail } } }";
    let entries = async || app.admin.data(query, json!({})).await["auditEntries"]["nodes"].as_array().unwrap().clone();
    let before = entries().await.len();
    let seen = app.anonymous.get("/exports?format=ndjson&network=net&indicator=rate").send().await.unwrap();
    assert_eq!(seen.text().await.unwrap(), "", "nothing of it is for everybody");
    let seen = app.admin.get("/exports?format=ndjson&network=net").send().await.unwrap();
    assert_eq!(seen.text().await.unwrap().lines().count(), 1);
    let entries = entries().await;
    let actions = |action: &str| entries.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((entries.len() - before, actions("EXPORT"), actions("READ_UNDER_AUTHORITY")), (3, 2, 1), "{entries:#?}");
    assert!(entries.iter().any(|entry| entry["detail"] == "figures as ndjson; by rate"), "{entries:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_exports_are_complete_and_in_order() {
    let town = Town::new().await;
    // More figures of one series than a page holds, and more series than a page holds.
    let day = |row: u32| format!("{}-{:02}-{:02}", 1950 + row / 336, row / 28 % 12 + 1, row % 28 + 1);
    let days = (0..11_000).map(|row| format!("THERE,{},{row},\n", day(row)));
    let parts = (0..600).map(|part| format!("HERE,2020,1,{part:04}\n"));
    let rows: String = days.chain(parts).collect();
    let index = json!({ "measure": "INDEX" });
    town.app.version(&town.world.indicator, index).await;
    let tidy = format("", "format=tidy&indicator=rate&source=survey&codeScheme=test:code", 0, true);
    let file = format!("areacd,period,observation,dim:part\n{rows}");
    assert_eq!(town.import(&tidy, file).await, [11_600, 11_600, 0, 0, 0]);
    let file = town.export(&town.app.anonymous, "format=ndjson").await;
    let told = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("community"), row["disaggregation"]["part"].as_str().unwrap_or("").to_owned(), text("period"))
    };
    let told: Vec<_> = file.lines().map(told).collect();
    let mut expected: Vec<_> =
        (0..600).map(|part| ("here".to_owned(), format!("{part:04}"), "2020".to_owned())).collect();
    expected.extend((0..11_000).map(|row| ("there".to_owned(), String::new(), day(row))));
    assert!(told == expected, "{} of {}", told.len(), expected.len());
    // Figures by another definition would come back as figures by the one in force.
    town.app.version(&town.world.indicator, json!({ "effectiveFrom": "2016-01-01" })).await;
    let (code, out, told) =
        run(concert(&["export", "--format", "ndjson", "--network", "net"]).env("DATABASE_URL", &town.app.db.url));
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(told.contains("other definitions") && told.contains("(rate 2)"), "{told}");
}
