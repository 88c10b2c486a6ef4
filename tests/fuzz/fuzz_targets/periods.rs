//! Periods as people and programs write them: a format and a text, a line each. What is read is written so that it is read again.
#![no_main]

use domain::{mapping::PeriodFormat, period::Period};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (format, text) = text.split_once('\n').unwrap_or(("YYYY", text));
    let formatted = format.parse::<PeriodFormat>().ok().and_then(|format| format.read(text));
    let spans = [None, Some(1), Some(4), Some(12)].map(|start| Period::parse_year_span(text, start).ok());
    for period in [text.parse().ok(), formatted].into_iter().chain(spans).flatten() {
        let period: Period = period;
        assert_eq!(period.to_string().parse(), Ok(period), "{text}");
        assert!(period.start() <= period.last_day(), "{text}");
        let _ = period.to_sdmx();
    }
});
