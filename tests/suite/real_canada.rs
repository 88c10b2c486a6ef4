//! All files of the Canadian indicator framework, imported into communities that were declared with their spellings.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    app::App,
    real_data::{Told, data, files, network, rows},
    round_trip::{by_recipe, indicator_by_indicator, place},
};

/// Names that stand for no community: what is left over, and places abroad.
const STRANGERS: [&str; 2] = ["Rest of Canada", "Canadian territorial enclaves abroad"];

/// A cell without the mark that the portal's translation looks for.
fn bare(cell: &str) -> &str {
    cell.strip_prefix("data.").unwrap_or(cell).trim()
}

/// Every place, with the other spellings of its name that the guide keeps.
fn places() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/imports/ca-indicator-framework-places.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Whether no figure can be so: a share above 100 (there are some in 4-1-1), or one of a year that is not over.
fn impossible(path: &Path, row: &BTreeMap<&str, &str>, today: chrono::NaiveDate) -> bool {
    let shares = path.to_string_lossy().contains("indicator_4-1-1.");
    let share = || row["Value"].parse::<f64>().is_ok_and(|value| value > 100.0);
    let last = row["Year"].parse().ok().and_then(|year| chrono::NaiveDate::from_ymd_opt(year, 12, 31));
    (shares && share()) || last.is_some_and(|last| last > today)
}

/// Declares every place in a network; answers the name that each spelling means.
async fn declare(app: &App, network: &str) -> BTreeMap<String, String> {
    let mut meant = BTreeMap::new();
    for (name, aliases) in places() {
        place(app, network, &name, &json!({ "aliases": aliases })).await;
        meant.extend(aliases.into_iter().chain([name.clone()]).map(|spelling| (spelling, name.clone())));
    }
    meant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_spelling_of_a_place_comes_to_its_one_community() {
    let name = "real_canada::every_spelling_of_a_place_comes_to_its_one_community";
    let Some(folder) = data(name, "ca-cif-indicators") else { return };
    let folder = folder.join("data");
    let ((app, db, here), (elsewhere, other, there)) = (network("net").await, network("net").await);
    let meant = declare(&app, &here).await;
    declare(&elsewhere, &there).await;
    let catharines = meant.values().filter(|name| *name == "St. Catharines-Niagara, Ontario").count();
    assert_eq!(catharines, 4, "a dash, a hyphen with and without spaces, and a short province");
    let (mut read, mut strangers, mut outside, mut repeated) = (0, 0, 0, 0);
    let mut figures = BTreeSet::new();
    let today = chrono::Utc::now().date_naive();
    let mut of_catharines = BTreeSet::new();
    for path in files(&folder) {
        for row in rows(&path) {
            read += 1;
            let row: BTreeMap<&str, &str> = row.iter().map(|(column, cell)| (bare(column), bare(cell))).collect();
            let place = row.get("Geography").copied().unwrap_or_default();
            let total = |cell: &str| ["Total", "All genders"].contains(&cell);
            let known = ["Year", "Value", "Geography", "GeoCode"];
            let about = row.iter().filter(|(column, cell)| !known.contains(column) && !cell.is_empty() && !total(cell));
            let about: Vec<String> = about.map(|(column, cell)| format!("{column}={cell}")).collect();
            if STRANGERS.contains(&place) {
                strangers += 1;
            } else if impossible(&path, &row, today) {
                outside += 1;
            } else {
                let place = if place.is_empty() { "Canada" } else { meant[place].as_str() };
                repeated +=
                    u64::from(!figures.insert((path.clone(), place.to_owned(), row["Year"].to_owned(), about.clone())));
            }
            if place.starts_with("St. Catharines") {
                of_catharines.insert((path.clone(), about));
            }
        }
    }
    assert_eq!(read, 171_138);
    let scratch = TempDir::new().unwrap();
    let rejects = scratch.path().join("rejects.csv");
    let more = ["--source", "statcan", "--rejects", rejects.to_str().unwrap()];
    let import = || by_recipe(&db, "ca-indicator-framework", &more, std::slice::from_ref(&folder));
    let (told, out) = import();
    let rejected = strangers + outside;
    let created = figures.len() as u64;
    assert_eq!(created + repeated + rejected, read);
    // What stands twice in a file, under two spellings of its place or with and without a total, is found unchanged.
    assert_eq!(told, Told { counts: [read, created, 0, repeated, rejected], code: 1 }, "{out}");
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows(&rejects) {
        *reasons.entry(row["code"].clone()).or_default() += 1;
        assert!(!row["row"].contains("St. Catharines"), "{row:?}");
    }
    let expected = [("NOT_FOUND", strangers), ("OUT_OF_RANGE", outside)].map(|(code, rows)| (code.to_owned(), rows));
    assert_eq!(reasons, BTreeMap::from(expected), "strangers and the impossible, and nobody else, are turned away");

    let query =
        "{ communities { totalCount } community(slug: \"st-catharines-niagara-ontario\") { series { totalCount } } }";
    let found = app.anonymous.data(query, json!({})).await;
    assert_eq!(found["communities"]["totalCount"], places().len());
    assert_eq!(found["community"]["series"]["totalCount"], of_catharines.len());

    compared_as_in_the_file(&app, &folder, &meant).await;

    let (again, out) = import();
    assert_eq!(again, Told { counts: [read, 0, 0, read - rejected, rejected], code: 1 }, "{out}");
    assert_eq!(indicator_by_indicator(&db, &other, "statcan", "CA"), created);
}

/// The poverty rate of metropolitan areas in 2015 and 2023, computed from the file, is what the comparison answers.
async fn compared_as_in_the_file(app: &App, folder: &Path, meant: &BTreeMap<String, String>) {
    let mut expected: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for row in rows(&folder.join("indicator_1-1-1.csv.gz")) {
        let everybody =
            row["Age group"] == "Total" && row["Gender"] == "All genders" && row["Economic family type"] == "Total";
        let area = row["Geography"].contains(',') && ["2015", "2023"].contains(&row["Year"].as_str());
        if everybody
            && area
            && let Ok(value) = row["Value"].parse()
        {
            expected.entry(meant[&row["Geography"]].clone()).or_default().insert(row["Year"].clone(), value);
        }
    }
    let query = "{ comparison(network: \"net\", indicator: \"1-1-1\", period: \"2023\", baselinePeriod: \"2015\") {
        entries { community { name { text } } current { value } baseline { value } change } } }";
    let answer = app.anonymous.data(query, json!({})).await;
    let mut changes: Vec<(&str, f64, f64, f64)> = Vec::new();
    for entry in answer["comparison"]["entries"].as_array().unwrap() {
        let name = entry["community"]["name"]["text"].as_str().unwrap();
        let (first, last) = (entry["baseline"]["value"].as_f64(), entry["current"]["value"].as_f64());
        let Some(figures) = expected.get(name) else { continue };
        assert_eq!((first, last), (figures.get("2015").copied(), figures.get("2023").copied()), "{name}");
        changes.push((name, first.unwrap(), last.unwrap(), entry["change"].as_f64().unwrap()));
    }
    assert_eq!((changes.len(), expected.len()), (8, 8), "{changes:?}");
    changes.sort_by(|a, b| a.3.total_cmp(&b.3));
    assert!(changes[0].0.starts_with("Montréal") && (changes[0].3 + 8.6).abs() < 1e-9, "{changes:?}");
    let of = |name: &str| *changes.iter().find(|(community, ..)| community.starts_with(name)).unwrap();
    assert_eq!((of("Winnipeg").1, of("Winnipeg").2), (15.7, 9.8));
    assert!((of("Edmonton").3 - 3.1).abs() < 1e-9, "{changes:?}");
}
