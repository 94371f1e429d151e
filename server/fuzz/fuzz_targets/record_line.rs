//! Feeds any bytes to `server::fuzzing::record_line`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| server::fuzzing::record_line(bytes));
