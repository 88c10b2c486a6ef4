//! Figures by several definitions of one indicator, as they are taken out and come in again.

use domain::port::clock::Clock as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::App,
    cli::{concert, run},
    fixture::{World, english},
};

/// A community `here` with the code HERE of the scheme test:code, and the indicator `rate` of the network `net`.
struct Town {
    app: App,
    world: World,
    here: String,
}

impl Town {
    async fn new() -> Self {
        let app = App::start().await;
        let world = app.world().await;
        let here = app.member(&world.network, "here").await;
        let codes = json!([{ "scheme": "test:code", "code": "HERE" }]);
        app.admin
            .change("communityUpdate", json!({ "id": here, "version": 1, "codes": codes }), "community", "id")
            .await;
        Self { app, world, here }
    }

    /// Defines the indicator anew, in another unit; figures are recorded by that definition from now on.
    async fn redefine(&mut self, effective_from: &str) {
        let changes = json!({ "effectiveFrom": effective_from, "unit": english("% of households") });
        self.world.version = self.app.version(&self.world.indicator, changes).await;
    }

    async fn record(&self, period: &str, value: f64) {
        self.app.record(&self.world, &self.here, period, json!({ "value": value })).await;
    }

    /// The present moment, with time before and after it.
    fn moment(&self) -> String {
        self.app.clock.pass(60);
        let now = self.app.clock.now();
        self.app.clock.pass(60);
        now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
    }

    /// A file, and what its header says was left out.
    async fn export(&self, settings: &str) -> (String, String) {
        let answer = self.app.admin.get(&format!("/exports?network=net&{settings}")).send().await.unwrap();
        let left_out = answer.headers().get("concert-left-out").map_or("", |text| text.to_str().unwrap()).to_owned();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{settings}: {text}");
        (text, left_out)
    }

    /// Periods and values of an export.
    async fn figures(&self, settings: &str) -> Vec<(String, f64)> {
        let (file, _) = self.export(&format!("format=ndjson&{settings}")).await;
        let told = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            (row["period"].as_str().unwrap().to_owned(), row["value"].as_f64().unwrap())
        };
        file.lines().map(told).collect()
    }

    /// Uploads a file and answers how many rows were created, unchanged and rejected.
    async fn import(&self, settings: &str, file: &str) -> [u64; 3] {
        let address = format!("/imports?network=net&async=false&codeScheme=test:code&{settings}");
        let answer = self.app.admin.post_to(&address).body(file.to_owned()).send().await.unwrap();
        let place = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        let told = answer.text().await.unwrap();
        let place = place.unwrap_or_else(|| panic!("{address}: {told}"));
        let job: Value = self.app.admin.get(&place).send().await.unwrap().json().await.unwrap();
        ["created", "unchanged", "rejected"]
            .map(|name| job["counts"][name].as_u64().unwrap_or_else(|| panic!("{job:#}")))
    }

    /// By the command line: how it ended, and what it said.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let (code, out, told) = run(concert(arguments).env("DATABASE_URL", &self.app.db.url));
        (code, out + &told)
    }
}

fn figures(of: &[(&str, f64)]) -> Vec<(String, f64)> {
    of.iter().map(|(period, value)| ((*period).to_owned(), *value)).collect()
}

#[tokio::test]
async fn exports_hold_the_definition_in_force_not_one_to_come() {
    let mut town = Town::new().await;
    town.record("2020", 10.0).await;
    town.redefine("2999-01-01").await;
    assert_eq!(town.figures("").await, figures(&[("2020", 10.0)]));
    for format in ["tidy", "open-sdg&indicator=rate", "dhis2", "dhis2-csv", "sdmx-csv", "sdmx-json", "cids"] {
        let (file, _) = town.export(&format!("format={format}&codeScheme=test:code")).await;
        assert!(file.contains("10"), "{format}: {file}");
    }
}

#[tokio::test]
async fn an_earlier_moment_has_its_own_definition() {
    let mut town = Town::new().await;
    let day = |days: u64| {
        let today = town.app.clock.today();
        today.checked_add_days(chrono::Days::new(days)).unwrap().to_string()
    };
    let (today, tomorrow) = (day(0), day(1));
    let nothing = town.moment();
    town.record("2020", 10.0).await;
    let first = town.moment();
    let archived = town.world.version.clone();
    town.redefine(&today).await;
    town.record("2020", 20.0).await;
    let second = town.moment();
    town.redefine(&tomorrow).await;
    town.record("2020", 30.0).await;
    let announced = town.moment();
    town.app
        .admin
        .change("indicatorVersionArchive", json!({ "id": archived, "version": 1 }), "indicatorVersion", "id")
        .await;
    assert_eq!(town.figures("").await, figures(&[("2020", 20.0)]));
    for (as_of, value) in [(&first, 10.0), (&second, 20.0), (&announced, 20.0), (&town.moment(), 20.0)] {
        assert_eq!(town.figures(&format!("asOf={as_of}")).await, figures(&[("2020", value)]), "{as_of}");
    }
    assert_eq!(town.figures(&format!("asOf={nothing}")).await, []);
    // What is to come is not known, whatever the moment says.
    assert_eq!(town.figures("asOf=2999-01-01T00:00:00Z").await, figures(&[("2020", 20.0)]));
    town.app.clock.pass(86_400);
    assert_eq!(town.figures("").await, figures(&[("2020", 30.0)]));
    assert_eq!(town.figures(&format!("asOf={announced}")).await, figures(&[("2020", 20.0)]));
    // One that is named is taken whatever was in force, as it was known.
    for (definition, value) in [(1, 10.0), (2, 20.0), (3, 30.0)] {
        let named = format!("indicator=rate&definition={definition}");
        assert_eq!(town.figures(&named).await, figures(&[("2020", value)]));
        let then = if definition == 1 { figures(&[("2020", value)]) } else { Vec::new() };
        assert_eq!(town.figures(&format!("{named}&asOf={first}")).await, then);
    }
}

#[tokio::test]
async fn what_is_left_out_is_told() {
    let mut town = Town::new().await;
    town.record("2019", 10.0).await;
    assert_eq!(town.export("format=tidy&codeScheme=test:code").await.1, "");
    town.redefine("2016-01-01").await;
    assert_eq!(town.export("format=tidy&codeScheme=test:code").await.1, "definitions=1");
    town.record("2020", 20.0).await;
    town.redefine("2999-01-01").await;
    town.record("2021", 30.0).await;
    for format in ["tidy", "ndjson", "open-sdg&indicator=rate", "dhis2", "sdmx-csv", "sdmx-json", "cids"] {
        assert_eq!(town.export(&format!("format={format}")).await.1, "definitions=2", "{format}");
    }
    let (code, told) = town.run(&["export", "--network", "net", "--format", "ndjson"]);
    assert!(code == 0 && told.contains("(rate 1, rate 3)"), "{told}");
    // What was not asked for is not left out.
    for settings in ["indicator=rate&definition=1", "from=2020-01-01&until=2020-12-31", "source=survey&from=2022-01-01"]
    {
        assert_eq!(town.export(&format!("format=ndjson&{settings}")).await.1, "", "{settings}");
    }
    // Nor is what its reader may not read.
    town.app.create("sharingRule", json!({ "community": town.here, "visibility": "PRIVATE" })).await;
    let answer = town.app.anonymous.get("/exports?network=net&format=ndjson").send().await.unwrap();
    assert_eq!((answer.status(), answer.headers().get("concert-left-out")), (StatusCode::OK, None));
}

/// A file by an earlier definition comes in again under it, here and elsewhere; without its number it is taken to be by the one in force.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_by_an_earlier_definition_come_in_again_under_it() {
    let own = ["tidy", "ndjson", "open-sdg", "sdmx-csv", "cids", "dhis2"];
    let reading = |format: &str| match format {
        "tidy" | "ndjson" => format!("format={format}&indicator=rate&definition=1"),
        "dhis2" => "format=dhis2&indicator=rate&definition=1&source=survey&importStrategy=create-and-update".to_owned(),
        _ => format!("format={format}&indicator=rate&definition=1&source=survey"),
    };
    let mut town = Town::new().await;
    town.record("2019", 10.0).await;
    town.record("2020", 11.0).await;
    town.redefine("2016-01-01").await;
    town.record("2020", 20.0).await;
    let mut other = Town::new().await;
    other.redefine("2016-01-01").await;
    for (place, format) in own.into_iter().enumerate() {
        let writing = format!("format={format}&codeScheme=test:code&indicator=rate&definition=1");
        let (file, _) = town.export(&writing).await;
        assert!(file.contains("11") && !file.contains("20.0"), "{format}: {file}");
        assert_eq!(town.import(&reading(format), &file).await, [0, 2, 0], "{format}: {file}");
        let expected = if place == 0 { [2, 0, 0] } else { [0, 2, 0] };
        assert_eq!(other.import(&reading(format), &file).await, expected, "{format}: {file}");
        assert_eq!(other.export(&writing).await.0, file, "{format}");
        // The command line writes the same, and reads it as unchanged.
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(if format == "open-sdg" { "indicator_rate.csv" } else { "file" });
        let path = path.to_str().unwrap();
        let common = [
            "--network",
            "net",
            "--format",
            format,
            "--indicator",
            "rate",
            "--definition",
            "1",
            "--code-scheme",
            "test:code",
        ];
        let (code, told) = town.run(&[&["export", "--output", path], &common[..]].concat());
        assert!(code == 0 && told.contains("2 figures written, 0 left out") && !told.contains("definition"), "{told}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), file, "{format}");
        let more: &[&str] = if format == "dhis2" { &["--import-strategy", "create-and-update"] } else { &[] };
        let (code, told) = town.run(&[&["import", path, "--source", "survey"], &common[..], more].concat());
        assert!(code == 0 && told.contains("2 unchanged, 0 rejected"), "{format}: {told}");
    }
    assert_eq!(other.figures("").await, [], "nothing came in under the definition in force");
    assert_eq!(town.figures("").await, figures(&[("2020", 20.0)]));
    let (file, _) = town.export("format=ndjson&indicator=rate&definition=1").await;
    assert_eq!(
        other.import("format=ndjson&indicator=rate", &file).await,
        [0, 0, 2],
        "they are in another unit than the one in force"
    );
}

#[tokio::test]
async fn a_definition_to_import_under_must_be_there() {
    let town = Town::new().await;
    let file = "{\"community\":\"here\",\"indicator\":\"rate\",\"source\":\"survey\",\"period\":\"2020\",\"value\":1}";
    for (settings, field) in [
        ("indicator=rate&definition=2", "definition"),
        ("indicator=rate&definition=x", "definition"),
        ("definition=1", ""),
    ] {
        let address = format!("/imports?network=net&format=ndjson&async=false&{settings}");
        let answer = town.app.admin.post_to(&address).body(file).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{settings}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["field"].as_str().unwrap_or(""), field, "{body:#}");
    }
    // Archived, it takes no figures any more.
    let archive = json!({ "id": town.world.version, "version": 1 });
    town.app.admin.change("indicatorVersionArchive", archive, "indicatorVersion", "id").await;
    assert_eq!(town.import("format=ndjson&indicator=rate&definition=1", file).await, [0, 0, 1]);
}
