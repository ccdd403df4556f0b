//! The report's page: the engine as WebAssembly, then TypeScript and styles, bundled to one file that cargo embeds.
//!
//! ```text
//! wasm:  crates/viewer --cargo, wasm-bindgen--> web/generated/seamripper_viewer{.js,_bg.wasm}
//! web:   wasm; web/src --npm ci, tsc, vite--> web/bundle/index.html, viewer.wasm
//! ```
//! Nothing it writes is committed.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-unknown-unknown";

/// Why a chore stopped, and the way out.
struct Problem(String, &'static str);

type Outcome = Result<(), Problem>;

/// `xtask wasm`.
pub fn wasm() -> ExitCode {
    finish(build_wasm())
}

/// `xtask web`: the page, with the engine if it can be built here.
pub fn web() -> ExitCode {
    finish(build_web())
}

fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Problem(problem, hint)) => {
            eprintln!("error: {problem}\nhint: {hint}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_owned()
}

fn build_wasm() -> Outcome {
    let root = root();
    if !has_target() {
        return Err(Problem(
            format!("the engine for the page: expected Rust's target {TARGET}, found none"),
            "rustup target add wasm32-unknown-unknown",
        ));
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = root.join(target);
    let folder = target.join("wasm");
    eprintln!("==> crates/viewer for the browser (wasm32, simd128)");
    let mut cargo = cargo(&root);
    cargo.args(["build", "--quiet", "--package", "seamripper-viewer", "--lib", "--profile", "browser"]);
    cargo.args(["--target", TARGET, "--target-dir"]).arg(&folder);
    cargo.env("RUSTFLAGS", "-C target-feature=+simd128");
    run(&mut cargo, "the messages above are cargo's")?;
    let module = folder.join(TARGET).join("browser/seamripper_viewer.wasm");
    let generated = root.join("web/generated");
    fs::create_dir_all(&generated).map_err(|error| unwritten(&generated, &error))?;
    eprintln!("==> web/generated");
    let mut bindgen = self::cargo(&root);
    bindgen.args([
        "run",
        "--quiet",
        "--locked",
        "--manifest-path",
        "xtask/bindgen/Cargo.toml",
        "--target-dir",
    ]);
    bindgen.arg(target.join("bindgen")).arg("--").arg(module).arg(&generated);
    run(&mut bindgen, "wasm-bindgen in Cargo.toml and in xtask/bindgen/Cargo.lock must be of one version")
}

fn build_web() -> Outcome {
    let root = root();
    let [web, generated, bundle] = ["web", "web/generated", "web/bundle"].map(|folder| root.join(folder));
    // What an earlier build made must not outlive a build that cannot make it.
    let _ = fs::remove_dir_all(&generated);
    let _ = fs::remove_file(bundle.join("viewer.wasm"));
    let with_engine = has_target();
    if with_engine {
        build_wasm()?;
    } else {
        eprintln!("note: no {TARGET} here, so the page is built without the live model: {ADD}");
    }
    let hint = "node 20 or later with npm: on Debian, apt-get install nodejs npm";
    eprintln!("==> npm ci");
    run(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
            .current_dir(&web),
        hint,
    )?;
    eprintln!("==> web/bundle");
    run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&web), hint)?;
    if with_engine {
        let to = bundle.join("viewer.wasm");
        fs::copy(generated.join("seamripper_viewer_bg.wasm"), &to).map_err(|error| unwritten(&to, &error))?;
    }
    Ok(())
}

const ADD: &str = "rustup target add wasm32-unknown-unknown";

/// Whether the target is there, or rustup can get it.
fn has_target() -> bool {
    let rustup = |arguments: &[&str]| Command::new("rustup").args(arguments).output().ok();
    let listed = rustup(&["target", "list", "--installed"])
        .is_some_and(|output| String::from_utf8_lossy(&output.stdout).contains(TARGET));
    listed || rustup(&["target", "add", TARGET]).is_some_and(|output| output.status.success())
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").as_deref().unwrap_or(OsStr::new("cargo")));
    cargo.current_dir(root);
    cargo
}

fn run(command: &mut Command, hint: &'static str) -> Outcome {
    let shown = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Problem(format!("{shown}: expected it to succeed, found {status}"), hint)),
        Err(error) => Err(Problem(format!("{shown}: expected to run it, found: {error}"), hint)),
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Problem {
    Problem(format!("{}: expected to write it, found: {error}", path.display()), "is there room on the disk?")
}
