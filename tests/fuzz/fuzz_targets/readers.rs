//! Every reader of figures: the first byte says which, the rest is the text. None may panic or take memory without end.
#![no_main]

use std::io::Cursor;

use api::exchange::{Format, Options, Strategy, check};
use libfuzzer_sys::fuzz_target;

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

const MAPPING: &str = r#"{ "community": { "code": { "column": "place" }, "scheme": "test:code" },
    "period": { "text": { "column": "year" } }, "missing": { "x": "Q" }, "leaveOutBlank": true,
    "figures": [{ "pattern": "{age}_{sex}", "indicator": { "code": "rate" },
        "dimensions": [{ "dimension": "age", "value": { "capture": "age" } }] }] }"#;

fn options(format: Format) -> Option<Options> {
    let mut options = Options::new(format, "net".parse().ok()?, "en".parse().ok()?);
    options.source = "office".parse().ok();
    options.indicator = matches!(format, Format::OpenSdg | Format::Statcan).then(|| "rate".parse().ok()).flatten();
    options.dhis2.strategy = Some(Strategy::CreateAndUpdate);
    "Geography".clone_into(&mut options.geography_column);
    if format == Format::Mapped {
        options = options.mapped(serde_json::from_str(MAPPING).ok()?);
    }
    Some(options)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let Some(options) = options(FORMATS[usize::from(*first) % FORMATS.len()]) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // That a text is refused is as good as that it is read.
    let outcome = runtime.block_on(check(Cursor::new(text.to_vec()), &options));
    assert!(outcome.is_ok(), "the reader itself failed: {:?}", outcome.err());
});
