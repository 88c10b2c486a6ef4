//! All files of the Canadian indicator framework, imported into communities that were declared with their spellings.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    app::App,
    fixture::english,
    real_data::{Told, data, files, import, network, rows},
};

/// Names that stand for no community: what is left over, and places abroad.
const STRANGERS: [&str; 2] = ["Rest of Canada", "Canadian territorial enclaves abroad"];

const PROVINCES: [(&str, &str); 10] = [
    ("N.L.", "Newfoundland and Labrador"),
    ("N.S.", "Nova Scotia"),
    ("N.B.", "New Brunswick"),
    ("Que.", "Quebec"),
    ("Ont.", "Ontario"),
    ("Man.", "Manitoba"),
    ("Sask.", "Saskatchewan"),
    ("Alta.", "Alberta"),
    ("B.C.", "British Columbia"),
    ("Ont./Que.", "Ontario/Quebec"),
];

/// A cell without the mark that the portal's translation looks for.
fn bare(cell: &str) -> &str {
    cell.strip_prefix("data.").unwrap_or(cell).trim()
}

/// The name of a community that a spelling means: as somebody would say who declares aliases.
fn meant(spelling: &str) -> String {
    let name = spelling.replace('–', "-").replace(" - ", "-");
    let area = PROVINCES.iter().find_map(|(short, long)| {
        let name = name.strip_suffix(&format!(" (CMA), {short}"))?;
        Some(format!("{name}, {long}"))
    });
    match area.unwrap_or(name).as_str() {
        "Ottawa-Gatineau (Quebec part), Quebec" => "Ottawa-Gatineau, Quebec part".to_owned(),
        "Ottawa-Gatineau (Ontario part), Ontario" => "Ottawa-Gatineau, Ontario part".to_owned(),
        "Belleville, Ontario" => "Belleville-Quinte West, Ontario".to_owned(),
        "Atlantic Region" | "Atlantic region" => "Atlantic provinces".to_owned(),
        name => name.to_owned(),
    }
}

/// Whether no figure can be so: a share above 100 (there are some in 4-1-1), or one of a year that is not over.
fn impossible(path: &Path, row: &BTreeMap<&str, &str>, today: chrono::NaiveDate) -> bool {
    let shares = path.to_string_lossy().contains("indicator_4-1-1.");
    let share = || row["Value"].parse::<f64>().is_ok_and(|value| value > 100.0);
    let last = row["Year"].parse().ok().and_then(|year| chrono::NaiveDate::from_ymd_opt(year, 12, 31));
    (shares && share()) || last.is_some_and(|last| last > today)
}

async fn declare(app: &App, network: &str, spellings: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut communities: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for spelling in spellings.iter().filter(|spelling| !STRANGERS.contains(&spelling.as_str())) {
        communities.entry(meant(spelling)).or_default().insert(spelling.clone());
    }
    for (name, spelt) in &communities {
        let slug: String = domain::key::Slug::suggest(name).unwrap().into();
        let aliases: Vec<&String> = spelt.iter().filter(|spelling| *spelling != name).collect();
        let input =
            json!({ "slug": slug, "name": english(name), "aliases": aliases, "kind": "OTHER", "country": "CA" });
        let community = app.create("community", input).await;
        app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
    }
    communities
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_spelling_of_a_place_comes_to_its_one_community() {
    let name = "real_canada::every_spelling_of_a_place_comes_to_its_one_community";
    let Some(folder) = data(name, "ca-cif-indicators") else { return };
    let folder = folder.join("data");
    let (app, db, network) = network("canada").await;
    let mut spellings = BTreeSet::from(["Canada".to_owned()]);
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
                let place = if place.is_empty() { "Canada".to_owned() } else { meant(place) };
                repeated += u64::from(!figures.insert((path.clone(), place, row["Year"].to_owned(), about.clone())));
            }
            if place.starts_with("St. Catharines") {
                of_catharines.insert((path.clone(), about));
            }
            if !place.is_empty() {
                spellings.insert(place.to_owned());
            }
        }
    }
    assert_eq!(read, 171_138);
    let communities = declare(&app, &network, &spellings).await;
    let catharines = &communities["St. Catharines-Niagara, Ontario"];
    assert_eq!(catharines.len(), 3, "a dash, a hyphen between spaces, and a short province: {catharines:?}");

    let scratch = TempDir::new().unwrap();
    let rejects = scratch.path().join("rejects.csv");
    let arguments = ["--format", "open-sdg", "--network", "canada", "--source", "statcan", "--country", "CA"];
    let dialect = ["--blank-geography", "canada", "--fiscal-year-start", "4", "--create-missing=indicators,sources"];
    let totals = ["--total", "Total", "--total", "Gender=All genders", "--rejects", rejects.to_str().unwrap()];
    let arguments = [&arguments[..], &dialect, &totals].concat();
    let (told, out) = import(&db, &arguments, std::slice::from_ref(&folder));
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
    assert_eq!(found["communities"]["totalCount"], communities.len());
    assert_eq!(found["community"]["series"]["totalCount"], of_catharines.len());

    compared_as_in_the_file(&app, &folder).await;

    let (again, out) = import(&db, &arguments, std::slice::from_ref(&folder));
    assert_eq!(again, Told { counts: [read, 0, 0, read - rejected, rejected], code: 1 }, "{out}");
}

/// The poverty rate of metropolitan areas in 2015 and 2023, computed from the file, is what the comparison answers.
async fn compared_as_in_the_file(app: &App, folder: &Path) {
    let mut expected: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for row in rows(&folder.join("indicator_1-1-1.csv.gz")) {
        let everybody =
            row["Age group"] == "Total" && row["Gender"] == "All genders" && row["Economic family type"] == "Total";
        let area = row["Geography"].contains(',') && ["2015", "2023"].contains(&row["Year"].as_str());
        if everybody
            && area
            && let Ok(value) = row["Value"].parse()
        {
            expected.entry(meant(&row["Geography"])).or_default().insert(row["Year"].clone(), value);
        }
    }
    let query = "{ comparison(network: \"canada\", indicator: \"1-1-1\", period: \"2023\", baselinePeriod: \"2015\") {
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
