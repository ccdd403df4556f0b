//! Maps that know nothing of the model: a saliency map should beat them.

/// `[h, w]`: the size of the image's slope (Sobel), summed over channels of `image` `[h, w, c]`; pixels outside repeat the border.
/// A method whose maps are no better than this shows the image, not the model (Adebayo et al. 2018, section 4).
pub fn edge_map(image: &[f32], [h, w, c]: [usize; 3]) -> Vec<f32> {
    let at = |row: isize, column: isize, channel: usize| {
        let row = row.clamp(0, h as isize - 1) as usize;
        let column = column.clamp(0, w as isize - 1) as usize;
        f64::from(image[(row * w + column) * c + channel])
    };
    let slope = |row: isize, column: isize| -> f32 {
        let of_channel = |channel| {
            let side = |d: isize, swap: bool| -> f64 {
                [1.0, 2.0, 1.0].into_iter().zip(-1..=1).fold(0.0, |sum, (weight, along)| {
                    let (row, column) =
                        if swap { (row + d, column + along) } else { (row + along, column + d) };
                    sum + weight * at(row, column, channel)
                })
            };
            (side(1, false) - side(-1, false)).hypot(side(1, true) - side(-1, true))
        };
        (0..c).map(of_channel).sum::<f64>() as f32
    };
    (0..h * w).map(|pixel| slope((pixel / w) as isize, (pixel % w) as isize)).collect()
}

/// `[h, w]`: a bell over the middle of the image, of a standard deviation of a quarter of its sides.
pub fn center_prior([h, w, _]: [usize; 3]) -> Vec<f32> {
    let off =
        |index: usize, length: usize| (index as f64 + 0.5 - length as f64 / 2.0) / (length as f64 / 4.0);
    (0..h * w)
        .map(|pixel| (-(off(pixel / w, h).powi(2) + off(pixel % w, w).powi(2)) / 2.0).exp() as f32)
        .collect()
}
