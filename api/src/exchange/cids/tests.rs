#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{collections::BTreeMap, fs};

use proptest::prelude::{ProptestConfig, any, proptest};
use rstest::rstest;

use super::{LARGEST, period};
use crate::exchange::{
    FailureCode, Format, Options,
    told::{self, batches, damage, lines, told},
};

fn options() -> Options {
    told::options(Format::Cids)
}

fn refused(text: impl AsRef<[u8]>) -> FailureCode {
    told(text, &options()).unwrap_err().code
}

const CONTEXT: &str = "https://ontology.commonapproach.org/contexts/cidsContext.jsonld";

/// A document as the standard has it.
fn document() -> String {
    r#"[
  {"@context": "CONTEXT", "@id": "https://a.ca/", "@type": "cids:Organization", "hasLegalName": "A Fund"},
  {"@context": "CONTEXT", "@id": "https://a.ca/i1", "@type": "cids:Indicator", "hasName": "Homes built",
   "unitDescription": "homes", "forOrganization": "https://a.ca/"},
  {"@context": ["CONTEXT", "https://ontology.commonapproach.org/contexts/sffContext.jsonld"], "@id": "https://a.ca/r1",
   "@type": "cids:IndicatorReport", "hasName": "Homes in 2024", "forIndicator": "https://a.ca/i1",
   "forOrganization": "https://a.ca/", "startedAtTime": "2024-01-01T05:22:00-08:00",
   "endedAtTime": "2024-12-31T05:22:00-08:00", "hasComment": "so far",
   "value": {"@type": "i72:Measure", "hasNumericalValue": "1283"}}
]"#
    .replace("CONTEXT", CONTEXT)
}

const HOMES: &str = "“A Fund”https://a.ca/ Homes built [homes] 2024: 1283";

#[test]
fn a_report_is_a_figure() {
    assert_eq!(lines(document(), &options()), [HOMES]);
    assert_eq!(lines(format!("\u{feff}{}\r\n\r\n", document().replace('\n', "\r\n")), &options()), [HOMES]);
    let (batches, _) = batches(document(), &options()).unwrap();
    assert_eq!(batches[0].rows[0].figure.note.as_deref(), Some("so far"));
    assert_eq!(&*batches[0].raw[&1], "https://a.ca/r1");
}

#[test]
fn nodes_stand_wherever_they_stand() {
    let full = r#"{"@graph": [{
        "@id": "r", "@type": ["x:Other", "https://ontology.commonapproach.org/cids#IndicatorReport"],
        "http://ontology.eil.utoronto.ca/ISO21972/iso21972#value": [{"http://ontology.eil.utoronto.ca/ISO21972/iso21972#hasNumericalValue": [{"@value": 1283}]}],
        "http://www.w3.org/ns/prov#startedAtTime": {"@value": "2024-01-01"},
        "http://www.w3.org/ns/prov#endedAtTime": {"@value": "2024-12-31"},
        "http://ontology.commonapproach.org/owl/cids_v2.1.owl/cids#forOrganization": {"@id": "https://a.ca/", "http://ontology.eil.utoronto.ca/tove/organization#hasName": "A Fund"}
    }, {
        "@id": "i", "@type": "https://ontology.commonapproach.org/cids#Indicator",
        "http://ontology.eil.utoronto.ca/tove/organization#hasName": "Homes built",
        "https://ontology.commonapproach.org/cids#unitDecscription": "homes",
        "https://ontology.commonapproach.org/cids#hasIndicatorReport": {"@list": [{"@id": "r"}]}
    }]}"#;
    assert_eq!(lines(full, &options()), [HOMES]);
    let nested = r#"{"@context": ["CONTEXT", {"mine": "https://b.ca/"}], "@id": "https://a.ca/i1", "@type": "cids:Indicator", "hasName": "Homes built", "unitDescription": "homes",
        "mine:colour": "red", "forOrganization": {"@id": "https://a.ca/", "hasLegalName": "A Fund"},
        "hasIndicatorReport": {"@type": "cids:IndicatorReport", "startedAtTime": "2024-01-01", "endedAtTime": "2025-01-01T00:00:00", "value": "1283"}}"#;
    assert_eq!(lines(nested.replace("CONTEXT", CONTEXT), &options()), [HOMES]);
    // What is said of one thing in two places belongs together.
    let (first, last) = document().rsplit_once("\"value\"").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let parts =
        format!("{first}\"@x\": 1}}, {{\"@context\": \"{CONTEXT}\", \"@id\": \"https://a.ca/r1\", \"value\"{last}");
    assert_eq!(lines(parts, &options()), [HOMES]);
}

#[rstest]
#[case("\"1283\"", "\"yes\"", "!INVALID hasNumericalValue")]
#[case("\"1283\"", "\"\"", "!REQUIRED hasNumericalValue")]
#[case("\"1283\"", "\"1,283\"", "!INVALID hasNumericalValue")]
#[case("\"1283\"", "null", "!REQUIRED hasNumericalValue")]
#[case("\"1283\"", "[1, 2]", "!AMBIGUOUS hasNumericalValue")]
#[case("\"1283\"", "1.28e3", "“A Fund”https://a.ca/ Homes built [homes] 2024: 1280")]
#[case("\"Homes built\"", "[\"Homes built\", \"Homes\"]", "!AMBIGUOUS hasName")]
#[case("\"Homes built\"", "\" \"", "!REQUIRED hasName")]
#[case("\"forIndicator\": \"https://a.ca/i1\"", "\"forIndicator\": \"https://a.ca/i2\"", "!NOT_FOUND forIndicator")]
#[case("\"forIndicator\"", "\"cids:other\"", "!REQUIRED forIndicator")]
#[case(
    "\"@type\": \"cids:Organization\", \"hasLegalName\": \"A Fund\"",
    "\"@type\": \"cids:Theme\"",
    "“”https://a.ca/ Homes built [homes] 2024: 1283"
)]
#[case("https://a.ca/\"", "file: x\"", "“A Fund” Homes built [homes] 2024: 1283")]
#[case("2024-12-31T05:22:00-08:00", "soon", "!INVALID endedAtTime")]
#[case("2024-12-31T05:22:00-08:00", "2023-12-31", "!INVALID endedAtTime")]
#[case("\"startedAtTime\"", "\"began\"", "!REQUIRED startedAtTime")]
#[case("\"value\"", "\"worth\"", "!REQUIRED value")]
fn what_is_missing_or_wrong_is_told(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
    let document = document();
    assert!(document.contains(from));
    assert_eq!(lines(document.replace(from, to), &options()), [expected]);
}

#[test]
fn an_organization_may_be_the_indicators_or_the_callers() {
    let document = document().replace("\"forOrganization\": \"https://a.ca/\", \"startedAtTime\"", "\"startedAtTime\"");
    assert_eq!(lines(&document, &options()), [HOMES]);
    let nobody = document.replace("forOrganization", "for");
    assert_eq!(lines(&nobody, &options()), ["!REQUIRED forOrganization"]);
    let mut options = options();
    options.blank_geography = Some("winnipeg".parse().unwrap());
    assert_eq!(lines(&nobody, &options), ["- Homes built [homes] 2024: 1283"]);
}

#[rstest]
#[case("2024-01-01", "2024-12-31", "2024")]
#[case("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "2024")]
#[case("2024-01-01T00:00:00Z", "2024-12-31T23:59:59Z", "2024")]
#[case("2024-01-01T00:00:00", "2024-12-31T00:00:00", "2024")]
#[case("2025-01-01T11:25:00-08:00", "2025-02-28T11:25:00-08:00", "2025-01-01/P2M")]
#[case("2024-04-01", "2025-03-31", "2024-04-01/P1Y")]
#[case("2024-05-05", "2024-05-05", "2024-05-05")]
#[case("2024-05-05T08:00:00", "2024-05-21T09:00:00", "2024-05-05/P17D")]
fn a_report_lasts_from_its_first_to_its_last_day(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
    assert_eq!(period(from, to).unwrap().to_string(), expected);
}

#[test]
fn contexts_are_known_or_refused_and_never_fetched() {
    for known in [
        "https://ontology.commonapproach.org/contexts/cidsContext.json",
        "http://ontology.eil.utoronto.ca/cids/contexts/cidsContext.json",
    ] {
        assert_eq!(lines(document().replace(CONTEXT, known), &options()), [HOMES]);
    }
    for other in
        ["https://example.org/context", "", "https://ontology.commonapproach.org/contexts/cidsContext.jsonld#x"]
    {
        assert_eq!(refused(document().replace(CONTEXT, other)), FailureCode::Malformed);
    }
    for own in
        ["{\"value\": \"x:value\"}", "{\"cids\": \"https://example.org/\"}", "{\"@vocab\": \"https://example.org/\"}"]
    {
        assert_eq!(refused(document().replace(&format!("\"{CONTEXT}\""), own)), FailureCode::Malformed, "{own}");
    }
    // Without a context short names mean nothing.
    assert_eq!(lines(document().replace("@context", "@contexts"), &options()), [""; 0]);
}

#[test]
fn hostile_documents_are_refused() {
    use FailureCode::{Encoding, Malformed, TooLong};
    for text in ["\"text\"", "null", "{", "[{\"a\": 1, \"a\": 2}]", "[] x", "[\0]"] {
        assert_eq!(refused(text), Malformed, "{text}");
    }
    assert_eq!(refused("[".repeat(100_000)), Malformed);
    assert_eq!(refused("{\"a\":".repeat(100_000)), Malformed);
    assert_eq!(refused(vec![b' '; LARGEST + 1]), TooLong);
    assert_eq!(refused(b"[\"\xff\"]"), Encoding);
    assert_eq!(refused(b"\xff\xfe[\0"), Encoding);
    assert_eq!(lines("[]", &options()), [""; 0]);
    // Nodes that refer to each other, and values without number.
    let many = format!(
        "{{\"@context\":\"{CONTEXT}\",\"@id\":\"r\",\"@type\":\"cids:IndicatorReport\",\"forIndicator\":\"r\",\"hasIndicatorReport\":[{}]}}",
        (0..400_000).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",")
    );
    assert_eq!(lines(many, &options()), ["!REQUIRED startedAtTime"]);
}

#[test]
fn the_published_test_data_are_read_report_by_report() {
    let name = "exchange::cids::tests::the_published_test_data_are_read_report_by_report";
    let Some(folder) = told::data(name, "common-impact-data-standard") else { return };
    let text = fs::read(folder.join("derived/TestData1.jsonld")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let is_report = |node: &&serde_json::Value| node["@type"].to_string().contains("#IndicatorReport\"");
    let reports = document.as_array().unwrap().iter().filter(is_report).count();
    let found = lines(&text, &options());
    assert_eq!((reports, found.len()), (16, 16));
    let mut counts = BTreeMap::<_, usize>::new();
    for row in &found {
        *counts.entry(if row.starts_with('!') { row.as_str() } else { "kept" }).or_default() += 1;
    }
    // Nine answer yes or with a placeholder, one not at all, and two are of an indicator with two names.
    let expected =
        [("!AMBIGUOUS hasName", 2), ("!INVALID hasNumericalValue", 9), ("!REQUIRED hasNumericalValue", 1), ("kept", 4)];
    assert_eq!(counts, expected.into());
    let housing = "“Placeholder Funds Inc. - Housing Fund 4”https://placeholderfunds.ca/";
    assert!(found.contains(&format!("{housing} SELI assessment [Score] 2025-01-01/P2M: 1")), "{found:#?}");
    let context = fs::read(folder.join("contexts/cidsContext.jsonld")).unwrap();
    let context: serde_json::Value = serde_json::from_slice(&context).unwrap();
    for (short, full) in [
        ("hasName", "org:hasName"),
        ("value", "i72:value"),
        ("endedAtTime", "prov:endedAtTime"),
        ("unitDescription", "cids:unitDescription"),
    ] {
        assert_eq!(context["@context"][short]["@id"], full);
        assert_eq!(super::context::term(short, true), super::context::term(full, true));
        let (prefix, local) = full.split_once(':').unwrap();
        let long = context["@context"][prefix].as_str().unwrap().to_owned() + local;
        assert_eq!(super::context::term(short, true), super::context::term(&long, false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_is_sent_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = told(&bytes, &options());
    }

    #[test]
    fn a_damaged_document_is_read_or_refused(places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let _ = told(damage(document().as_bytes(), &places), &options());
    }
}

#[test]
fn a_document_of_very_many_parts_is_refused() {
    for part in ["{}", "0", "{\"a\":0}"] {
        let most = format!("[{}{part}]", format!("{part},").repeat(500_000));
        assert!(most.len() < LARGEST);
        let failure = told(most, &options()).unwrap_err();
        assert_eq!(failure.code, FailureCode::TooLong, "{failure}");
    }
    assert_eq!(lines(format!("[{}{{}}]", "{},".repeat(100_000)), &options()), Vec::<String>::new());
}

#[test]
fn a_long_identifier_is_refused_and_none_is_copied_for_each_report() {
    let reports: Vec<String> = (0..2_000).map(|number| format!("\"r{number}\"")).collect();
    let with = |id: &str| {
        format!(
            "{{\"@context\":\"{CONTEXT}\",\"@id\":\"{id}\",\"@type\":\"cids:Indicator\",\"hasIndicatorReport\":[{}]}}",
            reports.join(",")
        )
    };
    assert_eq!(lines(with(&"i".repeat(2_000)), &options()), Vec::<String>::new());
    let failure = told(with(&"i".repeat(2_001)), &options()).unwrap_err();
    assert_eq!((failure.code, failure.column.as_deref()), (FailureCode::TooLong, Some("@id")));
}

#[test]
fn a_number_that_is_too_large_is_the_fault_of_its_report_alone() {
    let number = |number: &str| document().replace("\"1283\"", number);
    assert_eq!(lines(number("1e400"), &options()), ["!INVALID hasNumericalValue"]);
    assert_eq!(lines(number("-1283.50e0"), &options()), [HOMES.replace("1283", "-1283.5")]);
    let (batches, _) = batches(number("1283.50"), &options()).unwrap();
    assert_eq!(batches[0].indicators[0].decimals, 2, "as it is written");
    for bad in ["01", "1.", "-", "1true", "+1", "1e", "\"1\\\"2"] {
        assert_eq!(refused(number(bad)), FailureCode::Malformed, "{bad}");
    }
}
