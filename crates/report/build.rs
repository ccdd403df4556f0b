//! Embeds the page that `cargo run -p xtask -- web` builds. Without it the crate compiles all the same, and says at run time
//! what is missing.

use std::path::Path;
use std::{env, fs};

fn main() {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/bundle");
    // The folder, not its files: cargo takes a file that is not there for changed at every build.
    println!("cargo::rerun-if-changed={}", bundle.display());
    println!("cargo::rerun-if-changed=build.rs");
    let embedded = |name: &str, how: &str| {
        let path = bundle.join(name);
        match path.is_file() {
            true => format!("Some({how}!({:?}))", path.display().to_string()),
            false => "None".to_owned(),
        }
    };
    let text = format!(
        "/// The page, one HTML file.\n\
         pub(crate) const PAGE: Option<&str> = {};\n\
         /// The engine in it.\n\
         pub(crate) const ENGINE: Option<&[u8]> = {};\n",
        embedded("index.html", "include_str"),
        embedded("viewer.wasm", "include_bytes"),
    );
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("bundle.rs");
    fs::write(&out, text).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}
