//! The public data sets once more: what was read comes out, comes in unchanged, and is the same elsewhere.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cli::{concert, run},
    db::TestDatabase,
    fixture::english,
    real_data::{Told, data, files, import, network, rows},
};

/// Exports to a file; answers what is told of it.
fn export(db: &TestDatabase, arguments: &[&str], file: &Path) -> String {
    let output = ["--output", file.to_str().unwrap()];
    let (code, _, told) = run(concert(&["export"]).args(arguments).args(output).env("DATABASE_URL", &db.url));
    assert_eq!(code, 0, "{told}");
    told
}

fn unchanged(count: u64) -> Told {
    Told { counts: [count, 0, 0, count, 0], code: 0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uk_local_indicators_come_out_as_they_went_in() {
    let name = "real_exports::uk_local_indicators_come_out_as_they_went_in";
    let Some(folder) = data(name, "uk-local-indicators") else { return };
    let sets = ["children-in-relative-poverty", "adult-obesity-prevalence", "network-coverage-4g", "museums"];
    let paths = sets.map(|set| folder.join(set));
    let (_app, db, _) = network("uk").await;
    let plain = ["--format", "tidy", "--network", "uk", "--code-scheme", "uk:GSS"];
    let creating = [&plain[..], &["--source", "ons", "--country", "GB", "--create-missing"]].concat();
    let (first, out) = import(&db, &creating, &paths);
    let created = first.counts[1];
    assert!(created > 5_000, "{out}");
    let scratch = TempDir::new().unwrap();
    let (file, again) = (scratch.path().join("uk.csv"), scratch.path().join("again.csv"));
    let told = export(&db, &plain, &file);
    assert!(told.contains(&format!("{created} figures written, 0 left out")), "{told}");
    assert_eq!(rows(&file).len() as u64, created);
    let (second, out) = import(&db, &plain, std::slice::from_ref(&file));
    assert_eq!(second, unchanged(created), "{out}");
    // Elsewhere, where nothing is known yet.
    let (_app, other, _) = network("uk").await;
    let (third, out) = import(&other, &creating, std::slice::from_ref(&file));
    assert_eq!(third, Told { counts: [created, created, 0, 0, 0], code: 0 }, "{out}");
    export(&other, &plain, &again);
    assert!(std::fs::read(&file).unwrap() == std::fs::read(&again).unwrap(), "the same bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canadian_framework_indicator_comes_out_as_it_went_in() {
    let name = "real_exports::a_canadian_framework_indicator_comes_out_as_it_went_in";
    let Some(folder) = data(name, "ca-cif-indicators") else { return };
    let path = files(&folder.join("data"))
        .into_iter()
        .find(|path| path.to_string_lossy().contains("indicator_1-1-1.csv"))
        .unwrap();
    let scratch = TempDir::new().unwrap();
    let plain = ["--format", "open-sdg", "--network", "canada", "--source", "statcan"];
    let mut exported = Vec::new();
    let mut source = path;
    for turn in 0..2 {
        let (app, db, network) = network("canada").await;
        let input = json!({ "slug": "canada", "name": english("Canada"), "kind": "OTHER", "country": "CA" });
        let community = app.create("community", input).await;
        app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
        let creating = ["--blank-geography", "canada", "--create-missing", "--country", "CA", "--total", "Total"];
        let creating = [&plain[..], &creating, &["--total", "Gender=All genders"]].concat();
        let (first, out) = import(&db, &creating, std::slice::from_ref(&source));
        let created = first.counts[1];
        assert!(created > 500, "{out}");
        let folder = scratch.path().join(turn.to_string());
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("indicator_1-1-1.csv");
        let told = export(&db, &[&plain[..], &["--indicator", "1-1-1"]].concat(), &file);
        assert!(told.contains(&format!("{created} figures written, 0 left out")), "{told}");
        let (second, out) = import(&db, &plain, std::slice::from_ref(&file));
        assert_eq!(second, unchanged(created), "{out}");
        exported.push(std::fs::read(&file).unwrap());
        source = file;
    }
    assert!(exported[0] == exported[1], "the same bytes elsewhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dhis2_payloads_come_out_as_they_went_in() {
    let name = "real_exports::dhis2_payloads_come_out_as_they_went_in";
    let Some(folder) = data(name, "dhis2-samples") else { return };
    let path = folder.join("e2e/aggregate/dataValues_bulk.json");
    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let values = document["dataValues"].as_array().unwrap();
    let numeric = |value: &&Value| value["value"].as_str().unwrap().parse::<f64>().is_ok();
    let units: BTreeSet<_> = values.iter().filter(numeric).map(|value| value["orgUnit"].as_str().unwrap()).collect();
    let (app, db, network) = network("dhis2").await;
    for (place, unit) in units.iter().enumerate() {
        let input = json!({ "slug": format!("unit-{place}"), "name": english(unit), "kind": "OTHER", "country": "SL",
            "codes": [{ "scheme": "dhis2:UID", "code": unit }] });
        let community = app.create("community", input).await;
        app.create("membership", json!({ "network": network, "community": community, "joinedOn": "1990-01-01" })).await;
    }
    let plain = ["--format", "dhis2", "--network", "dhis2", "--source", "hmis"];
    let reading = [&plain[..], &["--import-strategy", "create-and-update"]].concat();
    let creating = [&reading[..], &["--create-missing=indicators,sources"]].concat();
    let (first, out) = import(&db, &creating, std::slice::from_ref(&path));
    let created = first.counts[1];
    assert!(created > 10, "{out}");
    let scratch = TempDir::new().unwrap();
    for format in ["dhis2", "dhis2-csv"] {
        let file = scratch.path().join(format);
        let told = export(&db, &["--format", format, "--network", "dhis2"], &file);
        assert!(told.contains(&format!("{created} figures written, 0 left out")), "{told}");
        let (second, out) = import(&db, &reading, std::slice::from_ref(&file));
        assert_eq!(second, unchanged(created), "{format}: {out}");
    }
}
