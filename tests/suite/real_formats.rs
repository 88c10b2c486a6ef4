//! The public data sets in formats of their own: Open SDG of Los Angeles, a table of Statistics Canada, payloads of DHIS2, reports of
//! the Common Impact Data Standard. Every row is accounted for, counted from the files by themselves, and what is kept goes there
//! and back.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    real_data::{Told, data, files, network, rows},
    real_tables::bytes,
    round_trip::{Way, as_tidy_and_ndjson, by_recipe, figures, indicator_by_indicator, place},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goals_of_los_angeles() {
    let name = "real_formats::goals_of_los_angeles";
    let Some(folder) = data(name, "us-los-angeles-sdg") else { return };
    let ((app, db, net), (_there, other, _)) = (network("net").await, network("net").await);
    place(&app, &net, "Los Angeles", &json!({})).await;
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
    let more = ["--source", "la", "--rejects", rejects.to_str().unwrap()];
    let (told, out) = by_recipe(&db, "us-los-angeles-sdg", &more, &[folder.join("data")]);
    let [counted, created, updated, unchanged, rejected] = told.counts;
    assert_eq!((counted, updated, rejected), (read, 0, unclear + contradicted), "{out}");
    assert_eq!(created + unchanged, read - rejected, "{out}");
    let reasons: Vec<_> = rows(&rejects).into_iter().map(|row| row["code"].clone()).collect();
    assert_eq!(reasons.iter().filter(|code| *code == "CONFLICT").count() as u64, contradicted);
    assert_eq!(reasons.len() as u64, rejected, "each with its reason");
    let (again, out) = by_recipe(&db, "us-los-angeles-sdg", &more, &[folder.join("data")]);
    assert_eq!(again, Told { counts: [read, 0, 0, read - rejected, rejected], code: 1 }, "{out}");
    assert_eq!(indicator_by_indicator(&db, &other, "la", "US"), created);
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
    let name = "real_formats::a_table_of_statistics_canada";
    let Some(folder) = data(name, "statcan-full-table-sample") else { return };
    let ((_here, db, _), (_there, other, _)) = (network("net").await, network("net").await);
    let path = folder.join("18100204.csv.gz");
    let all = rows(&path);
    let suppressed = all.iter().filter(|row| row["VALUE"].is_empty()).count();
    assert_eq!((all.len(), suppressed), (11_804, 32));
    let import = || by_recipe(&db, "statcan-tables", &["--source", "statcan"], std::slice::from_ref(&path));
    let (told, out) = import();
    let read = all.len() as u64;
    assert_eq!(told.counts, [read, read, 0, 0, 0], "{out}");
    let (again, out) = import();
    assert_eq!(again.counts, [read, 0, 0, read, 0], "{out}");
    let suppressed = figures(&db, "statcan:DGUID").into_iter().filter(|figure| figure["value"].is_null()).count();
    assert_eq!(suppressed, 32);
    // Nothing is written as Statistics Canada does: its figures go there and back as others.
    as_tidy_and_ndjson(&db, &other, "statcan:DGUID", "CA", read);
    let both = ["--code-scheme", "statcan:DGUID", "--source", "statcan"];
    let creating = ["--country", "CA", "--create-missing"];
    let way = Way { formats: ["sdmx-csv"; 2], both: &both, reading: &[], creating: &creating };
    assert_eq!(way.there_and_back(&db, Some(&other)), [read, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_of_dhis2() {
    let name = "real_formats::payloads_of_dhis2";
    let Some(folder) = data(name, "dhis2-samples") else { return };
    let ((app, db, here), (elsewhere, other, there)) = (network("net").await, network("net").await);
    for (name, code) in [("Bo", "O6uvpzGd5pu"), ("One", "DiszpKrYNg8"), ("Two", "BdfsJfj87js")] {
        let more = json!({ "codes": [{ "scheme": "dhis2:UID", "code": code }] });
        place(&app, &here, name, &more).await;
        place(&elsewhere, &there, name, &more).await;
    }
    let send = |strategy: &str, file: &str| {
        by_recipe(&db, "dhis2", &["--source", "dhis2", "--import-strategy", strategy], &[folder.join(file)])
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
    assert_eq!(counts("create-and-update", &one("dataValueSetCreateDate")), [1, 0, 1, 0, 0]);
    assert_eq!(counts("create-and-update", &one("dataValueSetCreateDateUpdated")), [1, 0, 1, 0, 0]);
    for name in ["A", "B"] {
        let (told, out) = send("create-and-update", &format!("integration/dxf2/datavalueset/dataValueSet{name}.xml"));
        assert_eq!((told.counts, told.code), ([0; 5], 1), "{out}");
        assert!(out.contains("send data value sets as JSON or CSV"), "{out}");
    }
    let known = figures(&db, "dhis2:UID").len() as u64;
    assert_eq!(known, numbers + 2 + 1 + 11);
    for writes in ["dhis2", "dhis2-csv"] {
        let way = Way {
            formats: [writes, "dhis2"],
            both: &["--source", "dhis2"],
            reading: &["--import-strategy", "create-and-update"],
            creating: &["--create-missing=indicators,sources"],
        };
        assert_eq!(way.there_and_back(&db, Some(&other)), [known, 0], "{writes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_the_impact_data_standard() {
    let name = "real_formats::reports_of_the_impact_data_standard";
    let Some(folder) = data(name, "common-impact-data-standard") else { return };
    let ((_here, db, _), (_there, other, _)) = (network("net").await, network("net").await);
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
    let import = || by_recipe(&db, "common-impact-data", &["--source", "cids"], std::slice::from_ref(&path));
    let (told, out) = import();
    let [read, created, rejected] =
        [reports.len(), numbers.len() - ambiguous, texts.len() + ambiguous].map(|count| count as u64);
    assert_eq!(told.counts, [read, created, 0, 0, rejected], "{out}");
    let (again, out) = import();
    assert_eq!(again.counts, [read, 0, 0, created, rejected], "{out}");
    let creating = ["--country", "CA", "--create-missing"];
    let way = Way { formats: ["cids"; 2], both: &["--source", "cids"], reading: &[], creating: &creating };
    assert_eq!(way.there_and_back(&db, Some(&other)), [created, 0]);
}
