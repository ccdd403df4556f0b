//! Files that are there wholly or not at all.
//!
//! *Idea*: write to a temporary name in the same folder, flush to the disk, rename. A reader, or a run that goes on
//! after a crash, sees the old file or the new one and never half of either.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Writes `path` with `content`, replacing what is there only when all of it is on the disk.
///
/// # Errors
/// [`Error::Io`] with the path and the cause; the temporary file is removed and the old file is untouched.
pub fn write(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    let temporary = temporary_name(path);
    let outcome = write_through(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    outcome.map_err(|source| {
        // The first cause is the one to tell; a leftover that cannot be removed either is harmless.
        let _ = fs::remove_file(&temporary);
        Error::Io { action: "write", path: path.to_owned(), source }
    })
}

/// Writes `path` with `bytes`, as [`write`].
///
/// # Errors
/// As [`write`].
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, |file| file.write_all(bytes))
}

/// Creates a folder and those above it, if they are not there.
///
/// # Errors
/// [`Error::Io`] with the path and the cause.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::Io { action: "create", path: path.to_owned(), source })
}

/// Removes what killed programs left behind in `folder`: temporary files of other processes, which never got their name.
///
/// # Errors
/// [`Error::Io`] with the path and the cause.
pub fn remove_leftovers(folder: &Path) -> Result<()> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { action, path, source }
    };
    for entry in fs::read_dir(folder).map_err(io("read", folder))? {
        let path = entry.map_err(io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_temporary(&name) {
            fs::remove_file(&path).map_err(io("remove", &path))?;
        }
    }
    Ok(())
}

/// Whether [`temporary_name`] makes such a name in another process.
fn is_temporary(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
    let process = inner.and_then(|name| name.rsplit_once('.')).map_or("", |(_, process)| process);
    process.parse::<u32>().is_ok_and(|process| process != std::process::id())
}

fn write_through(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    content(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Beside the file, hidden, and different for every process.
fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        write_bytes(&path, b"old").unwrap();
        let full = write(&path, |file| {
            file.write_all(&[7; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let full = full.unwrap_err();
        let message = full.to_string().replace(&*folder.path().to_string_lossy(), "FOLDER");
        insta::assert_snapshot!(message, @"cannot write FOLDER/model.safetensors: no storage space");
        insta::assert_snapshot!(full.hint().unwrap(), @"free some space, or choose a folder on another disk");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        write_bytes(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let own =
            temporary_name(&at("model.safetensors")).file_name().unwrap().to_string_lossy().into_owned();
        let kept = [".hidden", "table.part", ".a.part", ".a.b.part", "model.safetensors", &own];
        let left = own.replace(&std::process::id().to_string(), &u32::MAX.to_string());
        for name in kept.into_iter().chain([&left[..]]) {
            fs::write(at(name), b"half").unwrap();
        }
        remove_leftovers(folder.path()).unwrap();
        assert!(kept.iter().all(|name| at(name).exists()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), kept.len());
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write_bytes(&file, b"").unwrap();
        for problem in [
            create_folder(&file.join("run")).unwrap_err(),
            write_bytes(&file.join("eval.json"), b"{}").unwrap_err(),
            write_bytes(&folder.path().join("absent/eval.json"), b"{}").unwrap_err(),
        ] {
            let shown = format!("{problem}\n{}", problem.hint().unwrap());
            let shown = shown.replace(&*folder.path().to_string_lossy(), "FOLDER");
            match &problem {
                Error::Io { action: "create", .. } => insta::assert_snapshot!(shown, @r"
                cannot create FOLDER/file/run: Not a directory (os error 20)
                a part of this path is a file: choose another folder
                "),
                Error::Io { path, .. } if path.starts_with(&file) => insta::assert_snapshot!(shown, @r"
                cannot write FOLDER/file/eval.json: Not a directory (os error 20)
                a part of this path is a file: choose another folder
                "),
                _ => insta::assert_snapshot!(shown, @r"
                cannot write FOLDER/absent/eval.json: No such file or directory (os error 2)
                create the folder first, or choose another
                "),
            }
        }
    }
}
