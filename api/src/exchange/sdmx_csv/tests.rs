#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use domain::observation::Confidentiality;
use proptest::prelude::{ProptestConfig, any, proptest};
use rstest::rstest;

use crate::exchange::{
    FailureCode, Format, Options,
    told::{self, batches, damage, lines, told},
};

fn options() -> Options {
    told::options(Format::SdmxCsv)
}

fn refused(text: impl AsRef<[u8]>) -> (FailureCode, Option<String>) {
    let failure = told(text, &options()).unwrap_err();
    (failure.code, failure.column)
}

const MESSAGE: &str = "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,INDICATOR,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE,UNIT_MULT,DECIMALS,COMMENT_OBS\n\
    dataflow,CA:POV(1.0.0),I,A,46,POVERTY,_T,2020,9.5,A,F,PT,0,1,\"first, of many\"\n\
    dataflow,CA:POV(1.0.0),I,A,46,POVERTY,F,2020-Q1,1.5,P,,PT,6,1,\n";

#[test]
fn a_message_is_read_by_its_columns() {
    let expected = ["46 POVERTY [%] 2020: 9.5", "46 POVERTY [%] SEX=F 2020-Q1: 1500000"];
    for end in ["\n", "\r\n"] {
        let text = format!("\u{feff}{}{end}{end}", MESSAGE.replace('\n', end));
        assert_eq!(lines(text, &options()), expected);
    }
    let (batches, notices) = batches(MESSAGE, &options()).unwrap();
    assert_eq!(batches[0].rows[0].figure.note.as_deref(), Some("first, of many"));
    assert_eq!(batches[0].indicators[0].decimals, 1);
    assert_eq!(notices, ["column “FREQ” is not read"]);
}

#[rstest]
#[case("STRUCTURE;", ';')]
#[case("STRUCTURE[;],", ',')]
#[case("\"STRUCTURE[;]\",", ',')]
#[case("STRUCTURE\t", '\t')]
#[case("\"STRUCTURE\"|", '|')]
fn the_delimiter_follows_the_first_name(#[case] start: &str, #[case] mark: char) {
    let m = mark;
    let text = format!(
        "{start}STRUCTURE_ID{m}REF_AREA{m}TIME_PERIOD{m}OBS_VALUE\n\"dataflow\"{m}\"A:IND(1.0)\"{m}46{m}2020{m}7\n"
    );
    assert_eq!(lines(text, &options()), ["46 IND 2020: 7"]);
}

#[test]
fn labels_stand_behind_identifiers() {
    let text = "STRUCTURE[;],STRUCTURE_ID,ACTION: Action,REF_AREA: Area,SEX: Sex,TIME_PERIOD: Time,OBS_VALUE: Value,OBS_STATUS: Status,COMMENT_OBS[]: Comment\n\
                dataflow,A:IND(1.0.0): An indicator: of something,M,46: Manitoba,F: Female,2020-01,7,P: Provisional,a;b\n\
                dataflow,A:IND(1.0.0): An indicator: of something,M,46: Manitoba,_T: Total,2020-W10,8,A: Normal,x: y\n";
    assert_eq!(lines(text, &options()), ["46 IND SEX=F 2020-01: 7", "46 IND 2020-W10: 8"]);
    let (batches, _) = batches(text, &options()).unwrap();
    assert_eq!(batches[0].indicators[0].title, "An indicator: of something");
    assert_eq!(batches[0].rows[0].figure.note.as_deref(), Some("a; b"));
    assert_eq!(batches[0].rows[1].figure.note.as_deref(), Some("x: y"));
}

/// A message with one row of these cells.
fn row(columns: &str, cells: &str) -> String {
    format!("STRUCTURE,STRUCTURE_ID,REF_AREA,TIME_PERIOD,{columns}\ndataflow,A:IND(1.0),46,2020,{cells}\n")
}

#[rstest]
#[case("OBS_VALUE", "NaN", "46 IND 2020: O")]
#[case("OBS_VALUE", "#N/A", "46 IND 2020: O")]
#[case("OBS_VALUE,OBS_STATUS", "NaN,M", "46 IND 2020: M")]
#[case("OBS_VALUE,OBS_STATUS", ",Q", "46 IND 2020: Q")]
#[case("OBS_VALUE,OBS_STATUS", ",", "!REQUIRED OBS_VALUE")]
#[case("OBS_VALUE", "", "!REQUIRED OBS_VALUE")]
#[case("OBS_VALUE", "1;2", "!INVALID OBS_VALUE")]
#[case("OBS_VALUE", "nan", "!INVALID OBS_VALUE")]
#[case("OBS_VALUE,OBS_STATUS", "1,X", "!INVALID OBS_STATUS")]
#[case("OBS_VALUE,UNIT_MULT", "1.1,6", "46 IND 2020: 1100000")]
#[case("OBS_VALUE,UNIT_MULT", "12,-2", "46 IND 2020: 0.12")]
#[case("OBS_VALUE,UNIT_MULT", "12,million", "!UNIT UNIT_MULT")]
#[case("OBS_VALUE,UNIT_MULT", "12,99", "!UNIT UNIT_MULT")]
#[case("OBS_VALUE,UNIT_MULT", "1e307,9", "!INVALID OBS_VALUE")]
#[case("OBS_VALUE,CONF_STATUS", "1,D", "!INVALID CONF_STATUS")]
#[case("OBS_VALUE,EMBARGO_TIME", "1,tomorrow", "!INVALID EMBARGO_TIME")]
#[case("SEX,OBS_VALUE", "_T,1", "46 IND 2020: 1")]
#[case("SEX,OBS_VALUE", "_Z,1", "46 IND 2020: 1")]
#[case("SEX,OBS_VALUE", ",1", "!REQUIRED SEX")]
#[case("ACTION,OBS_VALUE", "I,1", "46 IND 2020: 1")]
#[case("ACTION,OBS_VALUE", "A,1", "46 IND 2020: 1")]
#[case("ACTION,OBS_VALUE", "M,1", "46 IND 2020: 1")]
#[case("ACTION,OBS_VALUE", "R,1", "46 IND 2020: 1")]
#[case("ACTION,OBS_VALUE", ",1", "46 IND 2020: 1")]
#[case("ACTION,OBS_VALUE", "X,1", "!INVALID ACTION")]
#[case("ACTION,OBS_VALUE", "D,", "46 IND 2020: withdrawn")]
#[case("ACTION,OBS_VALUE", "D,-", "46 IND 2020: withdrawn")]
#[case("ACTION,OBS_VALUE,OBS_STATUS", "D,-,-", "46 IND 2020: withdrawn")]
#[case("ACTION,OBS_VALUE,OBS_STATUS", "D,,-", "!RETRACT ACTION")]
#[case("ACTION,SEX,OBS_VALUE", "D,,", "!REQUIRED SEX")]
#[case("OBS_VALUE,REF_PERIOD_DETAIL", "1,x", "46 IND 2020: 1")]
#[case("OBS_VALUE", "1,2", "!CELLS ")]
fn every_cell_means_what_the_standard_says(#[case] columns: &str, #[case] cells: &str, #[case] expected: &str) {
    assert_eq!(lines(row(columns, cells), &options()), [expected]);
}

#[test]
fn what_may_be_seen_is_read_with_the_figure() {
    let text = row("OBS_VALUE,CONF_STATUS,EMBARGO_TIME", "1,E,2030-01-01T09:00:00+01:00");
    let (batches, _) = batches(text, &options()).unwrap();
    let figure = &batches[0].rows[0].figure;
    assert_eq!(figure.confidentiality, Confidentiality::Embargoed);
    assert_eq!(figure.embargo_until.unwrap().to_rfc3339(), "2030-01-01T08:00:00+00:00");
}

#[test]
fn columns_of_other_names_are_named_by_the_caller() {
    let mut options = options();
    options.sdmx.area = "COUNTRY".into();
    options.sdmx.indicator = "SERIES".into();
    options.sdmx.period = "TIME".into();
    options.sdmx.dimensions = vec!["AGE".into()];
    options.totals = vec!["SEX=TOTAL".parse().unwrap()];
    options.ignored_columns = vec!["COLOUR".into()];
    let text = "STRUCTURE,COUNTRY,SERIES,TIME,SEX,OBS_VALUE,AGE,COLOUR\ndataflow,CA,S1,2020,TOTAL,7,Y15T24,red\n";
    assert_eq!(lines(text, &options), ["CA S1 AGE=Y15T24 2020: 7"]);
    options.ignored_columns.clear();
    let failure = told(text, &options).unwrap_err();
    assert_eq!((failure.code, failure.column.as_deref()), (FailureCode::UnknownColumn, Some("COLOUR")));
}

#[test]
fn a_header_that_is_not_understood_is_refused() {
    use FailureCode::{DuplicateColumn, Empty, Encoding, MissingColumn, UnknownColumn};
    let column = |name: &str| Some(name.to_owned());
    for text in ["DATAFLOW,REF_AREA\n", "a,b\n", "{}", "STRUCTURES,A\n", "STRUCTURE[;,A\n", "\"STRUCTURE,A\n", "\0"] {
        assert_eq!(refused(text), (MissingColumn, column("STRUCTURE")), "{text}");
    }
    assert_eq!(refused("STRUCTURE"), (MissingColumn, column("REF_AREA")));
    assert_eq!(refused("STRUCTURE,REF_AREA,TIME_PERIOD"), (MissingColumn, column("OBS_VALUE")));
    assert_eq!(refused("STRUCTURE,REF_AREA,OBS_VALUE"), (MissingColumn, column("TIME_PERIOD")));
    assert_eq!(refused("STRUCTURE,REF_AREA,TIME_PERIOD,OBS_VALUE"), (MissingColumn, column("INDICATOR")));
    assert_eq!(refused("STRUCTURE,REF_AREA,Ref_Area: x,TIME_PERIOD,OBS_VALUE").0, DuplicateColumn);
    assert_eq!(
        refused("STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME,REF_AREA,Area"),
        (UnknownColumn, column("STRUCTURE_NAME"))
    );
    assert_eq!(refused(""), (Empty, None));
    assert_eq!(refused(b"\xfe\xff\0S").0, Encoding);
    assert_eq!(refused(format!("STRUCTURE,REF_AREA\n\"{}", "x".repeat(3 << 20))).0, MissingColumn);
    assert_eq!(refused(row("OBS_VALUE", &format!("\"{}", "x".repeat(3 << 20)))).0, FailureCode::TooLong);
}

#[test]
fn a_structure_of_no_known_kind_rejects_its_row() {
    let text = row("OBS_VALUE", "1").replace("dataflow", "table");
    assert_eq!(lines(text, &options()), ["!INVALID STRUCTURE"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_is_sent_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = told(&bytes, &options());
        let _ = told([b"STRUCTURE,STRUCTURE_ID,REF_AREA,TIME_PERIOD,SEX,OBS_VALUE\n", bytes.as_slice()].concat(), &options());
    }

    #[test]
    fn a_damaged_message_is_read_or_refused(places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let _ = told(damage(MESSAGE.as_bytes(), &places), &options());
    }
}
