//! The images that failures are planted in.

use seamripper_core::random::{Purpose, Stream};
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_data::options::ImageOptions;

use super::shapes;
use crate::args::Global;
use crate::diag::{Stop, tell};

/// Drawn for a full selftest and for a quick one.
const DRAWN: [usize; 2] = [60_000, 30_000];

/// Labelled images with what a plant has to know about them.
pub struct Pool {
    /// `fashion-mnist`, `shapes`, or a source as typed.
    pub name: String,
    /// All of them.
    pub images: ImageSet,
    /// Classes that look otherwise when turned by 90 degrees.
    pub turnable: Vec<u32>,
}

/// The images of `--data`; by default Fashion-MNIST where it is, else shapes.
pub fn choose(data: Option<&str>, quick: bool, global: &Global) -> Result<Pool, Stop> {
    match data {
        Some("shapes") => Ok(drawn(quick)),
        Some(source) => Ok(loaded(source, crate::data::load(source, None, ImageOptions::default(), global)?)),
        None if quick => Ok(drawn(quick)),
        None => Ok(match crate::data::load_if_here("fashion-mnist") {
            Some(dataset) => loaded("fashion-mnist", dataset),
            None => {
                if !global.quiet {
                    tell(
                        "note: fashion-mnist is not on this machine, so shapes are drawn; `--data fashion-mnist` fetches it",
                    );
                }
                drawn(quick)
            }
        }),
    }
}

fn drawn(quick: bool) -> Pool {
    Pool {
        name: "shapes".to_owned(),
        images: shapes::draw(DRAWN[usize::from(quick)], 0),
        turnable: vec![4, 5, 6, 7],
    }
}

fn loaded(name: &str, dataset: seamripper_data::source::Dataset) -> Pool {
    let train = dataset.train;
    let (size, classes) = (train.size(), train.classes().clone());
    let mut labels = train.labels().to_vec();
    let mut pixels = train.into_pixels();
    if let Some(test) = dataset.test {
        labels.extend(test.labels());
        pixels.extend(test.into_pixels());
    }
    let ids = Ids::Rows { prefix: "image".into(), rows: (0..labels.len() as u32).collect() };
    let turnable = (0..classes.len() as u32).collect();
    Pool { name: name.to_owned(), images: ImageSet::new(size, pixels, labels, classes, ids), turnable }
}

impl Pool {
    /// Disjoint sets of the sizes asked for, or in the same proportion if there are too few images; each has as many images of every
    /// class as the others' sizes allow.
    pub fn deal<const N: usize>(&self, sizes: [usize; N], seed: u64) -> [ImageSet; N] {
        let k = self.images.classes().len();
        let mut of_classes = vec![Vec::new(); k];
        for (index, &label) in self.images.labels().iter().enumerate() {
            of_classes[label as usize].push(index);
        }
        for (class, rows) in of_classes.iter_mut().enumerate() {
            Stream::new(seed, Purpose::Plant, 0, class as u64).shuffle(rows);
        }
        let fewest = of_classes.iter().map(Vec::len).min().unwrap_or(0);
        let wanted: usize = sizes.iter().map(|size| size.div_ceil(k)).sum();
        let mut start = 0;
        sizes.map(|size| {
            let each = (size.div_ceil(k) * fewest.min(wanted) / wanted.max(1)).max(1);
            let rows = of_classes.iter().flat_map(|rows| rows.iter().skip(start).take(each).copied());
            let mut rows: Vec<usize> = rows.collect();
            rows.sort_unstable();
            start += each;
            self.images.select(&rows)
        })
    }
}
