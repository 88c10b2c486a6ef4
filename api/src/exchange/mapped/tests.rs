//! Tables read by mappings, good ones and hostile ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::Cursor;

use domain::mapping::ColumnMapping;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::exchange::{batch::Batch, failure::FailureCode};

/// What a table says by a mapping: its batches as one, and the notices.
fn read(mapping: Value, bytes: impl AsRef<[u8]>) -> Result<(Batch, Vec<String>), Failure> {
    let mapping: ColumnMapping = serde_json::from_value(mapping).unwrap();
    mapping.check().unwrap();
    let (sender, mut batches) = mpsc::channel(64);
    let input = Input::decoded(Cursor::new(bytes.as_ref().to_vec()), mapping.table.encoding)?;
    let mut sink = Sink::new(&sender, true, input.consumed());
    let notices = super::read(input, Some(&mapping), &mut sink)?;
    sink.end();
    let mut all = Batch::default();
    while let Ok(batch) = batches.try_recv() {
        all.areas.extend(batch.areas);
        all.indicators.extend(batch.indicators);
        all.disaggregations.extend(batch.disaggregations);
        all.series.extend(batch.series);
        all.rows.extend(batch.rows);
        all.rejects.extend(batch.rejects);
    }
    Ok((all, notices))
}

/// A long table: one value a row, with whatever `more` adds to the mapping.
#[allow(clippy::needless_pass_by_value)] // as json! hands it over
fn long(more: Value) -> Value {
    let mut mapping = json!({
        "community": { "code": { "column": "fips", "width": 5 }, "scheme": "us:FIPS" },
        "indicator": { "code": "rate" },
        "period": { "text": { "column": "year" } },
        "figures": [{ "column": "value" }],
    });
    for (key, value) in more.as_object().unwrap() {
        mapping[key] = value.clone();
    }
    mapping
}

/// Community, indicator, dimensions, period and value of each figure.
fn said(batch: &Batch) -> Vec<String> {
    let one = |row: &ReadRow| {
        let series = batch.series[row.series as usize];
        let area = match &batch.areas[series.area as usize] {
            AreaKey::Code { code, .. } => code,
            AreaKey::Name { name, .. } => name,
            other => panic!("{other:?}"),
        };
        let indicator = &batch.indicators[series.indicator as usize].name;
        let part = &batch.disaggregations[series.disaggregation as usize];
        let value = row.figure.value.map_or(row.figure.status.to_string(), |value| value.to_string());
        format!("{area} {indicator} [{part}] {} {value}", row.period)
    };
    batch.rows.iter().map(one).collect()
}

fn reasons(batch: &Batch) -> Vec<(u64, &str, &str)> {
    batch.rejects.iter().map(|(line, reason)| (*line, reason.code, reason.column.as_ref())).collect()
}

#[test]
fn a_row_says_a_figure_in_each_column_of_values() {
    let mapping = json!({
        "table": { "encoding": "latin-1" },
        "community": { "code": [{ "column": "S", "width": 2 }, { "column": "C", "width": 3 }], "scheme": "us:FIPS",
            "name": { "column": "NAME" }, "level": "county" },
        "period": { "text": { "column": "Y", "values": { "1": "2020-04-01", "2": "2020-07-01" } } },
        "figures": [
            { "column": "POP", "indicator": { "code": "pop" } },
            { "pattern": "{age}_{sex}", "captures": { "sex": ["T", "F"] }, "indicator": { "code": "pop" }, "dimensions": [
                { "dimension": "age", "value": { "capture": "age", "values": { "A04": "0-4" } } },
                { "dimension": "sex", "value": { "capture": "sex" }, "totals": ["T"] } ] },
        ],
    });
    let (batch, notices) = read(mapping.clone(), b"S,C,NAME,Y,POP,A04_T,A04_F,x\n1,7,Do\xf1a,2,9,5,3,z\n").unwrap();
    assert_eq!(
        said(&batch),
        ["01007 pop [] 2020-07-01 9", "01007 pop [age=0-4] 2020-07-01 5", "01007 pop [age=0-4;sex=F] 2020-07-01 3"]
    );
    assert_eq!(batch.areas.len(), 1);
    assert!(matches!(&batch.areas[0], AreaKey::Code { name, .. } if name == "Doña"));
    assert_eq!(
        batch.rows.iter().map(|row| row.column.as_deref().unwrap()).collect::<Vec<_>>(),
        ["POP", "A04_T", "A04_F"]
    );
    assert_eq!(notices, ["columns that the mapping does not speak of are not read: x"]);
    let refused = |bytes: &[u8]| {
        let failure = read(mapping.clone(), bytes).unwrap_err();
        (failure.code, failure.column.unwrap())
    };
    assert_eq!(refused(b"S,C,NAME,Y,A04_T,A04_F\n"), (FailureCode::MissingColumn, "POP".into()));
    assert_eq!(refused(b"S,C,NAME,Y,POP,A04_T\n"), (FailureCode::MissingColumn, "{age}_{sex}".into()));
    assert_eq!(refused(b"S,C,NAME,Y,POP,A04_T,B_F\n"), (FailureCode::UnknownColumn, "B".into()));
    assert_eq!(refused(b"S,C,NAME,Y,POP,POP,A04_T,A04_F\n"), (FailureCode::DuplicateColumn, "POP".into()));
}

#[test]
fn communities_may_stand_in_columns_and_indicators_in_rows() {
    let mapping = json!({
        "leaveOut": [{ "column": "id", "values": ["1"], "because": "a title" }],
        "community": { "name": { "capture": "name" } },
        "indicator": { "code": [{ "constant": "t-" }, { "column": "id" }], "name": { "column": "what" } },
        "period": { "text": "2016" },
        "numbers": { "thousands": ",", "percentSign": true },
        "leaveOutBlank": true,
        "figures": [{ "pattern": "{name}", "from": "Annex", "to": "#4" }],
    });
    let text =
        "id,what,Annex,Bay,Total\r\r\n1,Number,a,b,c\r\r\n2,People,\"30,526\",,x\r\r\n3,Change,-3.90%,NIA,y\r\r\n";
    let (batch, notices) = read(mapping, text).unwrap();
    assert_eq!(said(&batch), ["Annex t-2 [] 2016 30526", "Annex t-3 [] 2016 -3.9"]);
    assert_eq!(batch.indicators[0].title, "People");
    // What is left out is told row by row and cell by cell, like all else that is not kept.
    assert_eq!(reasons(&batch), [(2, "LEFT_OUT", "id"), (3, "LEFT_OUT", "Bay"), (4, "INVALID", "Bay")]);
    assert_eq!(batch.rejects[0].1.to_string(), "id: a title");
    assert_eq!(notices, ["columns that the mapping does not speak of are not read: Total"]);
}

#[test]
fn what_is_not_listed_is_said_otherwise() {
    let mapping = json!({
        "community": {
            "code": [{ "column": "S", "width": 2 },
                { "column": "C", "width": 3, "values": { "0": "" }, "otherwise": { "column": "C", "width": 3 } }],
            "scheme": "us:FIPS",
            "level": { "column": "S", "values": { "0": "country" },
                "otherwise": { "column": "C", "values": { "0": "state" }, "otherwise": "county" } },
        },
        "indicator": { "code": { "capture": "what", "values": { "ALL": "people" }, "otherwise": { "capture": "what" } } },
        "period": { "text": { "column": "id", "values": { "4": "2011" }, "otherwise": "2016" } },
        "figures": [{ "pattern": "N_{what}" }],
    });
    let (batch, _) = read(mapping, "S,C,id,N_ALL,N_homes\n0,0,3,9,1\n1,0,4,8,2\n1,7,5,7,3\n").unwrap();
    let expected = [
        "00 people [] 2016 9",
        "00 homes [] 2016 1",
        "01 people [] 2011 8",
        "01 homes [] 2011 2",
        "01007 people [] 2016 7",
        "01007 homes [] 2016 3",
    ];
    assert_eq!(said(&batch), expected);
    let level = |area: &AreaKey| match area {
        AreaKey::Code { geography, .. } => geography.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(batch.areas.iter().map(level).collect::<Vec<_>>(), ["country", "state", "county"]);
}

#[test]
fn limits_status_notes_and_multiples_come_with_the_value() {
    let mapping = long(json!({
        "missing": { ".": "O" },
        "figures": [{ "column": "value", "multiplier": { "column": "scale", "values": { "k": "1000" } },
            "lower": "low", "upper": "high", "limitsLevel": 90,
            "status": { "column": "flag", "values": { "prelim": "P" } }, "note": { "column": "note" },
            "confidentiality": "N", "numerator": "n", "denominator": "d" }],
    }));
    let header = "fips,year,value,low,high,scale,flag,note,n,d\n";
    let (batch, _) =
        read(mapping, format!("{header}1,2020,38.2,37.2,39.2,k,prelim,early,1,2\n1,2021,.,.,.,,,,5,\n")).unwrap();
    let [first, second] = &batch.rows[..] else { panic!("{:?}", batch.rejects) };
    let figure = &first.figure;
    assert_eq!((figure.value, figure.status.code(), figure.note.as_deref()), (Some(38_200.0), "P", Some("early")));
    assert_eq!((figure.numerator, figure.denominator, figure.confidentiality.code()), (Some(1.0), Some(2.0), "N"));
    let (low, high) = (figure.lower.unwrap(), figure.upper.unwrap());
    assert!((low - 37_008.4).abs() < 0.1 && (high - 39_391.6).abs() < 0.1, "{low} {high}");
    let figure = &second.figure;
    assert_eq!((figure.value, figure.lower, figure.numerator, figure.status.code()), (None, None, None, "O"));
}

#[test]
fn periods_are_read_as_declared_and_may_stand_in_the_header() {
    let written = |period: Value, cell: &str| {
        let (batch, _) = read(long(json!({ "period": period })), format!("fips,year,value\n1,{cell},5\n")).unwrap();
        batch.rows.first().map(|row| row.period.to_string())
    };
    assert_eq!(
        written(json!({ "text": { "column": "year" }, "format": "DD/MM/YYYY" }), "15/03/2004").as_deref(),
        Some("2004-03-15")
    );
    assert_eq!(written(json!({ "text": { "column": "year" }, "format": "DD/MM/YYYY" }), "2004"), None);
    let fiscal = json!({ "text": { "column": "year" }, "fiscalYearStart": 4 });
    assert_eq!(written(fiscal, "2014/15").as_deref(), Some("2014-04-01/P1Y"));
    assert_eq!(written(json!({ "text": { "column": "year" } }), "2014/15"), None);
    let wide = long(json!({
        "period": { "text": { "capture": "year" } }, "figures": [{ "pattern": "Y{year}" }],
    }));
    let (batch, _) = read(wide, "fips,Y2019,Y2020\n1,5,6\n").unwrap();
    assert_eq!(said(&batch), ["00001 rate [] 2019 5", "00001 rate [] 2020 6"]);
}

#[test]
fn every_fault_of_a_row_is_told_with_its_line_and_column() {
    let mapping = long(json!({
        "dimensions": [{ "dimension": "sex", "value": { "column": "sex", "values": { "1": "male" } } }],
    }));
    let text = "fips,year,value,sex\n\
        1,2020,5\n,2020,5,1\n1,soon,5,1\n1,2020,N.A.,1\n1,2020,,1\n1,2020,5,2\n1,2020,5,1,9\n1,2020,5,\n";
    let (batch, _) = read(mapping, text).unwrap();
    let expected = [
        (2, "CELLS", ""),
        (3, "NO_CODE", "fips"),
        (4, "INVALID", "year"),
        (5, "INVALID", "value"),
        (6, "REQUIRED", "value"),
        (7, "INVALID", "sex"),
        (8, "CELLS", ""),
    ];
    assert_eq!(reasons(&batch), expected);
    assert_eq!(said(&batch), ["00001 rate [] 2020 5"]);
}

#[test]
fn repeated_names_are_told_apart_by_their_order() {
    let mapping = long(json!({ "figures": [{ "column": "x", "lower": "CI#2", "upper": "#5" }] }));
    let (batch, _) = read(mapping, "fips,year,x,CI,CI,CI\n1,2020,5,1,6,3\n").unwrap();
    assert_eq!((batch.rows[0].figure.lower, batch.rows[0].figure.upper), (Some(6.0), Some(6.0)));
    for name in ["CI", "CI#4", "#7", "CI#0", "nothing"] {
        let mapping = long(json!({ "figures": [{ "column": name }] }));
        let code = read(mapping, "fips,year,x,CI,CI,CI\n").unwrap_err().code;
        let duplicate = name == "CI";
        assert_eq!(code == FailureCode::DuplicateColumn, duplicate, "{name}");
        assert_eq!(code == FailureCode::MissingColumn, !duplicate, "{name}");
    }
}

#[test]
fn hostile_texts_are_refused_with_a_code() {
    let refused = |bytes: &[u8]| {
        let failure = read(long(json!({})), bytes).unwrap_err();
        (failure.code, failure.line)
    };
    assert_eq!(refused(b""), (FailureCode::Empty, None));
    assert_eq!(refused(b"\xff\xfef\0i\0"), (FailureCode::Encoding, Some(1)));
    assert_eq!(refused(b"f\0i\0p\0s\0,\0\n\0"), (FailureCode::Encoding, Some(1)));
    assert_eq!(refused(b"fips,year,value\n\"1,2020,5\n1,2021,6\n"), (FailureCode::UnclosedQuote, Some(2)));
    let header = b"fips,year,value\n".as_slice();
    let endless = [header, &vec![b'1'; 4 * 1024 * 1024]].concat();
    assert_eq!(refused(&endless), (FailureCode::TooLong, Some(2)));
    // What concerns a row alone leaves the others as they are.
    let (batch, _) = read(long(json!({})), b"fips,year,value\r\r\n1,2020,5\0\r\r\n1,20\xff,5\r\n1,2021,6\n").unwrap();
    assert_eq!(reasons(&batch), [(2, "ENCODING", "value"), (3, "ENCODING", "year")]);
    assert_eq!(said(&batch), ["00001 rate [] 2021 6"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_comes_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(long(json!({})), &bytes);
    }

    #[test]
    fn every_figure_of_a_table_is_kept_or_rejected(
        cells in proptest::collection::vec(("[0-9]{0,3}", "20[0-2][0-9]|x", r"[0-9,.%-]{0,5}|N\.A\.", "[ab]?"), 1..30),
        blank in any::<bool>(),
    ) {
        let mapping = long(json!({
            "leaveOutBlank": blank, "missing": { "N.A.": "L" }, "numbers": { "thousands": "," },
            "leaveOut": [{ "column": "skip", "values": ["a"], "because": "a" }],
            "figures": [{ "column": "value" }],
        }));
        let mut text = String::from("fips,year,value,skip\n");
        for (fips, year, value, skip) in &cells {
            text.extend([fips.as_str(), ",", year, ",\"", value, "\",", skip, "\n"]);
        }
        let (batch, _) = read(mapping, text).unwrap();
        let left_out = cells.iter().filter(|(_, _, value, skip)| skip == "a" || (blank && value.is_empty())).count();
        // A row without anything but commas and quotation marks is blank.
        let nothing = cells.iter().filter(|(fips, year, value, skip)| [fips, year, value, skip].iter().all(|cell| cell.is_empty())).count();
        prop_assert_eq!(batch.rows.len() + batch.rejects.len() + nothing, cells.len());
        let told = batch.rejects.iter().filter(|(_, reason)| reason.code == LEFT_OUT).count();
        prop_assert_eq!(told + if blank { nothing } else { 0 }, left_out);
    }
}

#[test]
fn a_cell_is_never_taken_for_the_dimension_beside_it() {
    let mapping = long(json!({
        "dimensions": [{ "dimension": "sex", "value": { "column": "sex" } }],
        "figures": [
            { "column": "value", "dimensions": [{ "dimension": "age", "value": { "column": "age" } }] },
            { "column": "all" },
        ],
    }));
    let text = "fips,year,sex,age,value,all\n1,2020,F,0-4,1,2\n1,2020,F\u{1f}age\u{1f}0-4,,3,4\n1,2020,F\u{1f}\u{1f}age\u{1f}\u{1f}0-4,,3,4\n";
    let (batch, _) = read(mapping, text).unwrap();
    assert_eq!(said(&batch), ["00001 rate [age=0-4;sex=F] 2020 1", "00001 rate [sex=F] 2020 2"]);
    assert_eq!(
        reasons(&batch),
        [(3, "INVALID", "sex"), (3, "INVALID", "sex"), (4, "INVALID", "sex"), (4, "INVALID", "sex")]
    );
}

#[test]
fn what_every_figure_of_a_row_says_again_is_bounded() {
    let columns: Vec<String> = (0..4_000).map(|number| format!("v{number}")).collect();
    let mapping = json!({
        "community": { "name": { "column": "place" } },
        "indicator": { "code": "rate" },
        "period": { "text": "2020" },
        "figures": [{ "pattern": "v{number}", "note": { "column": "note" },
            "dimensions": [{ "dimension": "number", "value": { "capture": "number" } }] }],
    });
    let table = |place: &str, note: &str| {
        format!("place,note,{}\n{place},{note}{}\n", columns.join(","), ",1".repeat(columns.len()))
    };
    let (batch, _) = read(mapping.clone(), table("a", &"é".repeat(2_000))).unwrap();
    assert_eq!((batch.rows.len(), batch.rejects.len()), (4_000, 0));
    for (place, note, column) in
        [("a".to_owned(), "é".repeat(2_001), "note"), ("x".repeat(500_000), String::new(), "place")]
    {
        let (batch, _) = read(mapping.clone(), table(&place, &note)).unwrap();
        assert_eq!((batch.rows.len(), batch.rejects.len()), (0, 4_000));
        assert!(reasons(&batch).iter().all(|reason| *reason == (2, "TOO_LONG", column)), "{column}");
        assert!(batch.rejects.iter().all(|(_, reason)| reason.kind.len() < 100 && reason.detail.is_none()));
    }
    // The note of a row is in no more figures than a batch may hold of it: three rows of notes fill more than one.
    let text = table("a", &"é".repeat(2_000)) + &format!("a,{}{}\n", "é".repeat(2_000), ",1".repeat(columns.len()));
    let mapping: ColumnMapping = serde_json::from_value(mapping).unwrap();
    let (sender, mut batches) = mpsc::channel(64);
    let mut sink = Sink::new(&sender, false, std::sync::Arc::default());
    super::read(Input::new(Cursor::new(text)).unwrap(), Some(&mapping), &mut sink).unwrap();
    assert_eq!((0..2).map(|_| batches.try_recv().unwrap().rows.len()).collect::<Vec<_>>(), [4_000, 4_000]);
}

#[test]
fn what_a_mapping_lists_is_not_copied_for_every_column() {
    let values: serde_json::Map<String, Value> = (0..10_000).map(|code| (code.to_string(), json!("2020"))).collect();
    let columns: Vec<String> = (0..4_000).map(|number| format!("v{number}")).collect();
    let mapping = json!({
        "community": { "name": { "column": "place" } },
        "indicator": { "code": "rate" },
        "period": { "text": { "column": "year", "values": values } },
        "figures": [{ "pattern": "v{number}" }],
    });
    // Forty million entries would have been.
    let began = std::time::Instant::now();
    let text = format!("place,year,{}\na,7{}\n", columns.join(","), ",1".repeat(columns.len()));
    assert_eq!(read(mapping, text).unwrap().0.rows.len(), 4_000);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
