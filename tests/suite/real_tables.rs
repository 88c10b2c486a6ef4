//! The public data sets that are tables of other makes, by the mappings kept beside the guide, and those of the other formats: every
//! cell that holds a figure is accounted for, counted from the files by themselves. The largest are read in part.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::App,
    db::TestDatabase,
    fixture::english,
    real_data::{Told, data, files, import, network, rows},
};

fn mapping(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mappings").join(name);
    path.to_str().unwrap().to_owned()
}

/// The text of a file, plain or gzip.
fn bytes(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut text = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
        bytes = text;
    }
    bytes
}

/// The lines of a text that are its header or begin in one of these ways.
fn part(text: &[u8], header: usize, begins: &[&str]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n').enumerate();
    let kept = lines
        .filter(|(number, line)| *number < header || begins.iter().any(|start| line.starts_with(start.as_bytes())));
    kept.flat_map(|(_, line)| line.iter().copied()).collect()
}

fn mapped(db: &TestDatabase, name: &str, country: &str, path: &Path, more: &[&str]) -> (Told, String) {
    let file = mapping(name);
    let arguments =
        ["--format", "mapped", "--network", "net", "--source", "office", "--country", country, "--mapping", &file];
    let arguments = [&arguments[..], &["--create-missing"], more].concat();
    import(db, &arguments, &[path.to_owned()])
}

/// Imports a file twice: the second time nothing changes.
fn twice(db: &TestDatabase, name: &str, country: &str, path: &Path) -> [u64; 5] {
    let (first, out) = mapped(db, name, country, path, &[]);
    let [read, created, updated, unchanged, rejected] = first.counts;
    assert_eq!(read, created + updated + unchanged + rejected, "{out}");
    let (again, out) = mapped(db, name, country, path, &[]);
    assert_eq!(again.counts, [read, 0, 0, created + updated + unchanged, rejected], "{out}");
    first.counts
}

/// The figures of everybody in a place, found by its name, by an indicator: period and value.
async fn values(app: &App, indicator: &str, name: &str) -> Vec<(String, f64)> {
    let query = "query($indicator: String!, $name: String!) { indicator(code: $indicator) { id }
        communities(filter: { text: $name }) { nodes { id } } }";
    let found = app.anonymous.data(query, json!({ "indicator": indicator, "name": name })).await;
    let places = found["communities"]["nodes"].as_array().unwrap();
    assert_eq!(places.len(), 1, "{name}");
    let query = "query($id: ID!, $indicator: ID!) { node(id: $id) { ... on Community {
        series(first: 2, filter: { indicators: [$indicator], disaggregation: [] }) { nodes {
        observations(first: 100) { nodes { period value } } } } } } }";
    let variables = json!({ "id": places[0]["id"], "indicator": found["indicator"]["id"] });
    let found = app.anonymous.data(query, variables).await;
    let series = found["node"]["series"]["nodes"].as_array().unwrap();
    assert_eq!(series.len(), 1, "{name}");
    let nodes = series[0]["observations"]["nodes"].as_array().unwrap();
    let pair = |one: &Value| Some((one["period"].as_str()?.to_owned(), one["value"].as_f64()?));
    let mut values: Vec<_> = nodes.iter().filter_map(pair).collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unemployment_of_us_counties() {
    let name = "real_tables::unemployment_of_us_counties";
    let Some(folder) = data(name, "us-county-unemployment") else { return };
    let (app, db, _) = network("net").await;
    let text = bytes(&folder.join("laus_county_annual_1990_2014.csv.gz"));
    let scratch = TempDir::new().unwrap();
    // Louisiana, where a hurricane kept figures from being collected, and Alabama, whose codes begin with a zero.
    let path = scratch.path().join("laus.csv");
    fs::write(&path, part(&text, 1, &["CN22", "CN01", "PA22", "PA01"])).unwrap();
    let all = rows(&path);
    let missing = all.iter().filter(|row| row["unemployed"] == "N.A.").count() as u64;
    assert!(all.len() > 3_000 && missing == 14, "{} {missing}", all.len());
    let cells = all.len() as u64 * 4;
    assert_eq!(twice(&db, "us-bls-county-unemployment.json", "US", &path), [cells, cells, 0, 0, 0]);
    let mut expected: Vec<(String, f64)> = all
        .iter()
        .filter(|row| (row["state_fips"].as_str(), row["county_fips"].as_str()) == ("01", "001"))
        .map(|row| (row["year"].clone(), row["unemployment_rate"].parse().unwrap()))
        .collect();
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(values(&app, "bls-unemployment-rate", "Autauga County, AL").await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn population_of_us_counties_by_age_and_sex() {
    let name = "real_tables::population_of_us_counties_by_age_and_sex";
    let Some(folder) = data(name, "us-county-population-agesex") else { return };
    let (app, db, _) = network("net").await;
    let text = bytes(&folder.join("cc-est2023-agesex-all.csv.gz"));
    let scratch = TempDir::new().unwrap();
    // New Mexico, which has Doña Ana County in it.
    let path = scratch.path().join("agesex.csv");
    let chosen = part(&text, 1, &["050,35,"]);
    assert!(std::str::from_utf8(&chosen).is_err(), "its letters are not UTF-8");
    fs::write(&path, &chosen).unwrap();
    let letters: String = chosen.iter().map(|&byte| char::from(byte)).collect();
    let lines: Vec<Vec<&str>> = letters.lines().map(|line| line.trim_end().split(',').collect()).collect();
    let cells = ((lines.len() - 1) * (lines[0].len() - 6)) as u64;
    assert_eq!((lines[0].len(), cells % 90), (96, 0));
    let [read, created, updated, unchanged, rejected] =
        twice(&db, "us-census-county-population-agesex.json", "US", &path);
    assert_eq!([read, created, updated, unchanged, rejected], [cells, cells, 0, 0, 0]);
    let known = app
        .anonymous
        .data("{ communities(filter: { text: \"Doña Ana\" }) { nodes { name { text } } } }", json!({}))
        .await;
    assert_eq!(known["communities"]["nodes"], json!([{ "name": { "text": "Doña Ana County, New Mexico" } }]));
    let dates = ["2020-04-01", "2020-07-01", "2021-07-01", "2022-07-01", "2023-07-01"];
    let of = |line: &&Vec<&str>| line[2] == "013";
    let expected: Vec<(String, f64)> = lines
        .iter()
        .filter(of)
        .map(|line| (dates[line[5].parse::<usize>().unwrap() - 1].to_owned(), line[6].parse().unwrap()))
        .collect();
    assert_eq!(values(&app, "census-population", "Doña Ana County").await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poverty_estimates_of_us_counties() {
    let name = "real_tables::poverty_estimates_of_us_counties";
    let Some(folder) = data(name, "us-county-poverty-saipe-2023") else { return };
    let (app, db, _) = network("net").await;
    let text = bytes(&folder.join("est23all.sheet.csv.gz"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
    let all: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    // Alabama and Hawaii, with a county of which nothing is known; the nation and its states stand between the counties.
    let chosen = |(number, line): &(usize, &csv::StringRecord)| *number < 5 || ["01", "1", "15"].contains(&&line[0]);
    let lines: Vec<&csv::StringRecord> = all.iter().enumerate().filter(chosen).map(|(_, line)| line).collect();
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("saipe.csv");
    let mut writer = csv::WriterBuilder::new().flexible(true).from_path(&path).unwrap();
    for line in &lines {
        writer.write_record(*line).unwrap();
    }
    writer.flush().unwrap();
    let header = lines[3];
    let figures: Vec<usize> = (4..header.len()).filter(|&column| !header[column].contains("CI ")).collect();
    let counties: Vec<_> = lines.iter().skip(4).filter(|line| !line[1].bytes().all(|byte| byte == b'0')).collect();
    assert_eq!((counties.len(), figures.len()), (67 + 5, 9));
    let cells = (counties.len() * figures.len()) as u64;
    let missing =
        counties.iter().flat_map(|line| figures.iter().map(|&column| &line[column])).filter(|cell| *cell == ".");
    assert!(missing.count() > 2 * counties.len(), "ages 0 to 4 are estimated for states alone");
    assert_eq!(twice(&db, "us-census-saipe.json", "US", &path), [cells, cells, 0, 0, 0]);
    let autauga = counties.iter().find(|line| line[3].starts_with("Autauga")).unwrap();
    let people: f64 = autauga[figures[0]].replace(',', "").parse().unwrap();
    assert_eq!(values(&app, "saipe-people-in-poverty", "Autauga County").await, [("2023".to_owned(), people)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_of_torontos_neighbourhoods() {
    let name = "real_tables::profiles_of_torontos_neighbourhoods";
    let Some(folder) = data(name, "ca-toronto-neighbourhoods") else { return };
    let (app, db, _) = network("net").await;
    let text = bytes(&folder.join("neighbourhood-profiles-2016.csv.gz"));
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_slice());
    let header = reader.headers().unwrap().clone();
    let first = header.iter().position(|name| name == "Agincourt North").unwrap();
    let all: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((all.len(), header.len() - first), (2_383, 140));
    // A tenth of the characteristics, with the first few, among which are those that are no figures.
    let chosen: Vec<_> =
        all.iter().enumerate().filter(|(number, _)| *number < 10 || number % 10 == 0).map(|(_, row)| row).collect();
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("profiles.csv");
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(&header).unwrap();
    for row in &chosen {
        writer.write_record(*row).unwrap();
    }
    writer.flush().unwrap();
    let figures = |row: &&&csv::StringRecord| !["1", "2", "4"].contains(&&row[0]);
    let cells =
        chosen.iter().filter(figures).flat_map(|row| row.iter().skip(first)).filter(|cell| !cell.trim().is_empty());
    let number = |cell: &&str| cell.trim().trim_end_matches('%').replace(',', "").parse::<f64>().is_ok();
    let (numbers, others): (Vec<&str>, Vec<&str>) = cells.partition(number);
    let [read, created, updated, unchanged, rejected] =
        twice(&db, "ca-toronto-neighbourhood-profiles.json", "CA", &path);
    assert_eq!((read, updated, unchanged), ((numbers.len() + others.len()) as u64, 0, 0));
    assert_eq!((created, rejected), (numbers.len() as u64, others.len() as u64), "{others:?}");
    let population = all.iter().find(|row| &row[0] == "3").unwrap();
    let expected: f64 = population[first].replace(',', "").parse().unwrap();
    assert_eq!(values(&app, "toronto-np2016-3", "Agincourt North").await, [("2016".to_owned(), expected)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goals_of_los_angeles() {
    let name = "real_tables::goals_of_los_angeles";
    let Some(folder) = data(name, "us-los-angeles-sdg") else { return };
    let (app, db, network) = network("net").await;
    let input =
        json!({ "slug": "los-angeles", "name": english("Los Angeles"), "kind": "MUNICIPALITY", "country": "US" });
    let community = app.create("community", input).await;
    app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
    let paths = files(&folder.join("data"));
    let (mut read, mut unclear, mut contradicted) = (0, 0, 0);
    for path in &paths {
        let mut known: BTreeMap<Vec<(String, String)>, String> = BTreeMap::new();
        for row in rows(path) {
            read += 1;
            if !is_clear(row["Year"].trim()) {
                unclear += 1;
                continue;
            }
            let mut cells: Vec<(String, String)> =
                row.into_iter().map(|(name, cell)| (name, cell.trim().to_owned())).collect();
            let place = cells.iter().position(|(name, _)| name.trim() == "Value").unwrap();
            let value = cells.remove(place).1;
            let before = known.entry(cells).or_insert_with(|| value.clone());
            contradicted += u64::from(*before != value);
        }
    }
    assert_eq!((paths.len(), read, unclear, contradicted), (135, 4_812, 102, 9));
    let scratch = TempDir::new().unwrap();
    let rejects = scratch.path().join("rejects.csv");
    let arguments = ["--format", "open-sdg", "--network", "net", "--source", "la", "--blank-geography", "los-angeles"];
    let more =
        ["--create-missing=indicators,sources,communities", "--country", "US", "--rejects", rejects.to_str().unwrap()];
    let (told, out) = import(&db, &[&arguments[..], &more].concat(), std::slice::from_ref(&folder.join("data")));
    let [counted, created, updated, unchanged, rejected] = told.counts;
    assert_eq!((counted, updated, rejected), (read, 0, unclear + contradicted), "{out}");
    assert_eq!(created + unchanged, read - rejected, "{out}");
    let reasons: Vec<_> = rows(&rejects).into_iter().map(|row| row["code"].clone()).collect();
    assert_eq!(reasons.iter().filter(|code| *code == "CONFLICT").count() as u64, contradicted);
    assert_eq!(reasons.len() as u64, rejected, "each with its reason");
}

/// A year, or several that are more than two: two in a row could be a fiscal year.
fn is_clear(year: &str) -> bool {
    let number = |text: &str| text.parse::<i32>().ok();
    match year.split_once(['-', '–']) {
        None => number(year).is_some(),
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(first, last)| first + 1 < last),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_statistics_canada() {
    let name = "real_tables::a_table_of_statistics_canada";
    let Some(folder) = data(name, "statcan-full-table-sample") else { return };
    let (_, db, _) = network("net").await;
    let path = folder.join("18100204.csv.gz");
    let all = rows(&path);
    let suppressed = all.iter().filter(|row| row["VALUE"].is_empty()).count();
    assert_eq!((all.len(), suppressed), (11_804, 32));
    let arguments =
        ["--format", "statcan", "--network", "net", "--source", "statcan", "--country", "CA", "--create-missing"];
    let (told, out) = import(&db, &arguments, std::slice::from_ref(&path));
    let read = all.len() as u64;
    assert_eq!(told.counts, [read, read, 0, 0, 0], "{out}");
    let (again, out) = import(&db, &arguments, std::slice::from_ref(&path));
    assert_eq!(again.counts, [read, 0, 0, read, 0], "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_of_dhis2() {
    let name = "real_tables::payloads_of_dhis2";
    let Some(folder) = data(name, "dhis2-samples") else { return };
    let (app, db, network) = network("net").await;
    for (slug, code) in [("bo", "O6uvpzGd5pu"), ("one", "DiszpKrYNg8"), ("two", "BdfsJfj87js")] {
        let input = json!({ "slug": slug, "name": english(slug), "kind": "OTHER", "country": "SL",
            "codes": [{ "scheme": "dhis2:UID", "code": code }] });
        let community = app.create("community", input).await;
        app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
    }
    let send = |strategy: &str, file: &str| {
        let arguments = ["--format", "dhis2", "--network", "net", "--source", "dhis2", "--import-strategy", strategy];
        import(&db, &[&arguments[..], &["--create-missing=indicators,sources"]].concat(), &[folder.join(file)])
    };
    let bulk: serde_json::Value =
        serde_json::from_slice(&bytes(&folder.join("e2e/aggregate/dataValues_bulk.json"))).unwrap();
    let values = bulk["dataValues"].as_array().unwrap();
    let numbers =
        values.iter().filter(|one| one["value"].as_str().is_some_and(|text| text.parse::<f64>().is_ok())).count();
    let (read, numbers) = (values.len() as u64, numbers as u64);
    let (told, out) = send("create-and-update", "e2e/aggregate/dataValues_bulk.json");
    assert_eq!(told.counts, [read, numbers, 0, 0, read - numbers], "truth values are no figures\n{out}");
    let counts = |strategy: &str, file: &str| {
        let (told, out) = send(strategy, file);
        assert_eq!(told.counts[0], told.counts[1..].iter().sum::<u64>(), "{out}");
        told.counts
    };
    let one = |name: &str| format!("integration/datavalueset/{name}.json");
    assert_eq!(counts("create-and-update", "e2e/aggregate/dataValues_single_dataset.json"), [2, 2, 0, 0, 0]);
    // Only what is there is updated, only what is not there is created: the indicator neither, nor a series.
    let kept = async || {
        let query =
            "{ indicators { totalCount } sources { totalCount } communities { nodes { series { totalCount } } } }";
        app.admin.data(query, json!({})).await
    };
    let before = kept().await;
    assert_eq!(counts("update", &one("dataValueSetJ")), [1, 0, 0, 0, 1]);
    assert_eq!(counts("delete", &one("dataValueSetJ")), [1, 0, 0, 0, 1]);
    assert_eq!(kept().await, before);
    assert_eq!(counts("create", &one("dataValueSetJ")), [1, 1, 0, 0, 0]);
    assert_ne!(kept().await, before);
    assert_eq!(counts("create", &one("dataValueSetJ")), [1, 0, 0, 1, 0]);
    assert_eq!(counts("create", &one("dataValueSetJDeleteNewValue")), [1, 0, 0, 0, 1]);
    assert_eq!(counts("update", &one("dataValueSetJDeleteNewValue")), [1, 0, 1, 0, 0]);
    assert_eq!(counts("create-and-update", &one("dataValueSetJDeleteZeroValue")), [1, 0, 1, 0, 0]);
    assert_eq!(counts("create-and-update", &one("dataValueSetJDeleteNoValue")), [1, 0, 0, 0, 1]);
    let table = |name: &str| format!("integration/dxf2/datavalueset/{name}.csv");
    let heads = counts("create-and-update", &table("dataValueSetB"));
    assert_eq!(heads, [12, 11, 1, 0, 0], "one of them was known");
    assert_eq!(counts("create-and-update", &table("dataValueSetBNoHeader")), [12, 0, 0, 12, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_the_impact_data_standard() {
    let name = "real_tables::reports_of_the_impact_data_standard";
    let Some(folder) = data(name, "common-impact-data-standard") else { return };
    let (_, db, _) = network("net").await;
    let path = folder.join("derived/TestData1.jsonld");
    let document: Value = serde_json::from_slice(&bytes(&path)).unwrap();
    let nodes = document.as_array().unwrap();
    let property = |node: &Value, name: &str| -> Vec<Value> {
        let all = node.as_object().unwrap().iter();
        all.filter(|(key, _)| key.ends_with(name)).flat_map(|(_, list)| list.as_array().unwrap().clone()).collect()
    };
    let referred = |node: &Value, name: &str| {
        let id = property(node, name).first()?["@id"].clone();
        nodes.iter().find(|other| other["@id"] == id)
    };
    let is_report = |node: &&Value| {
        let kinds = node["@type"].as_array().into_iter().flatten();
        kinds.filter_map(Value::as_str).any(|kind| kind.ends_with("#IndicatorReport"))
    };
    let reports: Vec<&Value> = nodes.iter().filter(is_report).collect();
    let has_number = |report: &&&Value| {
        let measure = referred(report, "#value").unwrap();
        property(measure, "#hasNumericalValue").iter().any(|one| one["@value"].as_str().unwrap().parse::<f64>().is_ok())
    };
    let (numbers, texts): (Vec<&Value>, Vec<&Value>) = reports.iter().copied().partition(|report| has_number(&report));
    assert_eq!((reports.len(), numbers.len()), (16, 6));
    // An indicator of several names has none that it could be found by.
    let unnamed =
        |report: &&&Value| referred(report, "#forIndicator").is_none_or(|one| property(one, "#hasName").len() != 1);
    let ambiguous = numbers.iter().filter(unnamed).count();
    let arguments = ["--format", "cids", "--network", "net", "--source", "cids", "--country", "CA", "--create-missing"];
    let (told, out) = import(&db, &arguments, std::slice::from_ref(&path));
    let [read, created, rejected] =
        [reports.len(), numbers.len() - ambiguous, texts.len() + ambiguous].map(|count| count as u64);
    assert_eq!(told.counts, [read, created, 0, 0, rejected], "{out}");
}
