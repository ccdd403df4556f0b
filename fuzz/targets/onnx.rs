#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (seamripper_fuzz::target("onnx").read)(bytes));
