//! The images of a sample, prepared in every way that is tried.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use seamripper_core::fail::doctor::Way;
use seamripper_core::graph::plausible::{pictures, plausible};
use seamripper_core::graph::{Filter, Fit, Preprocessing};
use seamripper_core::sample::{ImageSet, Split};
use seamripper_data::options::ImageOptions;
use seamripper_kernels::Instructions;

use crate::args::Global;
use crate::diag::Stop;
use crate::runnable::Runnable;
use crate::subject::Opened;

/// The ways that are tried.
pub struct Ways {
    /// From pixels to values; the current one first.
    pub forms: Vec<Preprocessing>,
    /// From pictures to pixels; the current one first, and the only one if no picture is resized.
    pub sizes: Vec<(Fit, Filter)>,
}

impl Ways {
    /// Those of a model and the images it is given.
    pub fn of(opened: &Opened) -> Self {
        let current = (opened.how.fit, opened.how.filter);
        let resized = opened.dataset.photos.as_ref().is_some_and(|photos| photos.resized > 0);
        Self {
            forms: plausible(opened.model.preprocessing(), opened.model.input()),
            sizes: if resized { pictures(current) } else { vec![current] },
        }
    }

    /// A way as a model's file has it. Fit and filter are said if they do something.
    pub fn preprocessing(&self, way: Way) -> Preprocessing {
        let form = self.forms[way.form].clone();
        if self.sizes.len() == 1 {
            return form;
        }
        let (fit, filter) = self.sizes[way.picture];
        Preprocessing { fit: Some(fit), resize: Some(filter), ..form }
    }
}

/// The images of a sample, by how their pictures were resized.
pub struct Images {
    /// One set of pixels `[n, h, w, c]` a size.
    sized: Vec<Vec<u8>>,
    size: [usize; 3],
}

impl Images {
    /// `set` is the sample as it is given now; its pictures are decoded again for every other size.
    pub fn read(opened: &Opened, ways: &Ways, set: &ImageSet, global: &Global) -> Result<Self, Stop> {
        let mut sized = vec![set.pixels().to_vec()];
        let ids: Vec<String> = (0..set.len()).map(|index| set.ids().id(index)).collect();
        let only: HashSet<String> = ids.iter().cloned().collect();
        for &(fit, filter) in &ways.sizes[1..] {
            let how = ImageOptions { fit, filter, test: 0.0, ..opened.how };
            let dataset = crate::data::load_only(
                &opened.source.source,
                opened.source.folder.clone(),
                how,
                &only,
                global,
            )?;
            let parts = [Some(dataset.train), dataset.test];
            let found: HashMap<String, Cow<'_, [u8]>> = (parts.iter().flatten())
                .flat_map(|part| (0..part.len()).map(|index| (part.ids().id(index), part.image(index))))
                .collect();
            let missing: Vec<&str> =
                ids.iter().filter(|id| !found.contains_key(*id)).map(String::as_str).collect();
            if let Some(first) = missing.first() {
                let problem = format!(
                    "data {}: expected the same pictures as a moment ago, found {} missing, the first: {first}",
                    opened.source.source,
                    missing.len()
                );
                return Err(Stop::problem(problem, None));
            }
            sized.push(ids.iter().flat_map(|id| found[id].iter()).copied().collect());
        }
        Ok(Self { sized, size: set.size() })
    }

    /// Probabilities `[n, k]` of the images at `rows`, prepared in a way.
    pub fn predict(
        &self,
        isa: Instructions,
        model: &Runnable,
        ways: &Ways,
        way: Way,
        rows: &[usize],
    ) -> Vec<f64> {
        let length = self.size.iter().product::<usize>();
        let stored = &self.sized[way.picture];
        let pixels = rows.iter().flat_map(|&row| &stored[row * length..][..length]).copied().collect();
        let preprocessing = &ways.forms[way.form];
        let ids = seamripper_core::sample::Ids::Rows {
            prefix: "image".into(),
            rows: rows.iter().map(|&row| row as u32).collect(),
        };
        let pixels = preprocessing.arrange(self.size, pixels);
        let set = ImageSet::new(self.size, pixels, vec![0; rows.len()], model.classes().into(), ids);
        model.predict_as(preprocessing, isa, &set, Split::Test).probs
    }
}
