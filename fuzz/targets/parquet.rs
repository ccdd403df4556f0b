#![no_main]

// A panic inside the crate parquet is caught by the reader and becomes an error, so the hook of libFuzzer, which ends the program at any
// panic, is taken away. One that the reader lets out still ends it.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| (seamripper_fuzz::target("parquet").read)(bytes)
);
