//! The public data sets that are tables of other makes, by the mappings kept beside the guide: every cell that holds a figure comes
//! out of the database as it stands in the file, read here by itself, and goes there and back in other formats. The largest are
//! read in part unless `CONCERT_TEST_WHOLE` is set.

use std::{collections::HashMap, fs, io::Read as _, path::Path};

use flate2::read::MultiGzDecoder;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    db::TestDatabase,
    real_data::{Told, data, import, network, rows},
    round_trip::{Way, as_tidy_and_ndjson, assert_same, figures, key, values},
};

type Figures = HashMap<String, Option<f64>>;

fn mapping(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mappings").join(name);
    path.to_str().unwrap().to_owned()
}

/// The text of a file, plain or gzip.
pub fn bytes(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut text = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
        bytes = text;
    }
    bytes
}

/// Whether the largest files are to be read to their end, which takes minutes.
fn whole() -> bool {
    std::env::var_os("CONCERT_TEST_WHOLE").is_some()
}

/// The lines of a text that are its header or begin in one of these ways; all of it where the whole is asked for.
fn part(text: &[u8], begins: &[&str]) -> Vec<u8> {
    if whole() {
        return text.to_vec();
    }
    let lines = text.split_inclusive(|&byte| byte == b'\n').enumerate();
    let kept =
        lines.filter(|(number, line)| *number == 0 || begins.iter().any(|start| line.starts_with(start.as_bytes())));
    kept.flat_map(|(_, line)| line.iter().copied()).collect()
}

fn mapped(db: &TestDatabase, name: &str, country: &str, path: &Path, more: &[&str]) -> (Told, String) {
    let file = mapping(name);
    let arguments =
        ["--format", "mapped", "--network", "net", "--source", "office", "--country", country, "--mapping", &file];
    let arguments = [&arguments[..], &["--create-missing", "--disclosure-controlled"], more].concat();
    import(db, &arguments, &[path.to_owned()])
}

/// Imports a file twice, and holds what is known then against what it says: the second time nothing changes. `rejected` are the rows
/// that are not kept.
fn twice(db: &TestDatabase, name: &str, country: &str, path: &Path, (expected, rejected): (&Figures, u64)) {
    let figures = expected.len() as u64;
    let (first, out) = mapped(db, name, country, path, &[]);
    assert_eq!(first.counts, [figures + rejected, figures, 0, 0, rejected], "{out}");
    let (again, out) = mapped(db, name, country, path, &[]);
    assert_eq!(again.counts, [figures + rejected, 0, 0, figures, rejected], "{out}");
}

/// A number as these tables write them.
fn number(cell: &str) -> Option<f64> {
    cell.trim().trim_end_matches('%').replace(',', "").parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unemployment_of_us_counties() {
    let name = "real_tables::unemployment_of_us_counties";
    let Some(folder) = data(name, "us-county-unemployment") else { return };
    let ((_here, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let scratch = TempDir::new().unwrap();
    // Louisiana, where a hurricane kept figures from being collected, and Alabama, whose codes begin with a zero.
    let path = scratch.path().join("laus.csv");
    let text = bytes(&folder.join("laus_county_annual_1990_2014.csv.gz"));
    fs::write(&path, part(&text, &["CN22", "CN01", "PA22", "PA01"])).unwrap();
    let columns = ["labor_force", "employed", "unemployed", "unemployment_rate"];
    let mut expected = Figures::new();
    for row in rows(&path) {
        for column in columns {
            assert!(number(&row[column]).is_some() || row[column] == "N.A.");
            let code = format!("{}{}", row["state_fips"], row["county_fips"]);
            let indicator = format!("bls-{}", column.replace('_', "-"));
            expected.insert(key(&code, &indicator, "", &row["year"]), number(&row[column]));
        }
    }
    // Seven parishes, two years, four figures.
    assert_eq!(expected.values().filter(|value| value.is_none()).count(), 56);
    twice(&db, "us-bls-county-unemployment.json", "US", &path, (&expected, 0));
    assert_same(&values(&figures(&db, "us:FIPS")), &expected);
    as_tidy_and_ndjson(&db, &other, "us:FIPS", "US", expected.len() as u64);
}

/// The age bands of the table as the mapping has them: `AGE1544` is `15-44`, `AGE85PLUS` is `85+`.
fn band(column: &str) -> String {
    let digits = column.strip_prefix("AGE").map_or_else(|| "under 5".to_owned(), str::to_owned);
    match digits.as_str() {
        "04" => "0-4".to_owned(),
        "59" => "5-9".to_owned(),
        "513" => "5-13".to_owned(),
        plus if plus.ends_with("PLUS") => plus.replace("PLUS", "+"),
        pair if pair.len() == 4 => format!("{}-{}", &pair[..2], &pair[2..]),
        other => other.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn population_of_us_counties_by_age_and_sex() {
    let name = "real_tables::population_of_us_counties_by_age_and_sex";
    let Some(folder) = data(name, "us-county-population-agesex") else { return };
    let ((app, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let scratch = TempDir::new().unwrap();
    // New Mexico, which has Doña Ana County in it.
    let path = scratch.path().join("agesex.csv");
    let chosen = part(&bytes(&folder.join("cc-est2023-agesex-all.csv.gz")), &["050,35,"]);
    assert!(std::str::from_utf8(&chosen).is_err(), "its letters are not UTF-8");
    fs::write(&path, &chosen).unwrap();
    let letters: String = chosen.iter().map(|&byte| char::from(byte)).collect();
    let lines: Vec<Vec<&str>> = letters.lines().map(|line| line.trim_end().split(',').collect()).collect();
    let dates = ["2020-04-01", "2020-07-01", "2021-07-01", "2022-07-01", "2023-07-01"];
    let mut expected = Figures::new();
    for line in &lines[1..] {
        let (code, date) = (format!("{}{}", line[1], line[2]), dates[line[5].parse::<usize>().unwrap() - 1]);
        for (column, cell) in lines[0].iter().map(|column| column.trim_matches('"')).zip(line).skip(6) {
            let (age, sex) = column.rsplit_once('_').unwrap_or((column, "TOT"));
            let (indicator, age) = match age {
                "POPESTIMATE" | "POPEST" => ("census-population", String::new()),
                "MEDIAN_AGE" => ("census-median-age", String::new()),
                age => ("census-population", format!("age={}", band(age))),
            };
            let sex = match sex {
                "TOT" => "",
                "MALE" => "sex=male",
                _ => "sex=female",
            };
            let about: Vec<&str> = [age.as_str(), sex].into_iter().filter(|part| !part.is_empty()).collect();
            let place = key(&code, indicator, &about.join(";"), date);
            assert!(expected.insert(place, Some(cell.parse().unwrap())).is_none(), "{column}");
        }
    }
    assert_eq!(expected.len(), (lines.len() - 1) * 90);
    twice(&db, "us-census-county-population-agesex.json", "US", &path, (&expected, 0));
    assert_same(&values(&figures(&db, "us:FIPS")), &expected);
    as_tidy_and_ndjson(&db, &other, "us:FIPS", "US", expected.len() as u64);
    let query = "{ communities(filter: { text: \"Doña Ana\" }) { nodes { name { text } } } }";
    let known = app.anonymous.data(query, json!({})).await;
    assert_eq!(known["communities"]["nodes"], json!([{ "name": { "text": "Doña Ana County, New Mexico" } }]));
}

/// The columns of an estimate in the table of poverty, the column after and the next being its limits.
const ESTIMATES: [(usize, &str, &str); 9] = [
    (4, "saipe-people-in-poverty", ""),
    (7, "saipe-poverty-rate", ""),
    (10, "saipe-people-in-poverty", "age=0-17"),
    (13, "saipe-poverty-rate", "age=0-17"),
    (16, "saipe-people-in-poverty", "age=5-17 in families"),
    (19, "saipe-poverty-rate", "age=5-17 in families"),
    (22, "saipe-median-household-income", ""),
    (25, "saipe-people-in-poverty", "age=0-4"),
    (28, "saipe-poverty-rate", "age=0-4"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poverty_estimates_of_the_us_its_states_and_counties() {
    let name = "real_tables::poverty_estimates_of_the_us_its_states_and_counties";
    let Some(folder) = data(name, "us-county-poverty-saipe-2023") else { return };
    let ((app, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let path = folder.join("est23all.sheet.csv.gz");
    let text = bytes(&path);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
    let (mut expected, mut limits) = (Figures::new(), HashMap::new());
    // Published for 90 %, kept for 95 %.
    let stretch = 1.959_963_985 / 1.644_853_627;
    for line in reader.records().map(Result::unwrap).skip(4) {
        // The nation is 00, a state 01, a county 01001.
        let code = format!("{:0>2}{}", &line[0], if &line[1] == "000" { "" } else { &line[1] });
        for (column, indicator, about) in ESTIMATES {
            let value = number(&line[column]);
            assert!(value.is_some() || &line[column] == ".");
            let place = key(&code, indicator, about, "2023");
            if let Some(value) = value {
                let moved = [1, 2].map(|next| value + (number(&line[column + next]).unwrap() - value) * stretch);
                limits.insert(place.clone(), moved);
            }
            expected.insert(place, value);
        }
    }
    // Kalawao County has nothing, and ages 0 to 4 are estimated for the nation and its states alone.
    assert_eq!((expected.len(), limits.len()), (28_764, 22_469));
    twice(&db, "us-census-saipe.json", "US", &path, (&expected, 0));
    let known = figures(&db, "us:FIPS");
    for figure in &known {
        let one = values(std::slice::from_ref(figure)).into_keys().next().unwrap();
        let Some(expected) = limits.get(&one) else { continue };
        let kept = ["lower", "upper"].map(|limit| figure[limit].as_f64().unwrap());
        let near = |(kept, expected): (&f64, &f64)| (kept - expected).abs() <= 1e-9 * expected.abs().max(1.0);
        assert!(kept.iter().zip(expected).all(near), "{one}: {kept:?} {expected:?}");
    }
    assert_same(&values(&known), &expected);
    as_tidy_and_ndjson(&db, &other, "us:FIPS", "US", expected.len() as u64);
    let query = "query($kind: CommunityKind!) { communities(filter: { kinds: [$kind] }) { totalCount } }";
    for (kind, places) in [("REGION", 52), ("COUNTY", 3_144)] {
        let found = app.anonymous.data(query, json!({ "kind": kind })).await;
        assert_eq!(found["communities"]["totalCount"], places, "{kind}");
    }
}

/// Topics of the census of 2016 that are about the year before.
const YEAR_BEFORE: [&str; 7] = [
    "Income of households in 2015",
    "Income of individuals in 2015",
    "Income of economic families in 2015",
    "Income sources",
    "Income taxes",
    "Low income in 2015",
    "Work activity during the reference year",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_of_toronto_and_its_neighbourhoods() {
    let name = "real_tables::profiles_of_toronto_and_its_neighbourhoods";
    let Some(folder) = data(name, "ca-toronto-neighbourhoods") else { return };
    let ((_here, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let scratch = TempDir::new().unwrap();
    // The first characteristics, among which are those that are no figures, a median that is published for the city alone, and
    // each fortieth.
    let path = scratch.path().join("profiles.csv");
    let chosen: Vec<String> = (1..12).chain([947]).chain((30..2_400).step_by(40)).map(|id| format!("{id},")).collect();
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    let text = part(&bytes(&folder.join("neighbourhood-profiles-2016.csv.gz")), &chosen);
    fs::write(&path, &text).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
    let all: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(all[0].len(), 146);
    let mut expected = Figures::new();
    for row in &all[3..] {
        let (period, indicator) = match &row[0] {
            "4" => ("2011", "toronto-np2016-3".to_owned()),
            id if YEAR_BEFORE.contains(&&row[2]) => ("2015", format!("toronto-np2016-{id}")),
            id => ("2016", format!("toronto-np2016-{id}")),
        };
        for (place, cell) in row.iter().enumerate().skip(5) {
            // The first row numbers the neighbourhoods; the city has no number.
            let code = Some(all[1][place].trim()).filter(|number| !number.is_empty()).unwrap_or("city");
            assert_eq!(number(cell).is_none(), cell.trim().is_empty(), "{cell}");
            expected.insert(key(code, &indicator, "", period), number(cell));
        }
    }
    let missing = expected.values().filter(|value| value.is_none()).count();
    assert!(!whole() || (expected.len(), missing) == (2_381 * 141, 7_845), "{} {missing}", expected.len());
    assert!(missing > 0 && ["2011", "2015", "2016"].iter().all(|year| expected.keys().any(|key| key.ends_with(year))));
    twice(&db, "ca-toronto-neighbourhood-profiles.json", "CA", &path, (&expected, 2));
    assert_same(&values(&figures(&db, "toronto:area")), &expected);
    as_tidy_and_ndjson(&db, &other, "toronto:area", "CA", expected.len() as u64);
    // The two rows that are left out are told with their reasons, and are no fault.
    let rejects = scratch.path().join("rejects.csv");
    let more = ["--dry-run", "--rejects", rejects.to_str().unwrap()];
    let (told, out) = mapped(&db, "ca-toronto-neighbourhood-profiles.json", "CA", &path, &more);
    assert_eq!(told.code, 0, "{out}");
    let told: Vec<_> = rows(&rejects).into_iter().map(|row| (row["line"].clone(), row["code"].clone())).collect();
    assert_eq!(told, [2, 3].map(|line: u32| (line.to_string(), "LEFT_OUT".to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn populations_of_canadian_places() {
    let name = "real_tables::populations_of_canadian_places";
    let Some(folder) = data(name, "ca-geography") else { return };
    let ((_here, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let sets = [
        ("health-regions/hr.csv", "ca-health-region-populations.json", "hruid", "statcan:HR", 99 * 5, 39),
        ("health-regions/pt.csv", "ca-province-populations.json", "pruid", "statcan:SGC", 13 * 16, 0),
    ];
    for (file, mapping, code, scheme, cells, blank) in sets {
        let path = folder.join(file);
        let mut expected = Figures::new();
        for row in rows(&path) {
            for (column, cell) in row.iter().filter(|(column, _)| column.starts_with("pop_")) {
                let date = format!("{}-01", column.trim_start_matches("pop_").replace('_', "-"));
                expected.insert(key(&row[code], "ca-population", "", &date), number(cell));
            }
            // The column that is not read says nothing that the others do not.
            let newest = row.iter().rfind(|(column, cell)| column.starts_with("pop_") && !cell.is_empty());
            assert_eq!(newest.unwrap().1, &row["pop"]);
        }
        assert_eq!(expected.len(), cells);
        assert_eq!(expected.values().filter(|value| value.is_none()).count(), blank);
        twice(&db, mapping, "CA", &path, (&expected, 0));
        let known = figures(&db, scheme);
        let of_scheme: Vec<_> = known.into_iter().filter(|figure| figure["community"]["scheme"] == scheme).collect();
        assert_same(&values(&of_scheme), &expected);
        let creating = ["--country", "CA", "--create-missing"];
        let way = Way { formats: ["tidy"; 2], both: &["--code-scheme", scheme], reading: &[], creating: &creating };
        assert_eq!(way.there_and_back(&db, Some(&other))[0], expected.len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_name_their_places() {
    let name = "real_tables::tables_that_name_their_places";
    let (Some(geography), Some(framework)) = (data(name, "ca-geography"), data(name, "ca-cif-indicators")) else {
        return;
    };
    let (_here, db, _) = network("net").await;
    let areas = geography.join("cma_2016_census.csv");
    let mut expected = Figures::new();
    for row in rows(&areas) {
        let slug: String = domain::key::Slug::suggest(&row["region"]).unwrap().into();
        for (column, indicator) in [
            ("population", "population"),
            ("households", "households"),
            ("dwellings", "dwellings"),
            ("area", "land-area"),
        ] {
            expected.insert(key(&slug, &format!("ca-census-{indicator}"), "", "2016"), number(&row[column]));
        }
    }
    assert_eq!(expected.len(), 35 * 4);
    twice(&db, "ca-census-metropolitan-areas-2016.json", "CA", &areas, (&expected, 0));
    assert_same(&values(&figures(&db, "none:none")), &expected);

    let headlines = framework.join("cif_metadata.csv");
    let today = chrono::Utc::now().date_naive();
    let (mut framework, mut not_kept) = (Figures::new(), 0);
    for row in rows(&headlines) {
        // Without a figure, or of a year that is not over.
        let last = row["current_year"].parse().ok().and_then(|year| chrono::NaiveDate::from_ymd_opt(year, 12, 31));
        match number(&row["current_value"]).filter(|_| last.is_some_and(|last| last <= today)) {
            None => not_kept += 1,
            value => {
                let indicator = format!("cif-headline-{}", row["indicator_number"]);
                framework.insert(key("canada", &indicator, "", &row["current_year"]), value);
            }
        }
    }
    assert!((67..=68).contains(&framework.len()), "{}", framework.len());
    twice(&db, "ca-indicator-framework-headlines.json", "CA", &headlines, (&framework, not_kept));
    expected.extend(framework);
    assert_same(&values(&figures(&db, "none:none")), &expected);
    let way = Way { formats: ["ndjson"; 2], both: &[], reading: &[], creating: &[] };
    assert_eq!(way.there_and_back(&db, None), [expected.len() as u64, 0]);
}
