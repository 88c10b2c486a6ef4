//! What was read from files comes out in a format, comes in again without changing anything, and is the same figures in
//! another database. Nothing is taken from the importer's own word: the figures that came out are held against the files.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::App,
    cli::{concert, run},
    db::TestDatabase,
    fixture::english,
    real_data::{Told, import, network},
};

/// How figures come out of a database and in again.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// The format that is written, and the one that it is read as.
    pub formats: [&'a str; 2],
    /// What both are told: how places are named, of which indicator.
    pub both: &'a [&'a str],
    /// What whoever reads is told in addition.
    pub reading: &'a [&'a str],
    /// What whoever reads is told where nothing is known yet.
    pub creating: &'a [&'a str],
}

/// Exports to a file; answers how many figures were written and left out.
fn export(db: &TestDatabase, arguments: &[&str], file: &Path) -> [u64; 2] {
    let output = ["--network", "net", "--output", file.to_str().unwrap()];
    let (code, _, told) = run(concert(&["export"]).args(arguments).args(output).env("DATABASE_URL", &db.url));
    assert_eq!(code, 0, "{told}");
    let counts = told.lines().find(|line| line.contains(" written, ")).unwrap();
    let mut numbers = counts.split(' ').filter_map(|word| word.parse().ok());
    [numbers.next().unwrap(), numbers.next().unwrap()]
}

impl Way<'_> {
    /// Exports, imports what came out where it came from, and elsewhere; answers how many figures were written and left out.
    pub fn there_and_back(&self, db: &TestDatabase, elsewhere: Option<&TestDatabase>) -> [u64; 2] {
        let [writes, reads] = self.formats;
        let scratch = TempDir::new().unwrap();
        let (file, again) = (scratch.path().join("figures"), scratch.path().join("again"));
        let writing = [&["--format", writes], self.both].concat();
        let reading = [&["--format", reads, "--network", "net"], self.both, self.reading].concat();
        let [written, left_out] = export(db, &writing, &file);
        let (told, out) = import(db, &reading, std::slice::from_ref(&file));
        assert_eq!(told, Told { counts: [written, 0, 0, written, 0], code: 0 }, "{writing:?} {out}");
        if let Some(other) = elsewhere {
            let (told, out) = import(other, &[&reading[..], self.creating].concat(), std::slice::from_ref(&file));
            let [read, created, updated, unchanged, rejected] = told.counts;
            assert_eq!([read, created + unchanged, updated, rejected], [written, written, 0, 0], "{writing:?} {out}");
            assert_eq!(export(other, &writing, &again), [written, left_out]);
            assert!(std::fs::read(&file).unwrap() == std::fs::read(&again).unwrap(), "{writing:?}: the same bytes");
        }
        [written, left_out]
    }
}

/// The options of an import that the guide keeps beside its mappings, one a line.
pub fn recipe(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/imports/{name}.txt"));
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Imports files by the options that the guide keeps, and more.
pub fn by_recipe(db: &TestDatabase, name: &str, more: &[&str], paths: &[PathBuf]) -> (Told, String) {
    let recipe = recipe(name);
    let options: Vec<&str> = recipe.iter().map(String::as_str).chain(["--network", "net"]).collect();
    import(db, &[&options, more].concat(), paths)
}

/// A member of the network that figures are imported for, with more about it.
pub async fn place(app: &App, network: &str, name: &str, more: &Value) {
    let slug: String = domain::key::Slug::suggest(name).unwrap().into();
    let mut input = json!({ "slug": slug, "name": english(name), "kind": "OTHER", "country": "CA" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
}

/// The trip of all figures as tidy CSV and as NDJSON, with places named by the codes of a scheme.
pub fn as_tidy_and_ndjson(db: &TestDatabase, other: &TestDatabase, scheme: &str, country: &str, figures: u64) {
    let creating = ["--country", country, "--create-missing", "--disclosure-controlled"];
    for format in ["tidy", "ndjson"] {
        let way = Way { formats: [format; 2], both: &["--code-scheme", scheme], reading: &[], creating: &creating };
        assert_eq!(way.there_and_back(db, Some(other)), [figures, 0], "{format}");
    }
}

/// The trip of all figures by the files of Open SDG, one for each indicator; answers how many figures they have.
pub fn indicator_by_indicator(db: &TestDatabase, other: &TestDatabase, source: &str, country: &str) -> u64 {
    let codes: BTreeSet<_> =
        figures(db, "none:none").iter().map(|one| one["indicator"].as_str().unwrap().to_owned()).collect();
    let creating = ["--country", country, "--create-missing"];
    let mut all = 0;
    for code in &codes {
        let both = ["--indicator", code, "--source", source];
        let way = Way { formats: ["open-sdg"; 2], both: &both, reading: &[], creating: &creating };
        let [written, left_out] = way.there_and_back(db, Some(other));
        assert_eq!(left_out, 0, "{code}");
        all += written;
    }
    all
}

/// Every figure as it comes out, one JSON object each.
pub fn figures(db: &TestDatabase, scheme: &str) -> Vec<Value> {
    let scratch = TempDir::new().unwrap();
    let file = scratch.path().join("figures.ndjson");
    export(db, &["--format", "ndjson", "--code-scheme", scheme], &file);
    let text = std::fs::read_to_string(&file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The values of all figures by place, indicator, part of the population and period; none where there is only a status.
pub fn values(figures: &[Value]) -> HashMap<String, Option<f64>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut values = HashMap::with_capacity(figures.len());
    for figure in figures {
        let place = &figure["community"];
        let place = text(if place.is_string() { place } else { &place["code"] });
        let parts = figure["disaggregation"].as_object().into_iter().flatten();
        let parts: Vec<_> = parts.map(|(name, value)| format!("{name}={}", text(value))).collect();
        let key = key(&place, &text(&figure["indicator"]), &parts.join(";"), &text(&figure["period"]));
        assert!(values.insert(key, figure["value"].as_f64()).is_none(), "twice: {figure}");
    }
    values
}

/// What [`values`] are found by.
pub fn key(place: &str, indicator: &str, part: &str, period: &str) -> String {
    format!("{place} {indicator} [{part}] {period}")
}

/// Holds what came out against what stands in the file, both ways.
pub fn assert_same(known: &HashMap<String, Option<f64>>, expected: &HashMap<String, Option<f64>>) {
    for (key, value) in expected {
        assert_eq!(known.get(key), Some(value), "{key}");
    }
    assert_eq!(known.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_contradicts_itself_changes_nothing_the_second_time() {
    let (app, db, network) = network("net").await;
    place(&app, &network, "A", &json!({ "codes": [{ "scheme": "areacd", "code": "A1" }] })).await;
    app.source("s").await;
    app.indicator("rate", json!({})).await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("twice.csv");
    let text = "areacd,indicator,period,observation\nA1,rate,2020,10\nA1,rate,2020,11\nA1,rate,2021,12\n";
    std::fs::write(&path, text).unwrap();
    let arguments = ["--format", "tidy", "--network", "net", "--source", "s"];
    for created in [2, 0, 0] {
        let (told, out) = import(&db, &arguments, std::slice::from_ref(&path));
        assert_eq!(told, Told { counts: [3, created, 0, 2 - created, 1], code: 1 }, "{out}");
        assert!(out.contains("line 3"), "{out}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tidy_csv_brings_codes_and_kinds_of_quantity_along() {
    let ((app, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tidy.csv");
    let text = "areacd,areanm,period,indicator,observation,measure,unit\n\
        A1,Here,2020,18100204/index-2014,10,index,\"Index, 2014=100\"\n\
        A1,Here,2020,Jobs.A,10,count,jobs\n\
        A1,Here,2020,income,10.5,amount CAD,a year\n\
        A1,Here,2020,Museums,10,Count,museums\n";
    std::fs::write(&path, text).unwrap();
    let arguments = ["--format", "tidy", "--network", "net", "--source", "s", "--country", "CA", "--create-missing"];
    let (told, out) = import(&db, &arguments, std::slice::from_ref(&path));
    assert_eq!(told, Told { counts: [4, 4, 0, 0, 0], code: 0 }, "{out}");
    let query = "query($code: String!) { indicator(code: $code) { currentVersion { measure currency } } }";
    for (code, measure, currency) in [
        ("18100204/index-2014", "INDEX", None),
        ("Jobs.A", "COUNT", None),
        ("income", "AMOUNT", Some("CAD")),
        // A word of the publisher's and no code, of a kind that nothing is certain of.
        ("museums", "OTHER", None),
    ] {
        let found = app.anonymous.data(query, json!({ "code": code })).await;
        let expected = json!({ "measure": measure, "currency": currency });
        assert_eq!(found["indicator"]["currentVersion"], expected, "{code}");
    }
    as_tidy_and_ndjson(&db, &other, "areacd", "CA", 4);
}
