#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{fs::File, io::Cursor, path::Path};

use domain::mapping::{ColumnMapping, Encoding, Text};
use proptest::prelude::*;

use super::{super::told::data, Proposal, infer};

fn of(text: impl AsRef<[u8]>) -> Proposal {
    infer(Cursor::new(text.as_ref().to_vec())).unwrap()
}

fn columns(text: &Text) -> Vec<&str> {
    text.0.iter().filter_map(|part| part.column.as_deref()).collect()
}

fn figures(mapping: &ColumnMapping) -> Vec<&str> {
    mapping.figures.iter().filter_map(|figure| figure.column.as_deref()).collect()
}

fn doubts(proposal: &Proposal, path: &str) -> Vec<String> {
    proposal.doubts.iter().filter(|doubt| doubt.path == path).map(|doubt| doubt.reason.clone()).collect()
}

fn file(test: &str, set: &str, name: &str) -> Option<Proposal> {
    let path = data(&format!("exchange::infer::tests::{test}"), set)?.join(name);
    Some(infer(File::open(path).unwrap()).unwrap())
}

#[test]
fn the_largest_numbers_are_no_years_and_count_no_rows() {
    let _ = of("year,value\n4294967295-1,3\n4294967295/1,3\n");
    let _ = of("x,y\n18446744073709551615,1\n018446744073709551615,2\n0018446744073709551615,2\n");
}

#[test]
fn unemployment_of_counties() {
    let Some(found) = file("unemployment_of_counties", "us-county-unemployment", "laus_county_annual_1990_2014.csv.gz")
    else {
        return;
    };
    let Proposal { mapping, .. } = &found;
    assert_eq!(columns(&mapping.community.code), ["state_fips", "county_fips"]);
    assert_eq!(mapping.community.scheme.as_ref().unwrap().as_str(), "us:FIPS");
    assert_eq!(columns(&mapping.community.name), ["county_name"]);
    assert_eq!(columns(&mapping.period.as_ref().unwrap().text), ["year"]);
    assert_eq!(figures(mapping), ["labor_force", "employed", "unemployed", "unemployment_rate"]);
    assert_eq!(mapping.figures[3].indicator.as_ref().unwrap().unit.as_constant(), Some("%"));
    assert_eq!(mapping.check(), Ok(()), "nothing is left to be filled in");
    // The letters of the rest are not seen.
    assert_eq!(doubts(&found, "table.encoding").len(), 1);
}

#[test]
fn population_of_counties() {
    let Some(found) = file("population_of_counties", "us-county-population-agesex", "cc-est2023-agesex-all.csv.gz")
    else {
        return;
    };
    let Proposal { mapping, .. } = &found;
    assert_eq!(columns(&mapping.community.code), ["STATE", "COUNTY"]);
    assert_eq!(mapping.community.scheme.as_ref().unwrap().as_str(), "us:FIPS");
    assert_eq!(
        (columns(&mapping.community.name), columns(&mapping.community.level)),
        (vec!["CTYNAME"], vec!["SUMLEV"])
    );
    // Years are codes: what each stands for is a gap.
    let period = &mapping.period.as_ref().unwrap().text.0[0];
    assert_eq!(period.column.as_deref(), Some("YEAR"));
    assert_eq!(
        period.values.iter().map(|(code, means)| format!("{code}{means}")).collect::<Vec<_>>(),
        ["1?", "2?", "3?", "4?", "5?"]
    );
    assert_eq!(doubts(&found, "period.text").len(), 1);
    assert_eq!(figures(mapping).len(), 90);
}

#[test]
fn poverty_estimates_under_two_lines() {
    let Some(found) =
        file("poverty_estimates_under_two_lines", "us-county-poverty-saipe-2023", "est23all.sheet.csv.gz")
    else {
        return;
    };
    let Proposal { mapping, .. } = &found;
    assert_eq!((mapping.table.skip_rows, mapping.table.header_rows), (2, 2));
    assert_eq!(
        columns(&mapping.community.code),
        ["Geographic Information / State FIPS Code", "Geographic Information / County FIPS Code"]
    );
    assert_eq!(mapping.community.code.0.iter().map(|part| part.width).collect::<Vec<_>>(), [Some(2), Some(3)]);
    assert_eq!(mapping.period.as_ref().unwrap().text.as_constant(), Some("2023"));
    let first = &mapping.figures[0];
    assert_eq!(first.column.as_deref(), Some("All Ages / Poverty Estimate, All Ages"));
    assert_eq!(
        (first.lower.as_deref(), first.upper.as_deref()),
        (Some("All Ages / 90% CI Lower Bound#1"), Some("All Ages / 90% CI Upper Bound#1"))
    );
    assert!(mapping.figures.iter().all(|figure| figure.limits_level == Some(90)), "{:?}", mapping.figures);
    assert_eq!(mapping.missing["."].code(), "O");
    assert_eq!(mapping.leave_out[0].values.iter().collect::<Vec<_>>(), ["000"]);
    assert_eq!(mapping.check(), Ok(()));
}

#[test]
fn neighbourhoods_as_columns() {
    let Some(found) =
        file("neighbourhoods_as_columns", "ca-toronto-neighbourhoods", "neighbourhood-profiles-2016.csv.gz")
    else {
        return;
    };
    let Proposal { mapping, .. } = &found;
    assert_eq!(mapping.figures.len(), 1);
    assert_eq!(mapping.figures[0].pattern.as_ref().unwrap().to_string(), "{place}");
    assert_eq!(mapping.community.name.0[0].capture.as_deref(), Some("place"));
    let indicator = mapping.indicator.as_ref().unwrap();
    assert_eq!((columns(&indicator.code), columns(&indicator.name)), (vec!["_id"], vec!["Characteristic"]));
    assert_eq!((mapping.numbers.thousands, mapping.numbers.percent_sign), (Some(','), true));
    assert_eq!(mapping.period.as_ref().unwrap().text.as_constant(), Some("?"));
    assert!(!doubts(&found, "period.text").is_empty() && !doubts(&found, "community.name").is_empty());
}

#[test]
fn tidy_rows_of_the_united_kingdom() {
    let Some(folder) = data("exchange::infer::tests::tidy_rows_of_the_united_kingdom", "uk-local-indicators") else {
        return;
    };
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for path in std::fs::read_dir(entry.path()).unwrap().flatten().map(|entry| entry.path()) {
            let name = path.to_string_lossy().into_owned();
            if !name.contains(".csv") {
                continue;
            }
            let Proposal { mapping, .. } = infer(File::open(&path).unwrap()).unwrap();
            assert_eq!(columns(&mapping.community.code), ["areacd"], "{name}");
            assert_eq!(columns(&mapping.community.name), ["areanm"], "{name}");
            assert_eq!(figures(&mapping), ["observation"], "{name}");
            assert_eq!(columns(&mapping.period.as_ref().unwrap().text), ["period"], "{name}");
            assert_eq!(columns(&mapping.indicator.as_ref().unwrap().code), ["indicator"], "{name}");
            assert_eq!(mapping.figures[0].lower.is_some(), mapping.figures[0].upper.is_some(), "{name}");
            read += 1;
        }
    }
    assert!(read > 40);
}

#[test]
fn years_as_columns_and_decimal_commas() {
    let found = of("Gemeinde;Merkmal;2019;2020;2021\nAarau;Quote;12,5;12,8;x\nBaden;Quote;9,1;9,25;10,0\n");
    let Proposal { mapping, .. } = &found;
    assert_eq!((mapping.table.delimiter, mapping.numbers.decimal, mapping.numbers.thousands), (';', ',', None));
    assert_eq!(columns(&mapping.community.name), ["Gemeinde"]);
    assert_eq!(mapping.period.as_ref().unwrap().text.0[0].capture.as_deref(), Some("period"));
    let figure = &mapping.figures[0];
    assert_eq!((figure.from.as_deref(), figure.to.as_deref()), (Some("2019"), Some("2021")));
    assert_eq!(mapping.missing["x"].code(), "Q");
    assert_eq!(doubts(&found, "missing.x").len(), 1);
    // No column says what is measured: that is a gap.
    assert_eq!(mapping.indicator.as_ref().unwrap().code.as_constant(), Some("?"));
}

#[test]
fn what_could_mean_two_things_is_told() {
    let found = of("city;date;value\nA;01/02/2020;1,234\nB;02/03/2020;2,345\n");
    let Proposal { mapping, .. } = &found;
    assert_eq!(mapping.numbers.thousands, Some(','));
    assert_eq!(doubts(&found, "numbers").len(), 1);
    assert_eq!(mapping.period.as_ref().unwrap().format.as_ref().unwrap().to_string(), "DD/MM/YYYY");
    assert_eq!(doubts(&found, "period.format").len(), 1);
    let clear = of("city;date;value\nA;01/02/2020;1,234\nB;22/03/2020;2,34\n");
    assert!(doubts(&clear, "period.format").is_empty());
    assert_eq!((clear.mapping.numbers.decimal, clear.mapping.numbers.thousands), (',', None));
}

#[test]
fn codes_that_lost_their_zeros_are_filled_up() {
    let found = of("county_fips,year,rate\n1001,2020,3.5\n48003,2020,4.5\n");
    assert_eq!(found.mapping.community.code.0[0].width, Some(5));
    assert_eq!(doubts(&found, "community.code").len(), 1);
}

#[test]
fn letters_that_are_not_utf8_are_told_with_their_line() {
    let found = of(b"name,year,count\nDo\xf1a Ana,2020,3\nX,2020,4\n");
    assert_eq!(found.mapping.table.encoding, Encoding::Windows1252);
    assert!(doubts(&found, "table.encoding")[0].contains("line 2"));
}

#[test]
fn fiscal_years_and_limits_without_a_level_are_told() {
    let found = of("area,year,value,lower,upper\nA,2014/2015,3.5,3,4\nB,2015/2016,4.5,4,5\n");
    assert_eq!(doubts(&found, "period.fiscalYearStart").len(), 1);
    assert_eq!(doubts(&found, "figures.0.limitsLevel").len(), 1);
    assert_eq!(found.mapping.figures[0].lower.as_deref(), Some("lower"));
}

#[test]
fn the_head_alone_is_read_and_the_same_is_always_said() {
    let row = "Somewhere,2020,12.5\n";
    let text = format!("name,year,rate\n{}", row.repeat(100_000));
    assert_eq!(of(&text), of(&text));
    assert_eq!(
        infer(std::io::Read::chain(Cursor::new(text.into_bytes()), std::io::repeat(b'x')))
            .unwrap()
            .mapping
            .figures
            .len(),
        1
    );
}

#[test]
fn what_is_no_table_is_refused() {
    assert!(infer(Cursor::new(Vec::new())).is_err());
    assert!(infer(Cursor::new(b"a,b\n".to_vec())).is_err());
    assert!(infer(std::io::repeat(b'"')).is_err());
    assert!(infer(std::io::repeat(0)).is_err());
}

/// The mappings that are kept, as files, are what a person makes of a proposal.
#[test]
fn a_proposal_is_a_mapping_once_its_gaps_are_filled() {
    let found = of("place,value\nA,3\nB,4\n");
    let json = serde_json::to_string(&found.mapping).unwrap();
    assert!(json.contains("\"?\""));
    let texts = ["\"A table\"", "\"count\"", "\"2020\""];
    let filled = texts.iter().fold(json, |json, text| json.replacen("\"?\"", text, 1));
    let mapping: ColumnMapping = serde_json::from_str(&filled).unwrap();
    assert_eq!(mapping.check(), Ok(()), "{filled}");
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mappings").is_dir());
}

proptest! {
    #[test]
    fn whatever_comes_gives_a_proposal_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = infer(Cursor::new(bytes));
    }

    #[test]
    fn tables_of_whatever_cells(rows in proptest::collection::vec("([a-z0-9 .%-]{0,6}[,;]){0,5}[a-zé0-9/.,-]{0,8}", 0..12)) {
        let _ = infer(Cursor::new(rows.join("\n").into_bytes()));
    }
}
