#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read},
};

use proptest::prelude::{ProptestConfig, any, proptest};
use rstest::rstest;

use super::{Combo, IdScheme, Strategy};
use crate::exchange::{
    FailureCode, Format, Options,
    batch::Batch,
    told::{self, batches, damage, lines, told},
};

fn options() -> Options {
    let mut options = told::options(Format::Dhis2);
    options.dhis2.strategy = Some(Strategy::CreateAndUpdate);
    options
}

fn refused(text: impl AsRef<[u8]>) -> (FailureCode, Option<String>) {
    let failure = told(text, &options()).unwrap_err();
    (failure.code, failure.column)
}

/// A document of one value with these further keys.
fn value(rest: &str) -> String {
    format!(r#"{{"dataValues":[{{"dataElement":"de1","orgUnit":"ou1","period":"2004"{rest}}}]}}"#)
}

const SET: &str = r#"{
  "dataSet": "pBOMPrpg1QX", "completeDate": "2014-02-03", "period": "201401", "orgUnit": "DiszpKrYNg8",
  "attributeOptionCombo": "HllvX50cXC0",
  "dataValues": [
    { "dataElement": "f7n9E0hX8qk", "categoryOptionCombo": "HllvX50cXC0", "value": "1", "comment": "comment1" },
    { "dataElement": "Ix2HsbDMLea", "categoryOptionCombo": "oPcWGgS2Liz", "value": 2.5 },
    { "dataElement": "eY5ehpbEsB7", "period": "201402", "orgUnit": "BdfsJfj87js", "value": "3", "attributeOptionCombo": "bRowv6yZOF2" }
  ]
}"#;

#[test]
fn what_stands_beside_the_list_holds_for_values_without_their_own() {
    let expected = [
        "DiszpKrYNg8 f7n9E0hX8qk 2014-01: 1",
        "DiszpKrYNg8 Ix2HsbDMLea categoryOptionCombo=oPcWGgS2Liz 2014-01: 2.5",
        "BdfsJfj87js eY5ehpbEsB7 attributeOptionCombo=bRowv6yZOF2 2014-02: 3",
    ];
    assert_eq!(lines(SET, &options()), expected);
    assert_eq!(lines(format!("\u{feff}\r\n {SET}\r\n\r\n"), &options()), expected);
    let (batches, _) = batches(SET, &options()).unwrap();
    assert_eq!(batches[0].rows[0].figure.note.as_deref(), Some("comment1"));
    // Keys have no order: the list may stand first.
    let (beside, list) = SET.split_once("\"dataValues\"").unwrap();
    let turned = format!(
        "{{ \"dataValues\"{}, {} }}",
        list.trim_end().strip_suffix('}').unwrap(),
        beside[1..].trim_end().trim_end_matches(',')
    );
    assert_eq!(lines(turned, &options()), expected);
}

#[rstest]
#[case("20040315", "2004-03-15")]
#[case("2004W10", "2004-W10")]
#[case("200403", "2004-03")]
#[case("200401B", "2004-01-01/P2M")]
#[case("2004Q1", "2004-Q1")]
#[case("2004S1", "2004-S1")]
#[case("2004AprilS1", "2004-04-01/P6M")]
#[case("2004", "2004")]
#[case("2004April", "2004-04-01/P1Y")]
#[case("2004July", "2004-07-01/P1Y")]
#[case("2004Oct", "2004-10-01/P1Y")]
fn every_period_of_dhis2_is_read(#[case] written: &str, #[case] period: &str) {
    let json = value(r#","value":"7""#).replace("2004", written);
    assert_eq!(lines(json, &options()), [format!("ou1 de1 {period}: 7")]);
    assert_eq!(lines(format!("de1,{written},ou1,,,7\n"), &options()), [format!("ou1 de1 {period}: 7")]);
}

#[rstest]
#[case(r#","value":"true""#, "!INVALID value")]
#[case(r#","value":"12,5""#, "!INVALID value")]
#[case(r#","value":"NaN""#, "!INVALID value")]
#[case(r#","value":"""#, "!REQUIRED value")]
#[case("", "!REQUIRED value")]
#[case(r#","value":["7"]"#, "!INVALID value")]
#[case(r#","value":"7","value":"8""#, "!INVALID value")]
#[case(r#","value":"7","period":"2005""#, "!INVALID period")]
#[case(r#","value":"7","deleted":"yes""#, "!INVALID deleted")]
#[case(r#","value":"7","comment":3"#, "!INVALID comment")]
#[case(r#","value":"7","followup":{"a":[[[]]]},"created":null,"lastUpdated":"x""#, "ou1 de1 2004: 7")]
#[case(r#","value":-7e1"#, "ou1 de1 2004: -70")]
#[case(r#","value":"7","comment":null"#, "ou1 de1 2004: 7")]
#[case(r#","value":"7","deleted":true"#, "ou1 de1 2004: withdrawn")]
#[case(r#","deleted":true"#, "ou1 de1 2004: withdrawn")]
fn a_value_is_a_number_or_rejected(#[case] rest: &str, #[case] expected: &str) {
    assert_eq!(lines(value(rest), &options()), [expected]);
}

#[test]
fn what_is_no_value_is_a_row_of_its_own() {
    let text = r#"{"period":"2004","orgUnit":"ou1","dataValues":[null,7,[],{},{"dataElement":"a","value":"1"},{"dataElement":"a","orgUnit":"","period":"soon","value":"1"}]}"#;
    let expected = ["!INVALID ", "!INVALID ", "!INVALID ", "!REQUIRED dataElement", "ou1 a 2004: 1", "!INVALID period"];
    assert_eq!(lines(text, &options()), expected);
    assert_eq!(lines(r#"{"dataValues":[{"dataElement":"a","value":"1"}]}"#, &options()), ["!REQUIRED orgUnit"]);
    assert_eq!(lines(r#"{"dataValues":null}"#, &options()), [""; 0]);
    let (batches, notices) = batches(r#"{"dataValues":[{"a":1}],"colour":"red"}"#, &options()).unwrap();
    assert_eq!(&*batches[0].raw[&1], "{\"a\":1}");
    assert_eq!(notices[0], "“colour” is not read");
}

#[test]
fn a_document_of_another_kind_is_refused() {
    use FailureCode::{Malformed, MissingColumn, TooLong, Truncated};
    for text in ["[]", "{\"dataValues\":{}}", "{\"dataValues\":[{]}", "{\"dataValues\":[]} x", "<dataValueSet/>"] {
        assert_eq!(refused(text).0, Malformed, "{text}");
    }
    for text in ["{\"dataValues\":[],\"dataValues\":[]}", "{\"period\":\"1\",\"period\":\"2\",\"dataValues\":[]}"] {
        assert_eq!(refused(text).0, Malformed, "{text}");
    }
    for text in ["{", "{\"dataValues\":[", "{\"dataValues\":[{\"value\":\"\u{0}\"}]}", "{\u{0}"] {
        assert_eq!(refused(text).0, Malformed, "{text}");
    }
    assert_eq!(refused(b"{\"dataValues\":[{\"value\":\"\xff\"}]}").0, Malformed);
    assert_eq!(refused("{}"), (MissingColumn, Some("dataValues".into())));
    assert_eq!(refused(b"\xff\xfe{\0}\0").0, FailureCode::Encoding);
    for long in [format!("{{\"dataValues\":[\"{}", "x".repeat(3 << 20)), format!("{{\"x\":{}", "[".repeat(3 << 20))] {
        assert_eq!(refused(long).0, TooLong);
    }
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut zipped, SET.as_bytes()).unwrap();
    let zipped = zipped.finish().unwrap();
    assert_eq!(lines(&zipped, &options()).len(), 3);
    assert_eq!(refused(&zipped[..zipped.len() - 9]).0, Truncated);
}

#[test]
fn combinations_mean_what_the_caller_says() {
    let mut options = options();
    options.dhis2.combos = vec!["a=Sex=F;Age=15-24".parse().unwrap(), "b=".parse().unwrap()];
    options.totals = vec!["categoryOptionCombo=all".parse().unwrap()];
    let text = "de,2004,ou,a,b,1\nde,2004,ou,b,default,2\nde,2004,ou,all,c,3\nde,2004,ou,default,HllvX50cXC0,4\nde,2004,ou,a,a,5\n";
    let expected = [
        "ou de Age=15-24;Sex=F 2004: 1",
        "ou de 2004: 2",
        "ou de attributeOptionCombo=c 2004: 3",
        "ou de 2004: 4",
        "!INVALID categoryOptionCombo",
    ];
    assert_eq!(lines(text, &options), expected);
    for bad in ["a", "=x=y", "a=b", ""] {
        assert!(bad.parse::<Combo>().is_err(), "{bad}");
    }
}

#[test]
fn a_deletion_withdraws_every_value() {
    let mut options = options();
    options.dhis2.strategy = Some(Strategy::Delete);
    assert_eq!(lines(value(""), &options), ["ou1 de1 2004: withdrawn"]);
    assert_eq!(lines("de,2004,ou\nde,soon,ou\n", &options), ["ou de 2004: withdrawn", "!INVALID period"]);
}

#[test]
fn organisation_units_are_named_as_the_caller_says() {
    let mut options = options();
    assert_eq!(options.scheme().unwrap().as_str(), "dhis2:UID");
    options.dhis2.org_units = IdScheme::Code;
    assert_eq!(options.scheme().unwrap().as_str(), "dhis2:code");
    options.dhis2.org_units = IdScheme::Name;
    assert_eq!(options.scheme(), None);
    assert_eq!(lines("de,2004,Bo,,,1\n", &options), ["“Bo” de 2004: 1"]);
}

#[test]
fn the_columns_of_csv_count_by_their_places() {
    let row = "\"de\",\"200401\",\"ou\",\"\",\"\",\"5\",\"john\",\"2012-01-01\",\"a, note\",\"false\"";
    let header = "\"dataelement\",\"period\",\"orgunit\",\"catoptcombo\",\"attroptcombo\",\"value\",\"storedby\",\"lastupdated\",\"comment\",\"flwup\"";
    for text in
        [format!("{header}\r\n{row}\r\n\r\n"), format!("\u{feff}{row}"), format!("Data element,Period,Org unit\n{row}")]
    {
        assert_eq!(lines(&text, &options()), ["ou de 2004-01: 5"], "{text}");
        assert_eq!(batches(&text, &options()).unwrap().0[0].rows[0].figure.note.as_deref(), Some("a, note"));
    }
    // A first row that is no header is a row, however bad.
    assert_eq!(lines("de,soon,ou\nde,2004\n", &options()), ["!INVALID period", "!CELLS "]);
    assert_eq!(lines("de,2004,ou,,,5,,,,,true\n", &options()), ["ou de 2004: withdrawn"]);
    assert_eq!(lines("de,2004,ou,,,5,,,,,maybe\n", &options()), ["!INVALID deleted"]);
    assert_eq!(refused("period,dataelement,orgunit\n1,2,3\n").0, FailureCode::UnknownColumn);
}

#[test]
fn values_wait_for_what_stands_behind_them_but_not_without_end() {
    let many = |rest: &str, after: &str, count: usize| {
        let mut text = String::from("{\"dataValues\":[");
        for number in 0..count {
            let comma = if number == 0 { "" } else { "," };
            write!(text, "{comma}{{\"dataElement\":\"de{number}\",\"value\":\"{number}\"{rest}}}").unwrap();
        }
        text + "]" + after + "}"
    };
    let place = ",\"period\":\"2004\",\"orgUnit\":\"ou\"";
    let found = told(many("", place, 9_000), &options()).unwrap();
    assert_eq!(found.len(), 9_000);
    assert!(
        found.iter().enumerate().all(|(index, (number, row))| *number == index as u64 + 1 && row.starts_with("ou de"))
    );
    assert_eq!(refused(many("", place, 12_000)), (FailureCode::MissingColumn, Some("period".into())));
    let period = ",\"period\":\"2004\"";
    let failure = refused(many(period, ",\"orgUnit\":\"ou\"", 12_000));
    assert_eq!(failure, (FailureCode::MissingColumn, Some("orgUnit".into())));
    // Few payloads name a combination of attributes at all.
    assert_eq!(lines(many(place, "", 12_000), &options()).len(), 12_000);
    assert_eq!(lines(many(place, ",\"attributeOptionCombo\":\"default\"", 12_000), &options()).len(), 12_000);
    let behind = many(place, ",\"attributeOptionCombo\":\"bRowv6yZOF2\"", 12_000);
    assert_eq!(refused(behind), (FailureCode::MissingColumn, Some("attributeOptionCombo".into())));
    let few = lines(many(place, ",\"attributeOptionCombo\":\"bRowv6yZOF2\"", 2), &options());
    assert!(few.iter().all(|row| row.contains("attributeOptionCombo=bRowv6yZOF2")), "{few:?}");
}

/// Gives out values without end, as far as anybody reads.
struct Endless {
    left: usize,
    chunk: &'static [u8],
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let there = &self.chunk[self.at..];
        let length = there.len().min(out.len());
        out[..length].copy_from_slice(&there[..length]);
        self.at += length;
        if self.at == self.chunk.len() {
            (self.at, self.left) = (0, self.left - 1);
        }
        Ok(length)
    }
}

#[test]
fn values_are_handed_over_as_they_are_met() {
    let start: &[u8] = b"{\"dataValues\":[";
    let chunk = b"{\"dataElement\":\"de\",\"period\":\"2004\",\"orgUnit\":\"ou\",\"attributeOptionCombo\":\"default\",\"value\":\"1\"},";
    let text = start.chain(Endless { left: 200_000, chunk, at: 0 }).chain(&b"null]}"[..]);
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Batch>(1);
    let counted = std::thread::spawn(move || {
        let (mut rows, mut rejects) = (0, 0);
        while let Some(batch) = receiver.blocking_recv() {
            assert!(batch.rows.len() <= 10_000, "{}", batch.rows.len());
            rows += batch.rows.len();
            rejects += batch.rejects.len();
        }
        (rows, rejects)
    });
    crate::exchange::import::read(text, &options(), false, &sender).unwrap();
    drop(sender);
    assert_eq!(counted.join().unwrap(), (200_000, 1));
}

#[test]
fn the_published_samples_are_read_value_by_value() {
    let name = "exchange::dhis2::tests::the_published_samples_are_read_value_by_value";
    let Some(folder) = told::data(name, "dhis2-samples") else { return };
    let read = |path: &str| told(fs::read(folder.join(path)).unwrap(), &options()).unwrap();
    let document =
        |path: &str| -> serde_json::Value { serde_json::from_slice(&fs::read(folder.join(path)).unwrap()).unwrap() };
    for path in ["e2e/aggregate/dataValues_bulk.json", "e2e/aggregate/dataValues_single_dataset.json"] {
        let found = read(path);
        let document = document(path);
        let values = document["dataValues"].as_array().unwrap();
        assert_eq!(found.len(), values.len(), "{path}");
        for ((number, row), value) in found.iter().zip(values) {
            let text = |key: &str| value[key].as_str().unwrap();
            let good = text("value").parse::<f64>();
            assert_eq!(good.is_ok(), !row.starts_with('!'), "{path} {number}: {row} {value}");
            match good {
                Ok(good) => {
                    let start = format!("{} {} ", text("orgUnit"), text("dataElement"));
                    assert!(row.starts_with(&start) && row.ends_with(&format!(": {good}")), "{row} {value}");
                    let broken_down = text("categoryOptionCombo") != "HllvX50cXC0";
                    assert_eq!(row.contains("categoryOptionCombo="), broken_down, "{row} {value}");
                }
                Err(_) => assert_eq!(row, "!INVALID value"),
            }
        }
    }
    for file in ["CreateDate", "CreateDateUpdated", "J", "JDeleteNewValue", "JDeleteZeroValue"] {
        let found = read(&format!("integration/datavalueset/dataValueSet{file}.json"));
        assert_eq!(found.len(), 1, "{file}");
        assert!(found[0].1.starts_with("DiszpKrYNg8 f7n9E0hX8qk 2012-01: "), "{file}: {found:?}");
    }
    let without = "integration/datavalueset/dataValueSetJDeleteNoValue.json";
    assert_eq!(read(without)[0].1, "!REQUIRED value");
    let (with, plain) = (
        read("integration/dxf2/datavalueset/dataValueSetB.csv"),
        read("integration/dxf2/datavalueset/dataValueSetBNoHeader.csv"),
    );
    let texts = |rows: &[(u64, String)]| rows.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>();
    assert_eq!((with.len(), with[0].0, plain[0].0), (12, 2, 1));
    assert_eq!(texts(&with), texts(&plain));
    assert_eq!(with[11].1, "BdfsJfj87js eY5ehpbEsB7 2012-02: 10012");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_is_sent_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = told(&bytes, &options());
        let _ = told([b"{\"dataValues\":[", bytes.as_slice()].concat(), &options());
    }

    #[test]
    fn a_damaged_payload_is_read_or_refused(places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let _ = told(damage(SET.as_bytes(), &places), &options());
        let csv = b"dataelement,period,orgunit\nde,2004,ou,a,b,1,john,2012-01-01,note,false\nde,2005,ou,,,2\n";
        let _ = told(damage(csv, &places), &options());
    }
}

#[test]
fn json_is_told_by_its_first_letter_wherever_it_stands() {
    let payload = r#"{"dataValues":[{"dataElement":"r","period":"2020","orgUnit":"A1","value":1}]}"#;
    for blanks in [64, 65, 60_000] {
        assert_eq!(lines(" \n".repeat(blanks / 2) + payload, &options()), ["A1 r 2020: 1"], "{blanks}");
    }
    let failure = told(" ".repeat(64 * 1024) + payload, &options()).unwrap_err();
    assert_eq!(failure.code, FailureCode::Malformed, "{failure}");
}
