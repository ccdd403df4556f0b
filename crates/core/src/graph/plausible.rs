//! How images are usually prepared: what a model whose preparation nobody wrote down was probably trained with.
//!
//! *Idea*: the product of what can go wrong in front of the first layer, duplicates left out. What the model's file says comes first.
//! ```text
//! values:   the file's own; 0 to 1; 0 to 255; -1 to 1; the mean and std of ImageNet, CIFAR-10, MNIST, Fashion-MNIST; Caffe's means
//! color:    red first or blue first                                                   three channels
//! inverted: as it is, or black for white                                              one channel
//! layout:   straight; rows for columns; reshaped in place of transposed, both ways    where it matters
//! pictures: stretched, cropped or padded, by each filter                              where pictures are resized
//! ```
//! Means and stds of a named set belong to colors, so they turn with them; the file's own numbers stay in their places.
//!
//! *Reference*: constants of torchvision 0.20 (`ImageNet`), the usual ones of CIFAR-10, MNIST and Fashion-MNIST (mean and std of
//! their training images), and `keras.applications.imagenet_utils` (`caffe`).

use super::{ChannelOrder, Filter, Fit, Layout, Preprocessing};

/// Scale, and mean and std of red, green and blue.
struct Values {
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
}

const TO_ONE: f32 = 1.0 / 255.0;

/// For any number of channels: all three numbers are the same.
const ANY: [Values; 3] = [
    Values { scale: TO_ONE, mean: [0.0; 3], std: [1.0; 3] },
    Values { scale: 1.0, mean: [0.0; 3], std: [1.0; 3] },
    Values { scale: TO_ONE, mean: [0.5; 3], std: [0.5; 3] },
];

/// ImageNet, CIFAR-10, Caffe.
const COLOR: [Values; 3] = [
    Values { scale: TO_ONE, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    Values { scale: TO_ONE, mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616] },
    Values { scale: 1.0, mean: [123.68, 116.779, 103.939], std: [1.0; 3] },
];

/// MNIST, Fashion-MNIST, and ImageNet's as they are used for grey images.
const GREY: [Values; 3] = [
    Values { scale: TO_ONE, mean: [0.1307; 3], std: [0.3081; 3] },
    Values { scale: TO_ONE, mean: [0.2860; 3], std: [0.3530; 3] },
    Values { scale: TO_ONE, mean: [0.449; 3], std: [0.226; 3] },
];

/// Everything that is plausible for images of `size` `[h, w, c]`, `current` first; none twice. What becomes of pictures before they
/// have that size is that of `current`: [`pictures`] has the others.
pub fn plausible(current: &Preprocessing, size: [usize; 3]) -> Vec<Preprocessing> {
    let channels = size[2];
    let own: &[Values] = match channels {
        1 => &GREY,
        3 => &COLOR,
        _ => &[],
    };
    let orders: &[ChannelOrder] = match channels {
        3 => &[ChannelOrder::Rgb, ChannelOrder::Bgr],
        _ => &[ChannelOrder::Rgb],
    };
    let inverted: &[bool] = if channels == 1 { &[false, true] } else { &[false] };
    let mut ways = vec![current.clone()];
    for &order in orders {
        let named = ANY.iter().chain(own).map(|values| {
            let places = |of: [f32; 3]| -> Vec<f32> {
                (0..channels).map(|c| of[if order == ChannelOrder::Bgr { 2 - c } else { c.min(2) }]).collect()
            };
            (values.scale, places(values.mean), places(values.std))
        });
        let stated = (current.scale, current.mean.clone(), current.std.clone());
        for (scale, mean, std) in std::iter::once(stated).chain(named) {
            for &inverted in inverted {
                for layout in Layout::ALL {
                    let way = Preprocessing {
                        scale,
                        mean: mean.clone(),
                        std: std.clone(),
                        channels: order,
                        inverted,
                        layout,
                        ..current.clone()
                    };
                    if (layout == Layout::Straight || layout.matters(size)) && !ways.contains(&way) {
                        ways.push(way);
                    }
                }
            }
        }
    }
    ways
}

/// Every fit and filter, `current` first.
pub fn pictures(current: (Fit, Filter)) -> Vec<(Fit, Filter)> {
    let all = Fit::ALL.into_iter().flat_map(|fit| Filter::ALL.map(|filter| (fit, filter)));
    std::iter::once(current).chain(all.filter(|&other| other != current)).collect()
}

/// In how many things a way differs from another: values, order of colors, black for white, layout.
pub fn changes(from: &Preprocessing, to: &Preprocessing) -> usize {
    let values = |of: &Preprocessing| (of.scale, of.mean.clone(), of.std.clone());
    [
        values(from) != values(to),
        from.channels != to.channels,
        from.inverted != to.inverted,
        from.layout != to.layout,
    ]
    .iter()
    .filter(|&&differs| differs)
    .count()
}
