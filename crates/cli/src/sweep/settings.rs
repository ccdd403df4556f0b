//! Which settings are tried: a grid, or draws.
//!
//! *Idea*: lists make a grid, the first key changing slowest. With a range among the keys, or fewer settings asked for than the grid
//! has, each setting is a draw: of a list each value is as likely, of a range each number, or each logarithm where the range is
//! positive and spans a factor of 10 or more. Settings that were drawn already are drawn again.
//!
//! A number of a draw is rounded to three digits, so that it can be typed again.
//!
//! *Reference*: Bergstra & Bengio 2012, "Random Search for Hyper-Parameter Optimization": where few of the keys matter, draws
//! try more values of those than a grid of as many settings.

use seamripper_core::random::{Purpose, Stream};

use super::axes::{Axis, Range, Values};

/// Settings that are drawn where none are asked for.
pub const DRAWN: usize = 16;
/// Settings of a grid at most; more are a mistake or take a number that is drawn.
pub const MOST: usize = 1000;
/// Draws a setting at most, until there are no new ones.
const PATIENCE: usize = 200;

/// A setting: `key=value` for each axis.
pub type Setting = Vec<String>;

/// Settings of the grid of `axes`; `None` if there is a range among them, or more than can be counted.
pub fn grid_size(axes: &[Axis]) -> Option<usize> {
    axes.iter().try_fold(1_usize, |size, axis| match &axis.values {
        Values::List(values) => size.checked_mul(values.len()),
        Values::Range(_) => None,
    })
}

/// The whole grid, the first key changing slowest; without keys one setting, the recipe itself.
///
/// # Panics
/// If there is a range among the keys.
pub fn grid(axes: &[Axis]) -> Vec<Setting> {
    axes.iter().fold(vec![Vec::new()], |settings, Axis { key, values }| {
        let Values::List(values) = values else { panic!("a grid of a range") };
        let with = |setting: Setting| {
            values.iter().map(move |value| [&setting[..], &[format!("{key}={value}")]].concat())
        };
        settings.into_iter().flat_map(with).collect()
    })
}

/// `count` different settings, or as many as are found.
pub fn draw(axes: &[Axis], count: usize, seed: u64) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    for attempt in 0..PATIENCE * count {
        if settings.len() == count {
            break;
        }
        let setting = (0..).zip(axes).map(|(number, Axis { key, values })| {
            let mut stream = Stream::new(seed, Purpose::Sweep, attempt as u64, number);
            let value = match values {
                Values::List(list) => list[stream.below(list.len() as u64) as usize].clone(),
                Values::Range(range) => drawn(range, &mut stream),
            };
            format!("{key}={value}")
        });
        let setting: Setting = setting.collect();
        if !settings.contains(&setting) {
            settings.push(setting);
        }
    }
    settings
}

/// A number of a range, as TOML.
fn drawn(range: &Range, stream: &mut Stream) -> String {
    let Range { low, high, whole } = *range;
    // of whole numbers each has an equal part of the range, its upper end included
    let end = if whole { high + 1.0 } else { high };
    let value = match range.logarithmic() {
        true => stream.uniform(low.ln(), end.ln()).exp(),
        false => stream.uniform(low, end),
    };
    if whole {
        return format!("{}", value.floor().clamp(low, high));
    }
    let rounded: f64 = format!("{value:.2e}").parse().expect("a number");
    format!("{:?}", rounded.clamp(low, high))
}

#[cfg(test)]
mod tests {
    use super::super::axes::Asked;
    use super::*;

    fn axes(arguments: &[&str]) -> Vec<Axis> {
        let arguments: Vec<_> = arguments.iter().map(|&text| text.to_owned()).collect();
        Asked::read(&arguments).unwrap().axes
    }

    fn values(settings: &[Setting]) -> Vec<f64> {
        settings.iter().map(|setting| setting[0].split_once('=').unwrap().1.parse().unwrap()).collect()
    }

    #[test]
    fn a_grid_has_every_combination_the_first_key_slowest() {
        let axes = axes(&["a=1,2", "b=[1,2],{c=3,d=4},word"]);
        assert_eq!(grid_size(&axes), Some(6));
        let settings = grid(&axes);
        let first: Vec<_> = settings[..3].iter().map(|setting| setting.join(" ")).collect();
        assert_eq!(first, ["a=1 b=[1,2]", "a=1 b={c=3,d=4}", "a=1 b=word"]);
        assert_eq!((settings.len(), &settings[5][0][..]), (6, "a=2"));
        assert_eq!(grid(&[]), [Vec::<String>::new()]);
    }

    #[test]
    fn draws_are_a_seeds_and_new_ones_do_not_change_those_before() {
        let axes = axes(&["a=1e-4..1e-1", "b=x,y"]);
        let settings = draw(&axes, 30, 7);
        assert_eq!(settings, draw(&axes, 30, 7));
        assert_eq!(settings[..10], draw(&axes, 10, 7));
        assert_ne!(settings, draw(&axes, 30, 8));
        assert!((1..30).all(|index| !settings[..index].contains(&settings[index])));
    }

    #[test]
    fn a_range_over_decades_has_as_many_draws_in_each() {
        let drawn = values(&draw(&axes(&["a=1e-4..1e-1"]), 900, 0));
        assert!(drawn.iter().all(|value| (1e-4..=1e-1).contains(value)));
        for decade in [1e-4, 1e-3, 1e-2] {
            let inside = drawn.iter().filter(|value| (decade..10.0 * decade).contains(*value)).count();
            // 300 are expected, with a standard deviation of 14
            assert!((240..360).contains(&inside), "{inside} from {decade}");
        }
        let even = values(&draw(&axes(&["a=1.0..9.0"]), 500, 0));
        let low = even.iter().filter(|value| **value < 5.0).count();
        assert!((205..295).contains(&low), "{low} of 500 below the middle");
    }

    #[test]
    fn whole_numbers_are_drawn_from_both_ends_on_and_each_once() {
        let mut drawn = values(&draw(&axes(&["a=3..7"]), 20, 0));
        drawn.sort_by(f64::total_cmp);
        assert_eq!(drawn, [3.0, 4.0, 5.0, 6.0, 7.0]);
        let drawn = values(&draw(&axes(&["a=1..64"]), 40, 0));
        assert!(drawn.iter().all(|value| value.fract() == 0.0 && (1.0..=64.0).contains(value)));
    }
}
