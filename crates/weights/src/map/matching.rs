//! Which layer of a file is which node.

use std::collections::HashMap;

use seamripper_core::nearest::nearest;

use super::fit::{Key, Wanted};
use super::{Choices, How};
use crate::error::Mismatch;
use crate::layer::{Stored, StoredLayer};

/// A node and the file's layer for it, as indices.
pub(crate) struct Match {
    pub wanted: usize,
    pub stored: usize,
    pub how: How,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Matching {
    pub matches: Vec<Match>,
    /// Layers of the file the user leaves out.
    pub skipped: Vec<usize>,
    pub problems: Vec<Mismatch>,
}

/// Looks for a layer of the file for each of `wanted`.
pub(crate) fn matching(wanted: &[Wanted<'_>], stored: &Stored<'_>, choices: &Choices) -> Matching {
    let mut search = Search {
        wanted,
        stored,
        names: short_names(&stored.layers),
        found: vec![false; wanted.len()],
        used: vec![false; stored.layers.len()],
        result: Matching::default(),
    };
    search.skip(&choices.skip);
    search.by_map(choices);
    if search.result.problems.iter().any(|problem| matches!(problem, Mismatch::NoSuch { .. })) {
        return search.result; // what follows from a mistyped name is not worth reading
    }
    search.by_name();
    search.by_shape();
    search.left_over();
    search.result
}

struct Search<'w, 's> {
    wanted: &'w [Wanted<'w>],
    stored: &'w Stored<'s>,
    /// Names of the file's layers without what all begin with.
    names: Vec<String>,
    found: Vec<bool>,
    used: Vec<bool>,
    result: Matching,
}

impl Search<'_, '_> {
    fn layer(&self, stored: usize) -> &StoredLayer<'_> {
        &self.stored.layers[stored]
    }

    fn skip(&mut self, names: &[String]) {
        for name in names {
            let inside = |own: &str| {
                own == name
                    || own.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['.', '/']))
            };
            let before = self.result.skipped.len();
            for stored in 0..self.used.len() {
                let layer = self.layer(stored);
                if !self.used[stored]
                    && [&layer.name, &layer.path, &self.names[stored]].into_iter().any(|own| inside(own))
                {
                    self.used[stored] = true;
                    self.result.skipped.push(stored);
                }
            }
            if self.result.skipped.len() == before {
                self.no_such("--skip", name, "a layer of the file");
            }
        }
    }

    fn no_such(&mut self, place: &'static str, name: &str, of: &'static str) {
        let of_recipe = of.contains("recipe");
        let recipe = self.wanted.iter().filter(|_| of_recipe).map(|wanted| wanted.name.as_str());
        let file = self.stored.layers.iter().filter(|_| !of_recipe).map(|layer| layer.name.as_str());
        let nearest = nearest(name, recipe.chain(file)).filter(|near| *near != name).map(str::to_owned);
        self.result.problems.push(Mismatch::NoSuch { place, name: name.to_owned(), of, nearest });
    }

    /// Takes the two for the same, or notes that they do not fit.
    fn take(&mut self, wanted: usize, stored: usize, how: How) {
        (self.found[wanted], self.used[stored]) = (true, true);
        if self.fits(wanted, stored) {
            self.result.matches.push(Match { wanted, stored, how });
        } else {
            let problem = Mismatch::Unlike {
                layer: self.wanted[wanted].name.clone(),
                stored: self.layer(stored).name.clone(),
                expected: self.wanted[wanted].shapes(self.stored.origin),
                found: self.layer(stored).shapes(),
            };
            self.result.problems.push(problem);
        }
    }

    fn fits(&self, wanted: usize, stored: usize) -> bool {
        self.wanted[wanted].fit(self.layer(stored), self.stored.origin).is_some()
    }

    fn by_map(&mut self, choices: &Choices) {
        for (from, to) in &choices.map {
            let stored =
                (0..self.used.len()).find(|&index| self.layer(index).is_called(from, &self.names[index]));
            let wanted = self.wanted.iter().position(|wanted| wanted.name == *to);
            match (stored, wanted) {
                (None, _) => self.no_such("--map", from, "a layer of the file"),
                (_, None) => self.no_such("--map", to, "a layer of the recipe that has weights"),
                (Some(stored), _) if self.used[stored] => {
                    self.no_such("--map", from, "each layer of the file once")
                }
                (_, Some(wanted)) if self.found[wanted] => {
                    self.no_such("--map", to, "each layer of the recipe once")
                }
                (Some(stored), Some(wanted)) => self.take(wanted, stored, How::Map),
            }
        }
    }

    /// First whole names, then last parts of names that occur once and fit; a name that only counts says nothing there.
    fn by_name(&mut self) {
        for wanted in 0..self.wanted.len() {
            let name = &self.wanted[wanted].name;
            let same = |index: &usize| self.layer(*index).name == *name || self.names[*index] == *name;
            let stored = (0..self.used.len()).filter(|&index| !self.used[index]).find(same);
            if let (false, Some(stored)) = (self.found[wanted], stored) {
                self.take(wanted, stored, How::Name);
            }
        }
        for wanted in 0..self.wanted.len() {
            let ending = format!(".{}", self.wanted[wanted].name);
            let ends: Vec<usize> = (0..self.used.len())
                .filter(|&index| !self.used[index] && self.layer(index).name.ends_with(&ending))
                .collect();
            if let (false, [stored]) = (self.found[wanted] || self.wanted[wanted].is_numbered, &ends[..])
                && self.fits(wanted, *stored)
            {
                self.take(wanted, *stored, How::Name);
            }
        }
    }

    fn by_shape(&mut self) {
        let mut groups: Vec<(Key, Vec<usize>)> = Vec::new();
        for wanted in (0..self.wanted.len()).filter(|&wanted| !self.found[wanted]) {
            let key = self.wanted[wanted].key();
            match groups.iter_mut().find(|(own, _)| *own == key) {
                Some((_, members)) => members.push(wanted),
                None => groups.push((key, vec![wanted])),
            }
        }
        let fitting: Vec<Vec<usize>> = groups
            .iter()
            .map(|(_, members)| {
                (0..self.used.len())
                    .filter(|&stored| !self.used[stored] && self.fits(members[0], stored))
                    .collect()
            })
            .collect();
        let mut takers = HashMap::<usize, usize>::new();
        for &stored in fitting.iter().flatten() {
            *takers.entry(stored).or_default() += 1;
        }
        for ((_, members), fitting) in groups.iter().zip(&fitting) {
            let shared = fitting.iter().any(|stored| takers[stored] > 1);
            self.group(members, fitting, shared);
        }
    }

    /// The nodes `members`, all of one shape, and the layers of the file that have it.
    fn group(&mut self, members: &[usize], fitting: &[usize], shared: bool) {
        let reason = if fitting.len() < members.len() {
            let problem = Mismatch::Missing {
                layers: members.iter().map(|&wanted| self.wanted[wanted].name.clone()).collect(),
                expected: self.wanted[members[0]].shapes(self.stored.origin),
                found: fitting.iter().map(|&stored| self.layer(stored).name.clone()).collect(),
            };
            self.result.problems.push(problem);
            fitting.iter().for_each(|&stored| self.used[stored] = true);
            return;
        } else if shared {
            Some("some fit other layers of the recipe too")
        } else if fitting.len() > members.len() {
            Some("there are more of them than layers in the recipe")
        } else if members.len() > 1 && !self.ordered(fitting) {
            Some("the file has its layers in no order, and their names differ in more than numbers")
        } else if self.crosses(members, fitting) {
            Some("layers of the same shape which are found by name are in another order")
        } else {
            None
        };
        match reason {
            None => {
                let how = if members.len() == 1 { How::Shape } else { How::Order };
                for (&wanted, &stored) in members.iter().zip(fitting) {
                    self.take(wanted, stored, how);
                }
            }
            Some(reason) => {
                let problem = Mismatch::Ambiguous {
                    layers: members.iter().map(|&wanted| self.wanted[wanted].name.clone()).collect(),
                    stored: fitting.iter().map(|&stored| self.layer(stored).shown()).collect(),
                    reason,
                };
                self.result.problems.push(problem);
                fitting.iter().for_each(|&stored| self.used[stored] = true);
            }
        }
    }

    /// Whether the order of these layers of the file is that of the model.
    fn ordered(&self, layers: &[usize]) -> bool {
        let without_digits = |&layer: &usize| {
            let path = &self.layer(layer).path;
            path.chars().filter(|c| !c.is_ascii_digit() && *c != '_').collect::<String>()
        };
        self.stored.origin.ordered()
            || layers.iter().all(|layer| without_digits(layer) == without_digits(&layers[0]))
    }

    /// Whether these pairs and those of the same shape that have been found by name are not in one order.
    fn crosses(&self, members: &[usize], fitting: &[usize]) -> bool {
        let key = self.wanted[members[0]].key();
        let known = self.result.matches.iter().filter(|found| found.how == How::Name);
        let known = known
            .filter(|found| self.wanted[found.wanted].key() == key)
            .map(|found| (found.wanted, found.stored));
        let mut pairs: Vec<_> = members.iter().copied().zip(fitting.iter().copied()).chain(known).collect();
        pairs.sort_unstable();
        !pairs.is_sorted_by_key(|pair| pair.1)
    }

    fn left_over(&mut self) {
        let layers: Vec<String> = (0..self.used.len())
            .filter(|&stored| !self.used[stored])
            .map(|stored| format!("{} ({})", self.layer(stored).name, self.layer(stored).shapes()))
            .collect();
        if !layers.is_empty() {
            self.result.problems.push(Mismatch::LeftOver { layers });
        }
    }
}

/// The names without the parts that all begin with, such as `module.` or `model.`.
fn short_names(layers: &[StoredLayer<'_>]) -> Vec<String> {
    let parts: Vec<Vec<&str>> = layers.iter().map(|layer| layer.name.split('.').collect()).collect();
    let most = parts.iter().map(|parts| parts.len() - 1).min().unwrap_or(0);
    let common = (0..most).take_while(|&place| parts.iter().all(|own| own[place] == parts[0][place])).count();
    // A file of one layer has nothing in common with others.
    let common = if layers.len() > 1 { common } else { 0 };
    parts.iter().map(|parts| parts[common..].join(".")).collect()
}
