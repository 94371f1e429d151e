//! Feeds any bytes to `server::fuzzing::head`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| server::fuzzing::head(bytes));
