//! Texts that mean harm or are broken, before every reader: each is read or refused with a code, in bounded memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    io::{self, Cursor, Read, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::mapping::ColumnMapping;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::{
    dhis2::Strategy as ImportStrategy,
    failure::{Failure, FailureCode},
    import::read,
    infer::infer,
    options::{Format, Options},
    report::Reason,
    told::{batches, damage, options, told},
};

const FORMATS: [Format; 8] = [
    Format::Tidy,
    Format::OpenSdg,
    Format::Statcan,
    Format::Mapped,
    Format::Dhis2,
    Format::SdmxCsv,
    Format::Ndjson,
    Format::Cids,
];

/// A report with its indicator, on one line.
const CIDS: &str = r#"[{"@context": "https://ontology.commonapproach.org/contexts/cidsContext.jsonld", "@id": "https://a.ca/", "@type": "cids:Organization", "hasLegalName": "A Fund"}, {"@context": "https://ontology.commonapproach.org/contexts/cidsContext.jsonld", "@id": "https://a.ca/i1", "@type": "cids:Indicator", "hasName": "Homes built", "unitDescription": "homes", "forOrganization": "https://a.ca/"}, {"@context": "https://ontology.commonapproach.org/contexts/cidsContext.jsonld", "@id": "https://a.ca/r1", "@type": "cids:IndicatorReport", "hasName": "Homes in 2020", "forIndicator": "https://a.ca/i1", "forOrganization": "https://a.ca/", "startedAtTime": "2020-01-01", "endedAtTime": "2020-12-31", "value": {"@type": "i72:Measure", "hasNumericalValue": "1283"}}]"#;

/// How a text of this format is read, and one that is good.
fn good(format: Format) -> (Options, String) {
    let mut options = options(format);
    options.geography_column = "Geography".to_owned();
    options.blank_geography = Some("here".parse().unwrap());
    options.indicator = matches!(format, Format::OpenSdg | Format::Statcan).then(|| "rate".parse().unwrap());
    options.dhis2.strategy = Some(ImportStrategy::CreateAndUpdate);
    let text = match format {
        Format::Tidy => "areacd,indicator,period,observation,status,dim:sex\nA1,rate,2020,12.5,,F\nA1,rate,2021,,x,\n",
        Format::OpenSdg => "Year,Geography,Sex,Value\n2020,,,1.5\n2021,Here,F,2\n",
        Format::Statcan => {
            "REF_DATE,GEO,DGUID,Index,UOM,UOM_ID,SCALAR_FACTOR,SCALAR_ID,VECTOR,COORDINATE,VALUE,STATUS,SYMBOL,TERMINATED,DECIMALS\n\"1981-01\",Canada,2016A000011124,All,Index,351,units ,0,v1,1.1,31.0,,,,1\n"
        }
        Format::Mapped => "place,year,rate\nA1,2020,\"1,5\"\nA1,2021,x\n",
        Format::Dhis2 => {
            "{\"dataValues\":[{\"dataElement\":\"rate\",\"period\":\"2020\",\"orgUnit\":\"A1\",\"value\":\"1\"}]}"
        }
        Format::SdmxCsv => {
            "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,INDICATOR,TIME_PERIOD,OBS_VALUE\ndataflow,A:B(1.0),I,A1,rate,2020,3\n"
        }
        Format::Ndjson => "{\"community\":\"here\",\"indicator\":\"rate\",\"period\":\"2020\",\"value\":1.5}\n",
        Format::Cids => CIDS,
    };
    if format == Format::Mapped {
        let mapping: ColumnMapping = serde_json::from_value(serde_json::json!({
            "community": { "code": { "column": "place" }, "scheme": "test:code" },
            "period": { "text": { "column": "year" } }, "missing": { "x": "Q" }, "numbers": { "decimal": "," },
            "figures": [{ "column": "rate", "indicator": { "code": "rate" } }],
        }))
        .unwrap();
        options = options.mapped(mapping);
    }
    (options, text.to_owned())
}

fn zipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Counts what is read of a text.
struct Watched<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// What becomes of a text that is never in memory as a whole, and how many bytes of it were read.
fn streamed(text: impl Read + Send + 'static, options: &Options) -> (Result<Vec<String>, Failure>, u64) {
    let count = Arc::new(AtomicU64::new(0));
    let (sender, mut batches) = mpsc::channel(2);
    let listening = std::thread::spawn(move || while batches.blocking_recv().is_some() {});
    let outcome = read(Watched(text, Arc::clone(&count)), options, true, &sender);
    drop(sender);
    listening.join().unwrap();
    (outcome, count.load(Ordering::Relaxed))
}

fn refused(text: impl AsRef<[u8]>, options: &Options) -> Failure {
    told(text, options).unwrap_err()
}

const GIB: u64 = 1024 * 1024 * 1024;

#[test]
fn what_is_good_is_read() {
    for format in FORMATS {
        let (options, text) = good(format);
        let rows = told(&text, &options).unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|(_, row)| !row.starts_with('!')), "{format:?}: {rows:?}");
        assert_eq!(told(zipped(text.as_bytes()), &options).unwrap(), rows, "{format:?}");
    }
}

#[test]
fn a_line_of_a_gibibyte_is_refused_before_it_is_read() {
    for format in FORMATS {
        let (options, text) = good(format);
        for letter in [b'x', b'"', b'[', b'{'] {
            // The beginning of the text, and then one letter without end: in a row, in a cell, in a text, in depth.
            let start = text.split_inclusive(['\n', ':']).next().unwrap_or_default().as_bytes().to_vec();
            let endless = Cursor::new(start).chain(io::repeat(letter).take(GIB));
            let (outcome, read) = streamed(endless, &options);
            assert!(read < 12 * 1024 * 1024, "{format:?} {letter}: {read} bytes were read");
            let failure = outcome.unwrap_err();
            assert!(!failure.message.is_empty(), "{format:?}: {failure}");
        }
    }
}

#[test]
fn a_small_file_that_expands_to_gibibytes_is_refused() {
    // Blank lines without end, which readers pass over.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    io::copy(&mut io::repeat(b'\n').take(68 * 1024 * 1024), &mut encoder).unwrap();
    let blank = encoder.finish().unwrap();
    for format in [Format::Tidy, Format::Dhis2] {
        let (options, text) = good(format);
        let bomb = [zipped(text.as_bytes()), blank.clone()].concat();
        assert!(bomb.len() < 300 * 1024, "{}", bomb.len());
        let failure = streamed(Cursor::new(bomb), &options).0.unwrap_err();
        // What stands behind a document is bounded by itself.
        let expected = if format == Format::Dhis2 { FailureCode::TooLong } else { FailureCode::Expansion };
        assert_eq!(failure.code, expected, "{format:?}: {failure}");
    }
}

#[test]
fn wide_letters_and_zeros_are_named() {
    for format in FORMATS {
        let (options, text) = good(format);
        for mark in ["\u{feff}", ""] {
            let wide: Vec<u8> = format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
            let failure = refused(wide, &options);
            assert_eq!(failure.code, FailureCode::Encoding, "{format:?}");
            assert!(failure.message.contains("UTF-16"), "{failure}");
        }
        // A zero in the middle is the fault of its row, or of the text where that has none.
        let place = text.rfind("20").unwrap();
        let mut broken = text.into_bytes();
        broken[place] = 0;
        match told(&broken, &options) {
            Ok(rows) => assert!(rows.iter().any(|(_, row)| row.starts_with('!')), "{format:?}: {rows:?}"),
            Err(failure) => assert!(failure.line.is_some(), "{format:?}: {failure}"),
        }
    }
}

#[test]
fn lines_end_in_any_way_and_are_counted() {
    for format in FORMATS {
        let (options, text) = good(format);
        let plain = told(&text, &options).unwrap();
        for end in ["\r\n", "\r\r\n", "\n\n"] {
            let other = told(text.replace('\n', end), &options).unwrap();
            let rows = |told: &[(u64, String)]| told.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>();
            assert_eq!(rows(&other), rows(&plain), "{format:?} {end:?}");
            if end != "\n\n" {
                assert_eq!(other, plain, "{format:?} {end:?}");
            }
        }
    }
    let (options, text) = good(Format::Tidy);
    let mixed = text.replacen('\n', "\r\r\n", 1) + "A1,rate,2022,x\r\n";
    assert_eq!(told(mixed, &options).unwrap().last().map(|(line, _)| *line), Some(4));
}

#[test]
fn headers_that_repeat_or_never_end_are_refused() {
    for format in [Format::Tidy, Format::OpenSdg, Format::Statcan, Format::Mapped, Format::SdmxCsv] {
        let (options, text) = good(format);
        let (header, rows) = text.split_once('\n').unwrap();
        let last = header.rsplit(',').next().unwrap();
        let failure = refused(format!("{header},{last}\n{rows}"), &options);
        assert_eq!(failure.code, FailureCode::DuplicateColumn, "{format:?}: {failure}");
        assert_eq!((failure.line, failure.column.as_deref()), (Some(1), Some(last)), "{format:?}");
        let many = (0..100_000).fold(String::new(), |many, number| many + ",c" + &number.to_string());
        let failure = refused(format!("{header}{many}\n{rows}"), &options);
        assert_eq!((failure.code, failure.line), (FailureCode::TooLong, Some(1)), "{format:?}");
    }
}

/// The rows that are not kept, as [`told`] tells them, and the bytes of their reasons.
fn rejected(text: impl AsRef<[u8]>, options: &Options) -> (Vec<String>, usize) {
    let (batches, _) = batches(text, options).unwrap();
    let reasons: Vec<_> = batches.iter().flat_map(|batch| &batch.rejects).map(|(_, reason)| reason).collect();
    let bytes =
        |reason: &&Reason| reason.column.len() + reason.kind.len() + reason.detail.as_ref().map_or(0, String::len);
    (
        reasons.iter().map(|reason| format!("{} {}", reason.code, reason.column)).collect(),
        reasons.iter().map(bytes).sum(),
    )
}

#[test]
fn names_that_are_too_long_are_refused_before_they_are_looked_up() {
    let cases = [
        (Format::Tidy, "A1", "areacd"),
        (Format::Tidy, "rate", "indicator"),
        (Format::OpenSdg, "Here", "Geography"),
        (Format::Statcan, "Canada", "GEO"),
        (Format::Mapped, "A1", "place"),
        (Format::Dhis2, "A1", "orgUnit"),
        (Format::Dhis2, "rate", "dataElement"),
        (Format::SdmxCsv, "A1", "REF_AREA"),
        (Format::Ndjson, "here", "community"),
        (Format::Cids, "A Fund", "forOrganization"),
    ];
    for (format, name, column) in cases {
        let (options, text) = good(format);
        let mut long = name.repeat(200_000 / name.len());
        let place = text.rfind(&format!("{name}\"")).or(text.rfind(&format!("{name},"))).unwrap();
        let text = format!("{}{long}{}", &text[..place], &text[place + name.len()..]);
        let (rows, bytes) = rejected(&text, &options);
        assert_eq!((rows, bytes < 2_000), (vec![format!("TOO_LONG {column}")], true), "{format:?}");
        long.truncate(2_000);
        let text = text.replace(&name.repeat(200_000 / name.len()), &long);
        assert_eq!(rejected(&text, &options).0, Vec::<String>::new(), "{format:?}");
    }
}

#[test]
fn what_holds_for_every_value_costs_no_more_with_each() {
    let (options, _) = good(Format::Dhis2);
    let long = "x".repeat(900 * 1024);
    for key in ["orgUnit", "period", "attributeOptionCombo"] {
        let others = ["orgUnit", "period", "attributeOptionCombo"].map(|other| {
            if other == key { format!("\"{other}\":\"{long}\"") } else { format!("\"{other}\":\"2020\"") }
        });
        let values = std::iter::repeat_n("{\"dataElement\":\"r\",\"value\":1}", 20_000).collect::<Vec<_>>().join(",");
        // Some GiB would have been compared, copied and quoted.
        let began = std::time::Instant::now();
        let (rows, bytes) = rejected(format!("{{{},\"dataValues\":[{values}]}}", others.join(",")), &options);
        assert_eq!(rows.len(), 20_000, "{key}");
        assert!(bytes < 20_000 * 400 && began.elapsed().as_secs() < 20, "{key}: {bytes} in {:?}", began.elapsed());
    }
}

#[test]
fn a_part_of_the_population_that_is_none_is_told_with_its_column() {
    let long = "x".repeat(121);
    let cases = [
        (Format::Tidy, ",x,", format!(",x,{long}"), "dim:sex"),
        (Format::OpenSdg, ",F,", format!(",{long},"), "Sex"),
        (Format::Statcan, ",All,", format!(",{long},"), "Index"),
        (Format::Dhis2, "\"value\"", format!("\"attributeOptionCombo\":\"{long}\",\"value\""), "attributeOptionCombo"),
        (Format::Ndjson, "\"value\"", format!("\"disaggregation\":{{\"a\":\"{long}\"}},\"value\""), "disaggregation"),
    ];
    for (format, place, part, column) in cases {
        let (options, text) = good(format);
        let (rows, _) = rejected(text.replacen(place, &part, 1), &options);
        assert_eq!(rows, [format!("INVALID {column}")], "{format:?}");
    }
    let (options, text) = good(Format::SdmxCsv);
    let text = text.replace("INDICATOR,", "INDICATOR,SEX,").replace("rate,", &format!("rate,{long},"));
    assert_eq!(rejected(text, &options).0, ["INVALID SEX"]);
}

#[test]
fn depth_is_bounded() {
    for format in [Format::Dhis2, Format::Ndjson, Format::Cids] {
        let (options, _) = good(format);
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            match told(format!("{{\"dataValues\":[{deep}]}}"), &options) {
                Ok(rows) => assert!(rows.iter().all(|(_, row)| row.starts_with('!')), "{format:?}: {rows:?}"),
                Err(failure) => assert!(failure.line.is_some(), "{format:?}: {failure}"),
            }
            let _ = told(deep, &options);
        }
    }
}

/// Writes what is good as the first texts of the fuzzer, which it then changes. See the guide to importing.
#[test]
#[ignore = "writes files beside the fuzzer's targets"]
fn seeds_are_written() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
    let write = |target: &str, name: &str, parts: &[&[u8]]| {
        std::fs::create_dir_all(corpus.join(target)).unwrap();
        std::fs::write(corpus.join(target).join(name), parts.concat()).unwrap();
    };
    // The readers are numbered as here; the bytes behind the number are the plainest options, and all others.
    for (number, format) in (0_u8..).zip(FORMATS) {
        let (options, text) = good(format);
        let name = format!("{format:?}");
        write("readers", &name, &[&[number, 0, 0, 0, 0, 0, 0, 0], text.as_bytes()]);
        write("readers", &format!("{name}-gzip"), &[&[number, 0, 0, 0, 0, 0, 0, 0], &zipped(text.as_bytes())]);
        write(
            "readers",
            &format!("{name}-others"),
            &[&[number, 0x7f, 1, 4, 1, 0x15, 0x11, 1], text.replace(',', ";").as_bytes()],
        );
        write("infer", &name, &[text.as_bytes()]);
        if let Some(mapping) = options.mapping {
            let mapping = serde_json::to_vec(&*mapping).unwrap();
            write("mapping", &name, &[&mapping]);
            write("bound", &name, &[&mapping, b"\n---\n", text.as_bytes()]);
        }
    }
    let mapping = include_bytes!("../../../docs/mappings/us-census-county-population-agesex.json");
    write("mapping", "population", &[mapping]);
    write(
        "bound",
        "population",
        &[mapping, b"\n---\nSUMLEV,STATE,COUNTY,STNAME,CTYNAME,YEAR,POPESTIMATE,AGE04_FEM\n050,1,1,A,B,2,10,5\n"],
    );
    write("patterns", "listed", &[b"AGE{age}_{sex}\nAGE04_FEM\n04\n0"]);
    write("patterns", "four", &[b"{a}a{b}a{c}a{d}\nbabab\xc3\xa9aa"]);
    for (number, text) in
        ["YYYY-MM\n2004-03", "DD/MM/YYYY\n15/03/2004", "\n2014-04-01/P1Y", "\n2014/2015", "\n2004-W10", "\n2004April"]
            .iter()
            .enumerate()
    {
        write("periods", &number.to_string(), &[text.as_bytes()]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_bytes_come_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for format in FORMATS {
            let (options, text) = good(format);
            let _ = told(&bytes, &options);
            // And behind a good beginning.
            let _ = told([text.as_bytes(), &bytes].concat(), &options);
        }
    }

    #[test]
    fn damaged_texts_are_read_or_refused(
        places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        cut in any::<usize>(),
    ) {
        for format in FORMATS {
            let (options, text) = good(format);
            let _ = told(damage(text.as_bytes(), &places), &options);
            let whole = zipped(text.as_bytes());
            let _ = told(damage(&whole, &places), &options);
            // The first two bytes say that it is compressed.
            let short = &whole[..2 + cut % (whole.len() - 2)];
            prop_assert!(told(short, &options).is_err(), "{:?}: {} of {} bytes", format, short.len(), whole.len());
            let _ = infer(Cursor::new(damage(text.as_bytes(), &places)));
        }
    }
}
