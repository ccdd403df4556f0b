//! Writes the files to begin with, a folder a reader: `cargo run -p seamripper-fuzz --example seeds -- FOLDER`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use seamripper_fuzz::{TARGETS, seeds};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("expected the folder to write to")?);
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds(target.name).iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), seed)?;
        }
    }
    Ok(())
}
