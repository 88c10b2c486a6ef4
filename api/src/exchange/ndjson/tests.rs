//! Lines of figures, good and bad.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::{ProptestConfig, any, proptest};
use rstest::rstest;

use super::*;
use crate::exchange::{
    Format,
    told::{self, batches, damage, lines, told},
};

fn options() -> Options {
    told::options(Format::Ndjson)
}

const ROW: &str = r#"{"community":"winnipeg","indicator":"poverty","source":"census","period":"2020","value":12.5,"numerator":1,"denominator":8,"lower":12,"upper":13,"status":"P","confidentiality":"E","embargoUntil":"2030-01-01T09:00:00+01:00","note":"a note","externalId":"r1","disaggregation":{"sex":"F","age":"15-24"},"withdrawn":false}"#;

#[test]
fn a_part_of_the_population_is_never_taken_for_another() {
    let row = |part: &str| {
        format!(r#"{{"community":"a","indicator":"i","period":"2020","value":1,"disaggregation":{part}}}"#)
    };
    let text = [row(r#"{"a":"b","c":"d"}"#), row(r#"{"a":"b\u001ec\u001fd"}"#), row(r#"{"a":"b","c":"d"}"#)].join("\n");
    assert_eq!(lines(text, &options()), ["/a i a=b;c=d 2020: 1", "!INVALID disaggregation", "/a i a=b;c=d 2020: 1"]);
}

#[test]
fn every_key_is_read() {
    let (batches, _) = batches(ROW, &options()).unwrap();
    let batch = &batches[0];
    assert_eq!(batch.rejects, []);
    let figure = &batch.rows[0].figure;
    assert_eq!((figure.value, figure.numerator, figure.denominator), (Some(12.5), Some(1.0), Some(8.0)));
    assert_eq!((figure.lower, figure.upper), (Some(12.0), Some(13.0)));
    assert_eq!((figure.status.code(), figure.confidentiality.code()), ("P", "E"));
    assert_eq!(figure.embargo_until.unwrap().to_rfc3339(), "2030-01-01T08:00:00+00:00");
    assert_eq!((figure.note.as_deref(), figure.external_id.as_deref()), (Some("a note"), Some("r1")));
    assert_eq!((batch.sources[0].as_str(), batch.indicators[0].decimals), ("census", 1));
    assert_eq!(lines(ROW, &options()), ["/winnipeg poverty age=15-24;sex=F 2020: 12.5"]);
}

/// A row with these further keys.
fn row(rest: &str) -> String {
    format!(r#"{{"community":"c","indicator":"i","period":"2020"{rest}}}"#)
}

#[rstest]
#[case(r#","value":1"#, "/c i 2020: 1")]
#[case(r#","value":null,"status":"Q""#, "/c i 2020: Q")]
#[case(r#","value":null,"status":"Q","numerator":4"#, "/c i 2020: Q")]
#[case(r#","value":1,"disaggregation":null,"note":null,"embargoUntil":null"#, "/c i 2020: 1")]
#[case(r#","withdrawn":true"#, "/c i 2020: withdrawn")]
#[case("", "!REQUIRED value")]
#[case(r#","value":"1""#, "!INVALID value")]
#[case(r#","value":1e999"#, "!INVALID value")]
#[case(r#","value":1,"value":2"#, "!INVALID value")]
#[case(r#","value":1,"colour":"red""#, "!INVALID colour")]
#[case(r#","value":1,"withdrawn":"yes""#, "!INVALID withdrawn")]
#[case(r#","value":1,"status":"maybe""#, "!INVALID status")]
#[case(r#","value":1,"confidentiality":"D""#, "!INVALID confidentiality")]
#[case(r#","value":1,"embargoUntil":"soon""#, "!INVALID embargoUntil")]
#[case(r#","value":1,"disaggregation":{"sex":1}"#, "!INVALID disaggregation")]
#[case(r#","value":1,"disaggregation":{"sex":"F","sex":"M"}"#, "!INVALID disaggregation")]
#[case(r#","value":1,"disaggregation":{"sex":""}"#, "!INVALID disaggregation")]
#[case(r#","value":1,"period":"2021""#, "!INVALID period")]
fn a_row_says_what_it_says_or_is_rejected(#[case] rest: &str, #[case] expected: &str) {
    assert_eq!(lines(row(rest), &options()), [expected]);
}

#[rstest]
#[case("", "!INVALID ")]
#[case("not json", "!INVALID ")]
#[case("[]", "!INVALID ")]
#[case("null", "!INVALID ")]
#[case("{}", "!REQUIRED community")]
#[case("{} {}", "!INVALID ")]
#[case(r#"{"community":" "}"#, "!REQUIRED community")]
#[case(r#"{"community":7}"#, "!INVALID community")]
#[case(r#"{"community":{"scheme":"uk:GSS"}}"#, "!INVALID community")]
#[case(r#"{"community":"c","period":"2020","value":1}"#, "!REQUIRED indicator")]
#[case(r#"{"community":"c","indicator":"i","value":1}"#, "!REQUIRED period")]
#[case(r#"{"community":"c","indicator":"i","period":"soon","value":1}"#, "!INVALID period")]
#[case(
    r#"{"community":{"scheme":"uk:GSS","code":"E06"},"indicator":"i","period":"2020","value":1}"#,
    "uk:GSS=E06 i 2020: 1"
)]
fn a_bad_line_is_a_row_and_no_more(#[case] line: &str, #[case] expected: &str) {
    let text = format!("{}\r\n\r\n{line}\r\n{}\n\n", row(",\"value\":1"), row(",\"value\":2"));
    let mut found = told(&text, &options()).unwrap();
    let last = found.pop().unwrap();
    assert_eq!((last.0, last.1.as_str()), (4, "/c i 2020: 2"));
    if line.is_empty() {
        assert_eq!(found.len(), 1);
    } else {
        assert_eq!(found[1], (3, expected.to_owned()));
    }
}

#[test]
fn a_text_names_a_code_where_the_scheme_is_named() {
    let mut options = options();
    options.code_scheme = Some("uk:GSS".parse().unwrap());
    assert_eq!(lines(row(",\"value\":1"), &options), ["c i 2020: 1"]);
    options.indicator = Some("given".parse().unwrap());
    assert_eq!(lines(r#"{"community":"c","period":"2020","value":1}"#, &options), ["c  2020: 1"]);
}

#[test]
fn hostile_lines_are_rejected_one_by_one() {
    let good = row(",\"value\":1");
    let deep = format!("{{\"note\":{}", "[".repeat(200_000));
    let texts: [(&[u8], &str); 4] = [
        (&b"x".repeat(3 << 20), "!TOO_LONG "),
        (b"{\"community\":\"\xff\"}", "!ENCODING "),
        (b"\0\0\0", "!INVALID "),
        (deep.as_bytes(), "!INVALID note"),
    ];
    for (text, expected) in texts {
        let whole = [good.as_bytes(), b"\n", text, b"\n", good.as_bytes()].concat();
        assert_eq!(lines(&whole, &options()), ["/c i 2020: 1", expected, "/c i 2020: 1"]);
        let (batches, _) = batches(&whole, &options()).unwrap();
        assert!(batches.iter().flat_map(|batch| &batch.raw).all(|(_, raw)| raw.len() <= LONGEST_LINE * 3));
    }
    assert_eq!(lines(format!("\u{feff}{good}"), &options()).len(), 1);
    assert_eq!(told(b"\xff\xfe{\0", &options()).unwrap_err().code.code(), "ENCODING");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_is_sent_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = told(&bytes, &options());
    }

    #[test]
    fn a_damaged_line_is_one_row(places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let damaged: Vec<u8> = damage(ROW.as_bytes(), &places).into_iter().filter(|&byte| byte != b'\n').collect();
        let text = [ROW.as_bytes(), b"\n", &damaged].concat();
        proptest::prop_assert_eq!(told(text, &options()).unwrap().len(), 2);
    }
}
