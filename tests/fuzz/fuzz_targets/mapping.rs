//! Mappings of any content are checked, and those that are good are kept as they are.
#![no_main]

use domain::mapping::ColumnMapping;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mapping) = serde_json::from_slice::<ColumnMapping>(bytes) else { return };
    let _ = mapping.check();
    let kept = serde_json::to_string(&mapping).expect("a mapping is written");
    assert_eq!(mapping, serde_json::from_str(&kept).expect("what is written is read"));
});
