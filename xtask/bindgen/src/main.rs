//! Makes what a browser loads of a compiled module: `seamripper-bindgen FROM.wasm INTO`.
//!
//! A workspace of its own, because it takes a minute to compile and only `xtask wasm` needs it.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, into] = &arguments[..] else {
        eprintln!("error: seamripper-bindgen: expected FROM.wasm INTO, found {} arguments", arguments.len());
        return ExitCode::from(2);
    };
    let made = Bindgen::new().input_path(from).web(true).and_then(|bindgen| bindgen.typescript(true).generate(into));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {from}: expected a module of wasm-bindgen, found: {error:#}");
            ExitCode::FAILURE
        }
    }
}
