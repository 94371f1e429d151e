//! Feeds any bytes to `server::fuzzing::buy_body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| server::fuzzing::buy_body(bytes));
