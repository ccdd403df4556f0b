//! A change made ready for images of one size, and applied.

use seamripper_kernels::parallel;
use seamripper_kernels::warp::{Image, ImageMut, Matrix, Warp, compose, rotation_matrix_2d};

use super::blur::{self, Disk, Glass, Motion};
use super::canny::Canny;
use super::change::Change;
use super::color;
use super::digital::{Elastic, Pixelate};
use super::jpeg::{self, Jpeg};
use super::lines;
use super::names::{Corruption, Kind};
use super::noise::{self, Poisson};
use super::plane::{self, Edge};
use super::shapes;
use super::spatter::{self, Spatter};
use super::tables::Tables;
use super::weather::{self, Frost, Snow};
use super::zoom::{self, Zoom};
use crate::random::{Purpose, Stream};
use crate::sample::ImageSet;

/// Values a thread takes at a time: 16 images of 28x28.
const CHUNK: usize = 16 * 28 * 28;

/// Gaussians are cut off at this many deviations, as scikit-image does.
const TRUNCATE: f32 = 4.0;

/// A [`Change`] for images of one size.
#[derive(Clone, Debug)]
pub struct Prepared {
    size: [usize; 3],
    stream: u64,
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    Same,
    Noise(f32),
    Speckle(f32),
    Impulse(f32),
    Shot(Poisson),
    Blur(Vec<f32>),
    Defocus(Disk),
    Glass(Glass),
    Motion(Motion),
    Zoom(Vec<Zoom>),
    Snow(Snow),
    Frost(Frost),
    Fog([f32; 2]),
    Brightness(f32),
    Contrast(f32),
    Saturate([f32; 2]),
    Elastic(Elastic),
    Pixelate(Pixelate),
    Jpeg(Box<Jpeg>),
    Spatter(Spatter),
    Warp(Matrix),
    DrawnWarp(Kind, Tables, u8),
    Stripe(u8),
    Dotted(u8),
    Zigzag(u8),
    Edges(f32),
    Occlude(f64),
}

/// Working memory of one thread; allocates nothing once it has seen an image of each change.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    plane: Vec<f32>,
    floats: [Vec<f32>; 5],
    bytes: [Vec<u8>; 2],
    warp: Warp,
    canny: Canny,
    spatter: spatter::Memory,
    jpeg: jpeg::Memory,
}

impl Prepared {
    /// Computes what does not depend on the image.
    ///
    /// # Panics
    /// If [`Change::problem`] finds one, or `size` has a 0.
    pub fn new(change: &Change, size: [usize; 3]) -> Self {
        assert_eq!(change.problem(), None, "the number of a change");
        assert!(!size.contains(&0), "images without pixels");
        Self { size, stream: change.stream(), step: Step::new(change, size) }
    }

    /// Writes the changed `image`, which is number `index` of its set, to `out`; both `[h, w, c]`. Draws are named
    /// `(seed, Corrupt, change, index)`.
    ///
    /// # Panics
    /// If a slice is not as long as the size says.
    pub fn image(&self, image: &[u8], index: usize, seed: u64, scratch: &mut Scratch, out: &mut [u8]) {
        let length = self.size.iter().product::<usize>();
        assert_eq!([image.len(), out.len()], [length; 2], "pixels of an image {:?}", self.size);
        let mut stream = Stream::new(seed, Purpose::Corrupt, self.stream, index as u64);
        self.step.apply(image, self.size, &mut stream, scratch, out);
    }
}

/// The images of `set` after `change`; labels and ids stay. All threads work, and no byte depends on how many there are.
///
/// # Panics
/// As [`Prepared::new`].
pub fn corrupt(set: &ImageSet, change: &Change, seed: u64) -> ImageSet {
    let prepared = Prepared::new(change, set.size());
    let length = set.size().iter().product::<usize>();
    let mut pixels = vec![0; set.len() * length];
    parallel::for_each_chunk(&mut pixels, (CHUNK / length).max(1) * length, |first, out| {
        let mut scratch = Scratch::default();
        for (place, out) in out.chunks_exact_mut(length).enumerate() {
            let index = first / length + place;
            prepared.image(&set.image(index), index, seed, &mut scratch, out);
        }
    });
    ImageSet::new(set.size(), pixels, set.labels().to_vec(), set.classes().clone(), set.ids().clone())
}

impl Step {
    fn new(change: &Change, size: [usize; 3]) -> Self {
        let [h, w, _] = size;
        let center = [w as f64 / 2.0, h as f64 / 2.0];
        match *change {
            change if change.parameter() == change.neutral() && !matches!(change, Change::Jpeg(_)) => {
                Self::Same
            }
            Change::Rotate(degrees) => Self::Warp(rotation_matrix_2d(center, degrees, 1.0)),
            Change::ShiftRight(pixels) => Self::Warp([[1.0, 0.0, pixels], [0.0, 1.0, 0.0]]),
            Change::ShiftDown(pixels) => Self::Warp([[1.0, 0.0, 0.0], [0.0, 1.0, pixels]]),
            Change::Scale(factor) => Self::Warp(rotation_matrix_2d(center, 0.0, factor)),
            Change::Aspect(factor) => {
                let root = factor.sqrt();
                let [x, y] = [root, 1.0 / root];
                Self::Warp([[x, 0.0, (1.0 - x) * center[0]], [0.0, y, (1.0 - y) * center[1]]])
            }
            Change::Shear(degrees) => {
                let slope = degrees.to_radians().tan();
                let sheared = [[1.0, slope, -slope * center[1]], [0.0, 1.0, 0.0]];
                Self::Warp(compose(&rotation_matrix_2d(center, 0.0, 1.0), &sheared))
            }
            Change::Brightness(share) => Self::Brightness((255.0 * share) as f32),
            Change::Contrast(factor) => Self::Contrast(factor as f32),
            Change::Blur(sigma) => Self::Blur(plane::gaussian(sigma as f32, TRUNCATE)),
            Change::Noise(share) => Self::Noise((255.0 * share) as f32),
            Change::Jpeg(quality) => Self::Jpeg(Box::new(Jpeg::new(quality))),
            Change::Pixelate(share) => Self::Pixelate(Pixelate::new(size, share)),
            Change::Occlude(share) => Self::Occlude(share),
            Change::Corrupt(corruption, severity) => Self::corruption(corruption, severity, size),
        }
    }

    fn corruption(Corruption { suite, kind }: Corruption, severity: u8, size: [usize; 3]) -> Self {
        let tables = Tables::new(suite, size);
        let [gaussian, photons, amount, speckle] = noise::strengths(tables, severity);
        match kind {
            Kind::GaussianNoise => Self::Noise(255.0 * gaussian),
            Kind::ShotNoise => Self::Shot(Poisson::new(f64::from(photons))),
            Kind::ImpulseNoise => Self::Impulse(amount),
            Kind::SpeckleNoise => Self::Speckle(speckle),
            Kind::DefocusBlur => Self::Defocus(Disk::new(tables, severity)),
            Kind::GlassBlur => Self::Glass(Glass::new(tables, severity)),
            Kind::MotionBlur => Self::Motion(Motion::new(tables, severity)),
            Kind::ZoomBlur => Self::Zoom(zoom::zooms(tables, severity, size)),
            Kind::GaussianBlur => {
                Self::Blur(plane::gaussian(blur::gaussian_sigma(tables, severity), TRUNCATE))
            }
            Kind::Snow => Self::Snow(Snow::new(tables, severity, size)),
            Kind::Frost => Self::Frost(Frost::new(tables, severity, size)),
            Kind::Fog => Self::Fog(weather::fog_strength(tables, severity)),
            Kind::Brightness => Self::Brightness(color::brightness_levels(tables, severity)),
            Kind::Contrast => Self::Contrast(color::contrast_factor(tables, severity)),
            Kind::Saturate => Self::Saturate(color::saturation(tables, severity)),
            Kind::ElasticTransform => Self::Elastic(Elastic::new(tables, severity, size)),
            Kind::Pixelate => Self::Pixelate(Pixelate::new(size, Pixelate::share(tables, severity))),
            Kind::JpegCompression => Self::Jpeg(Box::new(Jpeg::new(Jpeg::quality(tables, severity)))),
            Kind::Spatter => Self::Spatter(Spatter::new(tables, severity, size[2])),
            Kind::Shear | Kind::Scale | Kind::Rotate | Kind::Translate => {
                Self::DrawnWarp(kind, tables, severity)
            }
            Kind::Stripe => Self::Stripe(severity),
            Kind::DottedLine => Self::Dotted(severity),
            Kind::Zigzag => Self::Zigzag(severity),
            Kind::CannyEdges => Self::Edges(f32::from(severity) / 5.0),
        }
    }

    fn apply(
        &self,
        src: &[u8],
        size: [usize; 3],
        stream: &mut Stream,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) {
        let c = size[2];
        match self {
            Self::Same => out.copy_from_slice(src),
            Self::Noise(deviation) => noise::gaussian(*deviation, src, stream, out),
            Self::Speckle(deviation) => noise::speckle(*deviation, src, stream, out),
            Self::Impulse(amount) => noise::impulse(*amount, src, stream, out),
            Self::Shot(poisson) => poisson.apply(src, stream, out),
            Self::Brightness(levels) => color::brightness(*levels, src, c, out),
            Self::Contrast(factor) => color::contrast(*factor, src, c, out),
            Self::Saturate(numbers) => color::saturate(*numbers, src, c, out),
            Self::Pixelate(pixelate) => pixelate.apply(src, size, out, scratch.bytes.each_mut()),
            Self::Jpeg(jpeg) => jpeg.apply(src, size, &mut scratch.jpeg, out),
            Self::Warp(dst_from_src) => warp(&mut scratch.warp, src, size, dst_from_src, out),
            Self::DrawnWarp(kind, tables, severity) => {
                let dst_from_src = shapes::draw(*kind, *tables, *severity, size, stream);
                warp(&mut scratch.warp, src, size, &dst_from_src, out);
            }
            Self::Stripe(severity) => shapes::stripe(*severity, size, src, out),
            Self::Dotted(count) | Self::Zigzag(count) => {
                let layer = &mut scratch.plane;
                layer.clear();
                layer.resize(size[0] * size[1], 0.0);
                let draw = if matches!(self, Self::Dotted(_)) { lines::dotted } else { lines::zigzag };
                draw(layer, [size[0], size[1]], *count, stream);
                lines::lay_over(layer, src, c, out);
            }
            Self::Occlude(share) => occlude(*share, src, size, stream, out),
            _ => self.apply_to_floats(src, size, stream, scratch, out),
        }
    }

    /// What works on numbers between the levels.
    fn apply_to_floats(
        &self,
        src: &[u8],
        size: [usize; 3],
        stream: &mut Stream,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) {
        let Scratch { plane, floats: [a, b, d, e, f], canny, spatter: spatter_memory, .. } = scratch;
        plane::to_floats(src, plane);
        let c = size[2];
        match self {
            Self::Blur(half) => plane::blur(plane, size, half, Edge::Clamp, [a, b]),
            Self::Defocus(disk) => disk.apply(plane, size, [a, b]),
            Self::Glass(glass) => glass.apply(plane, size, stream, [a, b]),
            Self::Motion(motion) => {
                motion.apply(plane, a, size, stream.uniform(-45.0, 45.0), b);
                std::mem::swap(plane, a);
            }
            Self::Zoom(zooms) => zoom::blur(zooms, plane, c, [a, b]),
            Self::Snow(snow) => snow.apply(plane, size, stream, [a, b, d]),
            Self::Frost(frost) => frost.apply(plane, size, stream),
            Self::Fog(strength) => weather::fog(*strength, plane, size, stream, a),
            Self::Elastic(elastic) => {
                elastic.apply(plane, size, stream, a, [b, d, e, f]);
                std::mem::swap(plane, a);
            }
            Self::Spatter(spatter) => spatter.apply(plane, size, stream, spatter_memory),
            Self::Edges(share) => lines::edges(*share, plane, size, canny, [a, b, d, e]),
            _ => unreachable!("works on bytes"),
        }
        plane::to_bytes(plane, out);
    }
}

fn warp(warp: &mut Warp, src: &[u8], size: [usize; 3], dst_from_src: &Matrix, out: &mut [u8]) {
    warp.affine(Image { size, pixels: src }, ImageMut { size, pixels: out }, dst_from_src, 0);
}

/// A black square of a share of the area, at a random place; as much of the longer side as its own side allows.
fn occlude(share: f64, src: &[u8], [h, w, c]: [usize; 3], stream: &mut Stream, out: &mut [u8]) {
    out.copy_from_slice(src);
    let side = ((h * w) as f64 * share).sqrt().round() as usize;
    let (rows, columns) = (side.min(h), side.min(w));
    // drawn whatever the share is, so that a sweep hides growing squares around one place
    let (down, along) = (stream.unit(), stream.unit());
    let (top, left) = ((down * (h - rows + 1) as f64) as usize, (along * (w - columns + 1) as f64) as usize);
    for row in out.chunks_exact_mut(w * c).skip(top).take(rows) {
        row[left * c..][..columns * c].fill(0);
    }
}
