//! Images that are there more than once, pixel for pixel.
//!
//! *Idea*: a table from the SHA-256 of an image's pixels to the images that have them. Groups come in the order of their first
//! image.

use std::collections::HashMap;

use serde::Serialize;

use seamripper_core::sample::{ImageSet, Split};

use super::EXAMPLES_MOST;
use crate::checksum;

/// Groups of equal images.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Duplicates {
    /// Number of groups.
    pub groups: usize,
    /// Images that could be left out without losing a picture: the size of every group less one.
    pub surplus: usize,
    /// Groups with images of more than one part: what is tested was trained on.
    pub across: usize,
    /// Groups with more than one label.
    pub conflicts: usize,
    /// The worst groups: across parts, then with several labels, then in the order of the first image.
    pub worst: Vec<Group>,
}

/// Images with the same pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Whether they are in more than one part.
    pub across: bool,
    /// Whether they have more than one label.
    pub conflict: bool,
    /// The images.
    pub images: Vec<Member>,
}

/// One of several equal images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its part.
    pub split: &'static str,
    /// Its class.
    pub label: String,
}

/// An image: which part, and where in it.
type Place = (usize, usize);

/// All groups, worst first, and what to say about them.
pub(super) fn find(parts: &[(Split, &ImageSet)]) -> (Vec<Group>, Duplicates) {
    let mut groups = groups(parts);
    groups.sort_by_key(|group| (!group.across, !group.conflict));
    let duplicates = Duplicates {
        groups: groups.len(),
        surplus: groups.iter().map(|group| group.images.len() - 1).sum(),
        across: groups.iter().filter(|group| group.across).count(),
        conflicts: groups.iter().filter(|group| group.conflict).count(),
        worst: groups.iter().take(EXAMPLES_MOST).cloned().collect(),
    };
    (groups, duplicates)
}

fn groups(parts: &[(Split, &ImageSet)]) -> Vec<Group> {
    let total = parts.iter().map(|(_, images)| images.len()).sum();
    let mut first_of: HashMap<[u8; 32], Place> = HashMap::with_capacity(total);
    let mut copies_of: HashMap<Place, Vec<Place>> = HashMap::new();
    for (part, (_, images)) in parts.iter().enumerate() {
        for index in 0..images.len() {
            let first = *first_of.entry(checksum::digest(&images.image(index))).or_insert((part, index));
            if first != (part, index) {
                copies_of.entry(first).or_default().push((part, index));
            }
        }
    }
    let mut places: Vec<Vec<Place>> =
        copies_of.into_iter().map(|(first, copies)| [vec![first], copies].concat()).collect();
    places.sort_unstable();
    places.iter().map(|places| group(parts, places)).collect()
}

fn group(parts: &[(Split, &ImageSet)], places: &[Place]) -> Group {
    let member = |&(part, index): &Place| {
        let (split, images) = parts[part];
        let label = images.classes()[images.labels()[index] as usize].clone();
        Member { id: images.ids().id(index), split: split.name(), label }
    };
    let images: Vec<Member> = places.iter().map(member).collect();
    Group {
        across: images.iter().any(|image| image.split != images[0].split),
        conflict: images.iter().any(|image| image.label != images[0].label),
        images,
    }
}
