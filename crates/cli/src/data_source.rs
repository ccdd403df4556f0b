//! Which images a verb works on: the recipe's, or what `--data` names.

use std::path::PathBuf;

use seamripper_data::source::Source;

/// A source, and a folder to look for it in first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// As typed or as in the recipe.
    pub source: String,
    /// Where a named data set is looked for first.
    pub folder: Option<PathBuf>,
}

impl Chosen {
    /// `--data` is a source if it reads as one (`fashion-mnist`, `idx:PATH`, …), else a folder in which the recipe's
    /// source is looked for first.
    pub fn of(recipe: &str, data: Option<&str>) -> Self {
        match data {
            Some(data)
                if Source::parse(data).is_ok() || data.contains(':') && !PathBuf::from(data).exists() =>
            {
                Self { source: data.to_owned(), folder: None }
            }
            Some(folder) => Self { source: recipe.to_owned(), folder: Some(folder.into()) },
            None => Self { source: recipe.to_owned(), folder: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_a_source_or_a_folder() {
        let of = |data: Option<&str>| Chosen::of("fashion-mnist", data);
        assert_eq!(of(None), Chosen { source: "fashion-mnist".into(), folder: None });
        assert_eq!(of(Some("idx:somewhere")).source, "idx:somewhere");
        assert_eq!(of(Some("some/folder")).folder, Some("some/folder".into()));
    }
}
