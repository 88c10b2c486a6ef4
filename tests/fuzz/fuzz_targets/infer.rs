//! What a table is taken to be: a proposal or a refusal, the same each time.
#![no_main]

use std::io::Cursor;

use api::exchange::infer::infer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let once = infer(Cursor::new(bytes.to_vec()));
    assert_eq!(once, infer(Cursor::new(bytes.to_vec())));
});
