//! Every reader of figures, by options of every kind. The first eight bytes say which reader and options, all zero the plainest; the rest
//! is the text. None may panic, or make more of a text than it can pay for.
#![no_main]

use api::exchange::{Format, IdScheme, Options, Strategy, fuzzing::hear};
use domain::{
    mapping::{ColumnMapping, Encoding},
    period::PeriodKind,
};
use libfuzzer_sys::fuzz_target;

/// Bytes before the text.
const HEAD: usize = 8;
/// The longest reason: three texts of 400 characters.
const LONGEST_REASON: usize = 3 * 4 * 400;

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
const STRATEGIES: [Strategy; 4] = [Strategy::CreateAndUpdate, Strategy::Create, Strategy::Update, Strategy::Delete];
const ID_SCHEMES: [IdScheme; 3] = [IdScheme::Uid, IdScheme::Code, IdScheme::Name];
const ENCODINGS: [Encoding; 2] = [Encoding::Utf8, Encoding::Windows1252];
const FREQUENCIES: [Option<PeriodKind>; 4] =
    [None, Some(PeriodKind::Quarter), Some(PeriodKind::HalfYear), Some(PeriodKind::Month)];

const MAPPINGS: [&str; 2] = [
    r#"{ "community": { "code": { "column": "place" }, "scheme": "test:code" },
        "period": { "text": { "column": "year" } }, "missing": { "x": "Q" }, "numbers": { "decimal": "," },
        "figures": [{ "column": "rate", "indicator": { "code": "rate" } }] }"#,
    r##"{ "community": { "name": { "column": "#1" } },
        "period": { "text": { "column": "#2" } }, "missing": { "x": "Q" },
        "figures": [{ "pattern": "{age}_{sex}", "indicator": { "code": "rate" }, "note": { "column": "#3" },
            "dimensions": [{ "dimension": "age", "value": { "capture": "age" } }, { "dimension": "sex", "value": { "column": "#3" } }] }] }"##,
];

/// One of a list, by a byte.
fn pick<T: Clone>(list: &[T], byte: u8) -> T {
    list[usize::from(byte) % list.len()].clone()
}

fn mapping(shape: u8, which: u8) -> Option<ColumnMapping> {
    let mut mapping: ColumnMapping = serde_json::from_str(pick(&MAPPINGS, which)).ok()?;
    mapping.table.encoding = pick(&ENCODINGS, shape & 3);
    mapping.table.skip_rows = usize::from(shape >> 2 & 3);
    mapping.table.header_rows = 1 + usize::from(shape >> 4 & 3);
    mapping.leave_out_blank = shape >> 6 & 1 == 1;
    Some(mapping)
}

fn options(head: [u8; HEAD]) -> Option<Options> {
    let [format, switches, delimiter, start, frequency, ids, shape, which] = head;
    let switch = |place: u8| switches >> place & 1 == 1;
    let format = pick(&FORMATS, format);
    let mut options = Options::new(format, "net".parse().ok()?, "en".parse().ok()?);
    options.source = "office".parse().ok();
    options.indicator = "rate".parse().ok().filter(|_| matches!(format, Format::OpenSdg | Format::Statcan) != switch(0));
    options.blank_geography = "here".parse().ok().filter(|_| !switch(1));
    options.code_scheme = "test:code".parse().ok().filter(|_| switch(2));
    options.decimal_comma = switch(3);
    if switch(4) {
        options.totals = vec!["all".parse().ok()?, "sex=T".parse().ok()?];
        options.dhis2.combos = vec!["c=sex=F;age=0".parse().ok()?, "d=".parse().ok()?];
    }
    if switch(5) {
        options.ignored_columns = vec!["x".to_owned(), "status".to_owned()];
    }
    if switch(6) {
        options.sdmx.area = "A".to_owned();
        options.sdmx.dimensions = vec!["OBS_STATUS".to_owned()];
    }
    "Geography".clone_into(&mut options.geography_column);
    options.delimiter = pick(b",;\t|", delimiter);
    options.fiscal_year_start = Some(u32::from(start % 13)).filter(|start| *start > 0);
    options.frequency = pick(&FREQUENCIES, frequency);
    options.dhis2.strategy = Some(pick(&STRATEGIES, ids & 3));
    options.dhis2.org_units = pick(&ID_SCHEMES, ids >> 2 & 3);
    options.dhis2.elements = pick(&ID_SCHEMES, ids >> 4 & 3);
    if format == Format::Mapped {
        options = options.mapped(mapping(shape, which)?);
    }
    Some(options)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((head, text)) = bytes.split_first_chunk::<HEAD>() else { return };
    let Some(options) = options(*head) else { return };
    // That a text is refused is as good as that it is read.
    let Ok(heard) = hear(text, &options) else { return };
    assert!(heard.longest <= LONGEST_REASON, "{heard:?}");
    // What is compressed may say more than its bytes.
    if !text.starts_with(&[0x1f, 0x8b]) {
        // A letter for each cell; a byte that is no letter of UTF-8 takes three. The mappings here repeat nothing but a note.
        assert!(heard.rows + heard.rejects <= text.len(), "{heard:?}");
        assert!(heard.raw <= 3 * text.len(), "{heard:?}");
        assert!(heard.named <= 16 * text.len() + 2_000 * 4 * heard.rows, "{heard:?}");
    }
});
