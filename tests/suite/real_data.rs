//! The public data sets that Concert was made for, where they are at hand: `CONCERT_TEST_DATA` names their folder, which is
//! otherwise looked for beside the project. Expectations are computed from the files by themselves, not by the importer.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::App,
    cli::concert,
    db::TestDatabase,
    fixture::english,
    round_trip::{as_tidy_and_ndjson, by_recipe},
};

/// The data set of this name, or nothing: then the test has not run, and says so.
pub fn data(test: &str, set: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("CONCERT_TEST_DATA").map_or_else(beside, PathBuf::from).join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    if let Ok(path) = std::env::var("CONCERT_TEST_NOT_RUN") {
        let mut file = File::options().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: the public data set {set} is not at hand").unwrap();
    }
    None
}

/// The rows of a CSV file, plain or gzip, by the names of their columns.
pub fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut bytes = Vec::new();
    let file = File::open(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "gz") {
        MultiGzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    } else {
        std::io::BufReader::new(file).read_to_end(&mut bytes).unwrap();
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|record| header.iter().map(str::to_owned).zip(record.unwrap().iter().map(str::to_owned)).collect())
        .collect()
}

/// Every CSV file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.to_str().is_some_and(|path| path.ends_with(".csv") || path.ends_with(".csv.gz")) {
            found.push(path);
        }
    }
    found
}

/// What an import says of all its files: rows read, created, updated, unchanged, rejected; and how it ended.
#[derive(Debug, PartialEq)]
pub struct Told {
    pub counts: [u64; 5],
    pub code: i32,
}

pub fn import(db: &TestDatabase, arguments: &[&str], paths: &[PathBuf]) -> (Told, String) {
    let output = concert(&["import"]).args(arguments).args(paths).env("DATABASE_URL", &db.url).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let out = out + &String::from_utf8_lossy(&output.stderr);
    let summary = out.lines().rfind(|line| line.contains(" read, ") && !line.starts_with('['));
    let summary = summary.unwrap_or_else(|| panic!("no summary in:\n{out}"));
    let numbers = summary.split_once(": ").unwrap().1.split(", ").map(|part| part.split(' ').next().unwrap());
    let counts: Vec<u64> = numbers.map(|number| number.parse().unwrap()).collect();
    (Told { counts: counts.try_into().unwrap(), code: output.status.code().unwrap() }, out)
}

/// A server on an empty database with one network.
pub async fn network(slug: &str) -> (App, Arc<TestDatabase>, String) {
    let app = App::start().await;
    let db = Arc::clone(&app.db);
    let input = json!({ "slug": slug, "name": english(slug), "startsOn": "1990-01-01" });
    let network = app.create("network", input).await;
    (app, db, network)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uk_local_indicators_are_read_row_by_row_and_compared_as_they_are() {
    let name = "real_data::uk_local_indicators_are_read_row_by_row_and_compared_as_they_are";
    let Some(folder) = data(name, "uk-local-indicators") else { return };
    let ((app, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let (mut read, mut rejected) = (0, BTreeMap::<&str, u64>::new());
    let paths = files(&folder);
    for path in &paths {
        for row in rows(path) {
            read += 1;
            let (value, status) = (row["observation"].as_str(), row["status"].as_str());
            let reason = match status {
                _ if row["areacd"] == "na" => "no code",
                "" if value.is_empty() => "no value and no status",
                "" | "x" | "c" | "z" | "u" => continue,
                _ => "no known status",
            };
            *rejected.entry(reason).or_default() += 1;
        }
    }
    assert_eq!((paths.len(), read), (49, 201_647));
    let expected: u64 = rejected.values().sum();
    let scratch = TempDir::new().unwrap();
    let rejects = scratch.path().join("rejects.csv");
    let more = ["--source", "ons", "--rejects", rejects.to_str().unwrap()];
    let (told, out) = by_recipe(&db, "uk-local-indicators", &more, std::slice::from_ref(&folder));
    assert_eq!(told, Told { counts: [read, read - expected, 0, 0, expected], code: 1 }, "{rejected:?}\n{out}");
    assert_eq!(rows(&rejects).len() as u64, expected);

    // All of it again, as it stands in the files and as it comes out: nothing new.
    let (again, out) = by_recipe(&db, "uk-local-indicators", &more, std::slice::from_ref(&folder));
    assert_eq!(again, Told { counts: [read, 0, 0, read - expected, expected], code: 1 }, "{out}");
    as_tidy_and_ndjson(&db, &other, "uk:GSS", "GB", read - expected);

    let poverty = folder.join("children-in-relative-poverty");
    let indicator = "children-in-relative-poverty-before-housing-costs";
    let mut expected: Vec<(f64, String)> = files(&poverty)
        .iter()
        .flat_map(|path| rows(path))
        .filter(|row| {
            row["indicator"] == "Children in relative poverty before housing costs" && row["period"] == "2024-04-01/P1Y"
        })
        .filter_map(|row| Some((row["observation"].parse::<f64>().ok()?, row["areanm"].clone())))
        .collect();
    assert!(expected.len() > 300);
    expected.sort_by(|a, b| b.0.total_cmp(&a.0));
    assert_eq!((expected[0].1.as_str(), (expected[0].0 * 100.0).round()), ("Pendle", 4_055.0));
    let query =
        "query($indicator: String!) { comparison(network: \"net\", indicator: $indicator, period: \"2024-04-01/P1Y\") {
        distribution { count maximum median } entries { community { name { text } } current { value } compared } } }";
    let comparison = app.anonymous.data(query, json!({ "indicator": indicator })).await["comparison"].take();
    let mut answered: Vec<(f64, String)> = comparison["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| {
            Some((entry["current"]["value"].as_f64()?, entry["community"]["name"]["text"].as_str()?.to_owned()))
        })
        .collect();
    answered.sort_by(|a, b| b.0.total_cmp(&a.0));
    let values = |list: &[(f64, String)]| list.iter().map(|(value, _)| *value).collect::<Vec<_>>();
    assert_eq!(values(&answered), values(&expected));
    assert_eq!(answered[0].1, "Pendle");
    assert_eq!(
        (&comparison["distribution"]["count"], &comparison["distribution"]["maximum"]),
        (&json!(expected.len()), &json!(expected[0].0))
    );
    // Nobody stands higher or lower before it is said which way is good.
    let last = standing(&app, indicator, "Pendle").await;
    assert_eq!((&last["percentile"], &last["rank"]), (&json!(null), &json!(null)));
    let query = "query($code: String!) { indicator(code: $code) { currentVersion { id version polarity } } }";
    let version = app.admin.data(query, json!({ "code": indicator })).await["indicator"]["currentVersion"].take();
    let says = json!({ "id": version["id"], "version": version["version"], "polarity": "LOWER_IS_BETTER" });
    app.admin.change("indicatorVersionUpdate", says, "indicatorVersion", "id").await;
    let last = standing(&app, indicator, "Pendle").await;
    assert_eq!((&last["percentile"], &last["rank"]["position"]), (&json!(0.0), &json!(expected.len())));
}

/// How a community stands among those of the network in the year that ends in 2025.
async fn standing(app: &App, indicator: &str, name: &str) -> Value {
    let query =
        "query($indicator: String!) { comparison(network: \"net\", indicator: $indicator, period: \"2024-04-01/P1Y\") {
        entries { community { name { text } } percentile rank { position } } } }";
    let comparison = app.anonymous.data(query, json!({ "indicator": indicator })).await["comparison"].take();
    let entries = comparison["entries"].as_array().unwrap();
    entries.iter().find(|entry| entry["community"]["name"]["text"] == name).unwrap().clone()
}

/// The eight metropolitan areas of the poverty rate, by the names that the file gives them.
const AREAS: [&str; 8] = ["Calgary", "Edmonton", "Montréal", "Ottawa", "Québec", "Toronto", "Vancouver", "Winnipeg"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canadian_framework_indicators_are_read_row_by_row_and_compared_as_they_are() {
    let name = "real_data::canadian_framework_indicators_are_read_row_by_row_and_compared_as_they_are";
    let Some(folder) = data(name, "ca-cif-indicators") else { return };
    let (app, db, network) = network("canada").await;
    let path = files(&folder.join("data"))
        .into_iter()
        .find(|path| path.to_string_lossy().contains("indicator_1-1-1.csv"))
        .unwrap();
    let all = rows(&path);
    let headline = |row: &&BTreeMap<String, String>| {
        row["Age group"] == "Total" && row["Gender"] == "All genders" && row["Economic family type"] == "Total"
    };
    // Metropolitan areas are the places whose name goes on after a comma.
    let mut figures: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for row in all.iter().filter(headline).filter(|row| row["Geography"].contains(',')) {
        if let Ok(value) = row["Value"].parse() {
            figures.entry(&row["Geography"]).or_default().insert(&row["Year"], value);
        }
    }
    assert_eq!(figures.len(), AREAS.len());
    let mut slugs = BTreeMap::new();
    for geography in figures.keys().copied().chain(["Canada"]) {
        let slug: String = domain::key::Slug::suggest(geography).unwrap().into();
        let input = json!({ "slug": slug, "name": english(geography), "kind": "OTHER", "country": "CA" });
        let community = app.create("community", input).await;
        app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
        slugs.insert(slug, geography);
    }
    let arguments =
        ["--format", "open-sdg", "--network", "canada", "--source", "statcan", "--blank-geography", "canada"];
    let totals = ["--create-missing=indicators,sources", "--total", "Total", "--total", "Gender=All genders"];
    let arguments = [&arguments[..], &totals].concat();
    let (told, out) = import(&db, &arguments, std::slice::from_ref(&path));
    let [read, created, updated, unchanged, rejected] = told.counts;
    assert_eq!(read, all.len() as u64);
    assert_eq!(read, created + updated + unchanged + rejected, "{out}");
    let strangers = all.iter().filter(|row| {
        !["", "Canada"].contains(&row["Geography"].as_str()) && !figures.contains_key(row["Geography"].as_str())
    });
    assert!(rejected >= strangers.count() as u64, "a place that nobody declared is not guessed\n{out}");

    let query = "{ comparison(network: \"canada\", indicator: \"1-1-1\", period: \"2023\", baselinePeriod: \"2015\") {
        entries { community { slug } current { value } baseline { value } change } } }";
    let comparison = app.anonymous.data(query, json!({})).await["comparison"].take();
    let mut changes = Vec::new();
    for entry in comparison["entries"].as_array().unwrap() {
        let geography = slugs[entry["community"]["slug"].as_str().unwrap()];
        let Some(series) = figures.get(geography) else { continue };
        let (first, last) = (series["2015"], series["2023"]);
        assert_eq!(
            (&entry["baseline"]["value"], &entry["current"]["value"]),
            (&json!(first), &json!(last)),
            "{geography}"
        );
        let change = entry["change"].as_f64().unwrap();
        assert!((change - (last - first)).abs() < 1e-9);
        changes.push((geography, first, last, change));
    }
    assert_eq!(changes.len(), AREAS.len());
    let of = |name: &str| *changes.iter().find(|(geography, ..)| geography.starts_with(name)).unwrap();
    assert_eq!(of("Winnipeg"), ("Winnipeg, Manitoba", 15.7, 9.8, -5.9));
    assert_eq!((of("Montr").3, of("Edmonton").3), (-8.6, 3.1));
    assert!(changes.iter().all(|(.., change)| *change >= of("Montr").3), "Montréal fell most: {changes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_canadian_framework_is_accounted_for() {
    let name = "real_data::every_row_of_the_canadian_framework_is_accounted_for";
    let Some(folder) = data(name, "ca-cif-indicators") else { return };
    let (app, db, network) = network("canada").await;
    let input = json!({ "slug": "canada", "name": english("Canada"), "kind": "OTHER", "country": "CA" });
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
    let paths = files(&folder.join("data"));
    let (mut read, mut ambiguous) = (0, 0);
    for row in paths.iter().flat_map(|path| rows(path)) {
        read += 1;
        // Two years in a row are a fiscal year or a span: the files do not say which.
        let year = &row["Year"];
        ambiguous += u64::from(
            year.split_once('/').is_some_and(|(a, b)| a.parse::<i32>().unwrap() + 1 == b.parse::<i32>().unwrap()),
        );
    }
    assert_eq!((paths.len(), read), (77, 171_138));
    let common = ["--format", "open-sdg", "--network", "canada", "--source", "statcan", "--blank-geography", "canada"];
    let common = [&common[..], &["--create-missing", "--country", "CA", "--dry-run"]].concat();
    let (without, out) = import(&db, &common, std::slice::from_ref(&folder.join("data")));
    let [all, created, updated, unchanged, rejected] = without.counts;
    assert_eq!((all, created + updated + unchanged + rejected), (read, read), "{out}");
    assert!(rejected >= ambiguous && ambiguous > 0, "{out}");
    let (with, out) =
        import(&db, &[&common[..], &["--fiscal-year-start", "4"]].concat(), std::slice::from_ref(&folder.join("data")));
    assert_eq!(with.counts[0], read, "{out}");
    assert!(with.counts[4] < rejected, "declared, they are kept");
    let data = app.anonymous.data("{ communities { totalCount } indicators { totalCount } }", json!({})).await;
    assert_eq!(data["communities"]["totalCount"], 1, "a dry run leaves nothing");
    assert_eq!(data["indicators"]["totalCount"], Value::from(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_leaves_nothing_and_says_where_it_is_bad() {
    let (app, db, network) = network("net").await;
    let input = json!({ "slug": "a", "name": english("A"), "kind": "OTHER", "country": "CA",
        "codes": [{ "scheme": "areacd", "code": "A1" }] });
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": network, "community": community, "joinedOn": "2000-01-01" })).await;
    app.source("s").await;
    app.indicator("rate", json!({})).await;
    let folder = TempDir::new().unwrap();
    let header = "areacd,indicator,period,observation,unit,status\n";
    let good = format!("{header}A1,rate,2020,10,%,\n");
    let mut truncated = Vec::new();
    flate2::GzBuilder::new()
        .read(good.repeat(2_000).as_bytes(), flate2::Compression::fast())
        .read_to_end(&mut truncated)
        .unwrap();
    truncated.truncate(truncated.len() / 2);
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("empty.csv", Vec::new(), "empty"),
        ("truncated.csv.gz", truncated, "gz"),
        ("unknown.csv", b"areacd,indicator,period,observation,colour\nA1,rate,2020,10,red\n".to_vec(), "colour"),
        ("twice.csv", b"areacd,indicator,period,observation,period\nA1,rate,2020,10,2020\n".to_vec(), "period"),
        ("range.csv", format!("{header}A1,rate,2020,101,%,\n").into_bytes(), "line 2"),
        ("period.csv", format!("{header}A1,rate,2020-13,10,%,\n").into_bytes(), "line 2"),
        ("place.csv", format!("{header}B2,rate,2020,10,%,\n").into_bytes(), "line 2"),
        ("bytes.csv", [header.as_bytes(), b"A1,r\xffte,2020,10,%,\n"].concat(), "line 2"),
        ("status.csv", format!("{header}A1,rate,2020,,%,\n").into_bytes(), "line 2"),
    ];
    for (file, bytes, told) in cases {
        let path = folder.path().join(file);
        std::fs::write(&path, bytes).unwrap();
        let arguments = ["import", "--format", "tidy", "--network", "net", "--source", "s"];
        let output = concert(&arguments).arg(&path).env("DATABASE_URL", &db.url).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{file}: {text}");
        assert!(text.contains(told), "{file}: {told} is not in:\n{text}");
        let data = app.anonymous.data("{ communities { nodes { series { totalCount } } } }", json!({})).await;
        assert_eq!(data["communities"]["nodes"][0]["series"]["totalCount"], 0, "{file}: something stayed");
    }
    let path = folder.path().join("good.csv");
    std::fs::write(&path, good).unwrap();
    let arguments = ["--format", "tidy", "--network", "net", "--source", "s"];
    let (told, out) = import(&db, &arguments, std::slice::from_ref(&path));
    assert_eq!(told, Told { counts: [1, 1, 0, 0, 0], code: 0 }, "{out}");
}
