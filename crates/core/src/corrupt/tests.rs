use seamripper_kernels::parallel::Threads;

use super::noise::{Normals, Poisson};
use super::texture::plasma;
use super::{Change, Corruption, Kind, Prepared, SEVERITIES, Scratch, Suite, corrupt};
use crate::random::{Purpose, Stream};
use crate::sample::{Ids, ImageSet};

/// Blobs on a dark ground: smooth, with edges, all levels.
fn picture([h, w, c]: [usize; 3], number: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let (fy, fx) = ((y as f32 + 0.5) / h as f32 - 0.5, (x as f32 + 0.5) / w as f32 - 0.5);
            let away = (fx * fx + fy * fy * (1.0 + 0.1 * number as f32)).sqrt();
            for channel in 0..c {
                let wave = ((fx * 9.0 + channel as f32 * 2.0 + number as f32).sin() + 1.0) * 110.0;
                pixels.push(if away < 0.38 { wave as u8 } else { 12 });
            }
        }
    }
    pixels
}

fn set(n: usize, size: [usize; 3]) -> ImageSet {
    ImageSet::new(
        size,
        (0..n).flat_map(|number| picture(size, number)).collect(),
        vec![0; n],
        vec!["blob".to_owned()].into(),
        Ids::Rows { prefix: "test".into(), rows: (0..n as u32).collect() },
    )
}

fn all(channels: usize) -> Vec<Corruption> {
    [Suite::Common, Suite::Mnist].into_iter().flat_map(|suite| suite.corruptions(channels)).collect()
}

fn distance(a: &ImageSet, b: &ImageSet) -> f64 {
    let (a, b) = (a.pixels(), b.pixels());
    let squares = a.iter().zip(b.iter()).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    (squares.sum::<f64>() / a.len() as f64).sqrt()
}

#[test]
fn suites_have_their_corruptions() {
    assert_eq!([Suite::Common, Suite::Mnist].map(|suite| suite.corruptions(3).len()), [19, 15]);
    assert_eq!(Suite::Common.corruptions(1).len(), 18, "saturate does nothing on grey");
    for corruption in all(3) {
        assert_eq!(Corruption::parse(&corruption.label()), Some(corruption));
    }
    assert_eq!(Corruption::new(Suite::Mnist, Kind::Snow), None);
    assert_eq!(Corruption::parse("common/rain"), None);
}

#[test]
fn any_size_works() {
    let sizes =
        [[1, 1, 1], [1, 1, 3], [3, 5, 1], [5, 3, 3], [2, 40, 1], [28, 28, 1], [33, 31, 3], [64, 70, 3]];
    for size in sizes {
        let set = set(2, size);
        for corruption in all(size[2]) {
            for severity in 0..=SEVERITIES {
                let changed = corrupt(&set, &Change::Corrupt(corruption, severity), 1);
                assert_eq!(changed.size(), size);
                if severity == 0 {
                    assert_eq!(changed, set, "{}", corruption.label());
                }
            }
        }
    }
}

#[test]
fn large_images_work() {
    for c in [1, 3] {
        let set = set(1, [224, 224, c]);
        for corruption in all(c) {
            corrupt(&set, &Change::Corrupt(corruption, 5), 1);
        }
    }
}

#[test]
fn black_and_white_work() {
    for level in [0, 255] {
        for size in [[28, 28, 1], [32, 32, 3]] {
            let image = vec![level; size.iter().product()];
            let mut out = image.clone();
            for corruption in all(size[2]) {
                let prepared = Prepared::new(&Change::Corrupt(corruption, 5), size);
                prepared.image(&image, 0, 0, &mut Scratch::default(), &mut out);
            }
        }
    }
}

/// A higher severity is farther from the original, in the mean over images: 5 farther than 1, and none much nearer than the
/// one before (pixelate meets the waves of these images, fog of severity 4 has finer detail than 3). Not so in the published tables of
/// `saturate`, which weakens colours first and strengthens them after; of `elastic_transform` for small images, whose large
/// part shrinks while its small part grows; of `spatter`, which goes from water to mud; of `glass_blur` for small images
/// (severity 4 has less blur than 3); of `snow`, whose flakes change in size; and of `frost`, where severity 4 adds as much
/// ice as 3 to a darker image.
#[test]
fn severity_grows() {
    const OTHERWISE: [Kind; 6] =
        [Kind::Saturate, Kind::ElasticTransform, Kind::Spatter, Kind::GlassBlur, Kind::Snow, Kind::Frost];
    let mut problems = Vec::new();
    for size in [[28, 28, 1], [32, 32, 3], [96, 96, 3]] {
        let set = set(24, size);
        for corruption in all(size[2]) {
            let at = |severity| distance(&set, &corrupt(&set, &Change::Corrupt(corruption, severity), 3));
            let distances: Vec<f64> = (1..=SEVERITIES).map(at).collect();
            let label = corruption.label();
            let mut steps = distances.windows(2);
            let grows = distances[4] > distances[0] && steps.all(|step| step[1] > 0.75 * step[0]);
            let grows = grows || OTHERWISE.contains(&corruption.kind);
            if distances[0] < 0.2 || !grows {
                problems.push(format!("{label} {size:?}: {distances:.2?}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn threads_change_no_byte() {
    for size in [[28, 28, 1], [20, 24, 3]] {
        let set = set(40, size);
        for corruption in all(size[2]) {
            let change = Change::Corrupt(corruption, 3);
            let on = |count| Threads::new(Some(count)).expect("threads").run(|| corrupt(&set, &change, 7));
            assert_eq!(on(1), on(3), "{}", corruption.label());
        }
    }
}

/// A scratch that has been used for something else gives the same bytes as a new one.
#[test]
fn a_used_scratch_changes_no_byte() {
    let mut used = Scratch::default();
    for size in [[40, 30, 3], [28, 28, 1]] {
        let image = picture(size, 1);
        let (mut a, mut b) = (image.clone(), image.clone());
        for corruption in all(size[2]) {
            let prepared = Prepared::new(&Change::Corrupt(corruption, 2), size);
            prepared.image(&image, 5, 0, &mut used, &mut a);
            prepared.image(&image, 5, 0, &mut Scratch::default(), &mut b);
            assert_eq!(a, b, "{}", corruption.label());
        }
    }
}

#[test]
fn draws_are_named_by_seed_severity_and_image() {
    let size = [16, 16, 1];
    let image = picture(size, 0);
    let draw = |seed, index, severity| {
        let corruption = Corruption { suite: Suite::Common, kind: Kind::GaussianNoise };
        let mut out = vec![0; image.len()];
        let prepared = Prepared::new(&Change::Corrupt(corruption, severity), size);
        prepared.image(&image, index, seed, &mut Scratch::default(), &mut out);
        out
    };
    assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
    for other in [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)] {
        assert_ne!(draw(1, 2, 3), other);
    }
}

#[test]
fn normals_are_normal() {
    let n = 400_000;
    let mut values = vec![0.0_f64; n];
    let mut stream = Stream::new(0, Purpose::Test, 1, 0);
    Normals::get().for_each(n, &mut stream, |i, normal| values[i] = f64::from(normal));
    let moment = |power| values.iter().map(|value: &f64| value.powi(power)).sum::<f64>() / n as f64;
    // four standard errors; sd of z, z^2, z^4 is 1, 1.41, 9.8
    assert!(moment(1).abs() < 0.0064, "{}", moment(1));
    assert!((moment(2) - 1.0).abs() < 0.009, "{}", moment(2));
    assert!((moment(4) - 3.0).abs() < 0.062, "{}", moment(4));
    let beyond = values.iter().filter(|value| value.abs() > 3.0).count() as f64 / n as f64;
    assert!((beyond - 0.0027).abs() < 0.00033, "{beyond}");
}

#[test]
fn photons_are_counted() {
    let (photons, n) = (60.0, 100_000);
    let mut stream = Stream::new(0, Purpose::Test, 2, 0);
    for level in [1_u8, 20, 128] {
        let mut out = vec![0; n];
        Poisson::new(photons).apply(&vec![level; n], &mut stream, &mut out);
        let counts: Vec<f64> =
            out.iter().map(|&value| (f64::from(value) * photons / 255.0).round()).collect();
        let expected = f64::from(level) * photons / 255.0;
        let mean = counts.iter().sum::<f64>() / n as f64;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(
            (mean - expected).abs() < 4.0 * (expected / n as f64).sqrt(),
            "{level}: {mean} of {expected}"
        );
        assert!((variance / expected - 1.0).abs() < 0.07, "{level}: {variance} of {expected}");
    }
}

#[test]
fn the_fractal_goes_on_at_its_border() {
    let mut map = Vec::new();
    plasma(32, 2.0, &mut Stream::new(0, Purpose::Test, 3, 0), &mut map);
    assert!(map.iter().all(|value| (0.0..=1.0).contains(value)));
    let step = |a: usize, b: usize| (map[a] - map[b]).abs();
    let inside: f32 = (0..32).map(|y| step(y * 32 + 15, y * 32 + 16)).sum();
    let across: f32 = (0..32).map(|y| step(y * 32, y * 32 + 31)).sum();
    assert!(across < 3.0 * inside, "{across} across the border, {inside} inside");
}

#[test]
fn neutral_numbers_change_nothing() {
    let set = set(2, [9, 12, 3]);
    let neutral = [
        Change::Rotate(0.0),
        Change::ShiftRight(0.0),
        Change::ShiftDown(0.0),
        Change::Scale(1.0),
        Change::Shear(0.0),
        Change::Brightness(0.0),
        Change::Contrast(1.0),
        Change::Blur(0.0),
        Change::Noise(0.0),
        Change::Pixelate(1.0),
        Change::Occlude(0.0),
    ];
    for change in neutral {
        assert_eq!(corrupt(&set, &change, 0), set, "{}", change.label());
    }
}

#[test]
fn whole_shifts_move_pixels() {
    let set = set(1, [6, 8, 1]);
    let (right, down) =
        (corrupt(&set, &Change::ShiftRight(2.0), 0), corrupt(&set, &Change::ShiftDown(-1.0), 0));
    for y in 0..6 {
        for x in 0..8 {
            let at = |set: &ImageSet, y: usize, x: usize| set.image(0)[y * 8 + x];
            assert_eq!(at(&right, y, x), if x < 2 { 0 } else { at(&set, y, x - 2) });
            assert_eq!(at(&down, y, x), if y == 5 { 0 } else { at(&set, y + 1, x) });
        }
    }
}

#[test]
fn a_square_hides_its_share() {
    let set = ImageSet::new(
        [20, 20, 1],
        vec![9; 400],
        vec![0],
        vec!["a".to_owned()].into(),
        set(1, [1, 1, 1]).ids().clone(),
    );
    let hidden = |share| {
        corrupt(&set, &Change::Occlude(share), 0).pixels().iter().filter(|&&value| value == 0).count()
    };
    assert_eq!([0.0, 0.04, 0.25, 1.0].map(hidden), [0, 16, 100, 400]);
}

#[test]
fn changes_say_what_they_are() {
    let labels = [
        Change::Rotate(-35.0),
        Change::Noise(0.05),
        Change::Jpeg(10),
        Change::Scale(0.8),
        Change::Corrupt(Corruption { suite: Suite::Mnist, kind: Kind::Zigzag }, 2),
    ]
    .map(|change| change.label());
    let expected =
        ["rotate -35 degrees", "noise 5 %", "jpeg quality 10", "scale factor 0.8", "mnist/zigzag severity 2"];
    assert_eq!(labels, expected);
    let angles = Change::range(Change::Rotate, [-90.0, 90.0], 5.0);
    assert_eq!((angles.len(), angles[0], angles[36]), (37, Change::Rotate(-90.0), Change::Rotate(90.0)));
    assert_eq!(Change::range(Change::Noise, [0.1, 0.3], 0.1)[2], Change::Noise(0.3));
    assert_eq!(Change::suite(Suite::Common, 3).len(), 95);
}

#[test]
fn wrong_numbers_are_named() {
    let wrong = [
        Change::Rotate(f64::NAN),
        Change::Scale(0.0),
        Change::Shear(90.0),
        Change::Noise(-0.1),
        Change::Jpeg(0),
        Change::Pixelate(1.5),
        Change::Occlude(2.0),
        Change::Corrupt(Corruption { suite: Suite::Common, kind: Kind::Fog }, 6),
    ];
    let found: Vec<String> = wrong.iter().map(|change| change.problem().expect("a problem")).collect();
    insta::assert_snapshot!(found.join("\n"), @"
    rotate: expected a finite number, found NaN
    scale: expected a factor above 0, found 0
    shear: expected degrees between -90 and 90, found 90
    noise: expected a number of 0 or more, found -0.1
    jpeg: expected a quality from 1 to 100, found 0
    pixelate: expected a share above 0, up to 1, found 1.5
    occlude: expected a share from 0 to 1, found 2
    common/fog: expected a severity from 0 to 5, found 6
    ");
}
