//! A mapping bound to a table: the mapping as JSON, a line of three hyphens, the table. Mappings that break a rule are left out.
#![no_main]

use api::exchange::{Format, Options, fuzzing::hear};
use domain::mapping::ColumnMapping;
use libfuzzer_sys::fuzz_target;

const BETWEEN: &[u8] = b"\n---\n";

fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN) else { return };
    let (json, table) = (&bytes[..end], &bytes[end + BETWEEN.len()..]);
    let Ok(mapping) = serde_json::from_slice::<ColumnMapping>(json) else { return };
    if mapping.check().is_err() {
        return;
    }
    let (Ok(network), Ok(language)) = ("net".parse(), "en".parse()) else { return };
    let options = Options::new(Format::Mapped, network, language).mapped(mapping);
    let Ok(heard) = hear(table, &options) else { return };
    assert!(heard.longest <= 3 * 4 * 400, "{heard:?}");
});
