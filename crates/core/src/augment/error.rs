//! What can be wrong with a list of transforms.

use std::fmt;

/// Which list of `[augment]` a transform stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Copies made once.
    Expand,
    /// Redrawn each epoch.
    Online,
}

impl Stage {
    /// Its key in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Online => "online",
        }
    }
}

/// One wrong value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The list.
    pub stage: Stage,
    /// Place in the list, from 0.
    pub index: usize,
    /// The key, with the key inside its table if there is one: `crop.pad`.
    pub key: String,
    /// What would do.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// The way out, where it can be told.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, index, key, expected, found, .. } = self;
        write!(f, "{key} in augment.{}[{index}]: expected {expected}, found {found}", stage.name())
    }
}

/// Why images cannot be augmented.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AugmentError {
    /// Wrong values, all of them, in the order of the list.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
    /// Images without pixels.
    #[error("images to augment: expected at least one pixel and channel, found size {}x{}x{}", .size[0], .size[1], .size[2])]
    NoPixels {
        /// `[h, w, c]`.
        size: [usize; 3],
    },
}

impl AugmentError {
    /// The way out of the first problem that has one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(problems) => problems.iter().find_map(|problem| problem.hint.clone()),
            Self::NoPixels { .. } => None,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
