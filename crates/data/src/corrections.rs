//! Labels corrected and images left out, before anything else is done with them.
//!
//! *Idea*: both tables are read and compared with the images as they came; only if every row of both can be used are labels
//! changed and images left out. An image that is flagged in both is left out. Test images are never touched: what is measured
//! must not change with what is trained on.

use std::path::Path;

use seamripper_core::sample::ImageSet;
use serde::Serialize;

use crate::Error;
use crate::drop_list::DropList;
use crate::relabel::Relabel;

#[cfg(test)]
mod tests;

/// Tables of corrections: a [`Relabel`] and a [`DropList`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables<'a> {
    /// Whose flagged rows get another label.
    pub relabel: Option<&'a Path>,
    /// Whose flagged rows are left out.
    pub drop: Option<&'a Path>,
}

/// How much was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Images that stay and have another label.
    pub relabelled: usize,
    /// Images left out.
    pub dropped: usize,
}

impl Tables<'_> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Tables::default()
    }

    /// Applies the tables to training images.
    ///
    /// # Errors
    /// What is wrong with either table; [`Error::NoneLeft`] if a class that had images has none left.
    pub fn apply(&self, images: ImageSet) -> Result<(ImageSet, Changes), Vec<Error>> {
        let classes = images.classes().clone();
        let kept = self.drop.map(|path| DropList::read(path, &classes)?.kept(path, &images)).transpose();
        let relabel = self.relabel.map(|path| Ok((path, Relabel::read(path, &classes)?))).transpose();
        let before = images.labels().to_vec();
        let relabelled = relabel.and_then(|relabel| match relabel {
            Some((path, table)) => table.apply(path, images).map(|(images, _)| images),
            None => Ok(images),
        });
        let (kept, images) = match (kept, relabelled) {
            (Ok(kept), Ok(images)) => (kept.unwrap_or_else(|| vec![true; images.len()]), images),
            (kept, images) => return Err(kept.err().into_iter().chain(images.err()).collect()),
        };
        let staying: Vec<usize> = (0..images.len()).filter(|&index| kept[index]).collect();
        let changes = Changes {
            relabelled: staying.iter().filter(|&&index| images.labels()[index] != before[index]).count(),
            dropped: images.len() - staying.len(),
        };
        let images = if changes.dropped == 0 { images } else { images.select(&staying) };
        let left = |class: &usize| images.labels().contains(&(*class as u32));
        let had = |class: &usize| before.contains(&(*class as u32));
        let gone: Vec<_> = (0..classes.len()).filter(|class| had(class) && !left(class)).collect();
        if gone.is_empty() {
            return Ok((images, changes));
        }
        let files = self.relabel.iter().chain(&self.drop).map(|path| path.display().to_string()).collect();
        let gone: Vec<_> = gone.into_iter().map(|class| classes[class].as_str()).collect();
        Err(vec![Error::NoneLeft { files, classes: gone.join(", ") }])
    }
}
