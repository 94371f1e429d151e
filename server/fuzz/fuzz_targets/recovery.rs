//! Feeds any bytes to `server::fuzzing::recovery`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| server::fuzzing::recovery(bytes));
