#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| doorbuster_fuzz::resp::check(bytes));
