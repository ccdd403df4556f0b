//! The files of the project.

use std::process::Command;
use std::{env, fs};

use super::source::Source;

/// One file.
#[derive(Debug)]
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    /// What it holds; `None` if that is not UTF-8.
    pub text: Option<String>,
}

impl File {
    /// What stands after the last dot of its name; empty if there is none.
    pub fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The text; empty if there is none.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Whether it is compiled for tests only: `tests.rs`, or inside a folder `tests`.
    pub fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }

    /// Its Rust code, ready to be looked at.
    pub fn source(&self) -> Source {
        Source::new(self.text())
    }
}

/// All files, by path.
#[derive(Debug)]
pub struct Tree(Vec<File>);

impl Tree {
    /// The files git knows or would add, in the repository of the present folder.
    ///
    /// # Errors
    /// If git says no, or a file cannot be read.
    pub fn of_git() -> Result<Self, String> {
        let root = git(&["rev-parse", "--show-toplevel"])?;
        let root = env::current_dir().map_err(|error| error.to_string())?.join(root.trim_end());
        env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()))?;
        let list = git(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let mut files = Vec::new();
        for path in list.split_terminator('\0') {
            match fs::read(path) {
                Ok(bytes) => files.push(File { path: path.to_owned(), text: String::from_utf8(bytes).ok() }),
                // Removed, and git was not told yet.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{path}: expected a readable file, found: {error}")),
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self(files))
    }

    /// A tree of these paths and texts.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.to_owned(), text: Some(text.to_owned()) };
        Self(files.iter().map(file).collect())
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.0.iter()
    }

    /// The files whose name ends with a dot and `extension`.
    pub fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files().filter(move |file| file.extension() == extension)
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.with_extension("rs")
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.0.iter().find(|file| file.path == path)
    }

    /// Whether `path` lies in a folder that the root's Cargo.toml excludes: a program to compare with, a workspace of its own
    /// that no room may use and whose dependencies are not the project's.
    pub fn is_excluded(&self, path: &str) -> bool {
        let root = self.file("Cargo.toml").map_or("", File::text);
        let Ok(table) = toml::from_str::<toml::Table>(root) else { return false };
        let excluded = table.get("workspace").and_then(|workspace| workspace.get("exclude")?.as_array());
        let mut folders = excluded.into_iter().flatten().filter_map(|folder| folder.as_str());
        folders.any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether `path` is a file, or a folder with a file in it.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        path.is_empty() || self.files().any(|file| file.path == path || file.path.starts_with(&folder))
    }
}

fn git(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .map_err(|error| format!("git: expected to list the files, found: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {}: {}", arguments.join(" "), said.trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| "git: expected paths in UTF-8, found others".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_there() {
        let tree = Tree::of(&[("docs/a.md", ""), ("crates/x/src/lib.rs", "")]);
        for path in ["docs/a.md", "docs", "docs/", "crates/x", ""] {
            assert!(tree.has(path), "{path}");
        }
        for path in ["docs/a", "doc", "crates/x/src/lib"] {
            assert!(!tree.has(path), "{path}");
        }
    }

    #[test]
    fn test_files_are_told_by_their_path() {
        let is_test = |path: &str| File { path: path.to_owned(), text: None }.is_test();
        assert!(is_test("crates/core/src/graph/tests.rs"));
        assert!(is_test("crates/core/src/graph/tests/file.rs"));
        assert!(is_test("crates/core/tests/it/main.rs"));
        assert!(!is_test("crates/core/src/tests_of_engine.rs"));
        assert!(!is_test("crates/core/src/fail/statistics/exact_test.rs"));
    }
}
