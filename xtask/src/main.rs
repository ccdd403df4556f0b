//! Chores of the project. `cargo run -p xtask -- tidy` checks what compilers do not: who imports whom, what belongs where,
//! and whether the written pages are true; `web` builds the report's page, `wasm` the engine in it.

mod page;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- tidy | web | wasm";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["tidy"] => tidy::run(),
        ["web"] => page::web(),
        ["wasm"] => page::wasm(),
        [] | ["--help" | "-h" | "help"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "error: xtask: expected tidy, web or wasm, found {}\nhint: {USAGE}",
                arguments.join(" ")
            );
            ExitCode::from(2)
        }
    }
}
