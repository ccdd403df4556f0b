//! One image as grey values, with its foreground: what most properties are computed from.

/// An image's grey values and how far each is from the background. Buffers are used again from image to image.
#[derive(Debug)]
pub struct Picture {
    h: usize,
    w: usize,
    c: usize,
    /// `[h, w]`, grey, 0 to 255.
    grey: Vec<u8>,
    /// `[h, w]`, distance of the grey value from the median of the border.
    distance: Vec<u8>,
}

/// What stands out from the background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foreground {
    /// Share of pixels.
    pub area: f64,
    /// log2(width / height) of the box around them; 0 if there are none.
    pub aspect: f64,
    /// Whether one of them is on the border.
    pub touches_border: bool,
}

impl Picture {
    /// Room for images of `[h, w, c]`.
    pub fn new([h, w, c]: [usize; 3]) -> Self {
        Self { h, w, c, grey: vec![0; h * w], distance: vec![0; h * w] }
    }

    /// Takes an image in.
    pub fn load(&mut self, pixels: &[u8]) {
        if self.c == 3 {
            for (grey, pixel) in self.grey.iter_mut().zip(pixels.chunks_exact(3)) {
                // BT.601 in 1/256: 77 + 150 + 29 = 256
                let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
                *grey = ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8;
            }
        } else {
            for (grey, pixel) in self.grey.iter_mut().zip(pixels.chunks_exact(self.c)) {
                *grey = pixel[0];
            }
        }
        let background = self.border_median();
        for (distance, &grey) in self.distance.iter_mut().zip(&self.grey) {
            *distance = grey.abs_diff(background);
        }
    }

    fn is_border(&self, y: usize, x: usize) -> bool {
        y == 0 || x == 0 || y + 1 == self.h || x + 1 == self.w
    }

    /// The lower median of the outermost pixels.
    fn border_median(&self) -> u8 {
        let mut counts = [0_usize; 256];
        let mut n = 0;
        for y in 0..self.h {
            let step = if y == 0 || y + 1 == self.h { 1 } else { (self.w - 1).max(1) };
            for x in (0..self.w).step_by(step) {
                counts[usize::from(self.grey[y * self.w + x])] += 1;
                n += 1;
            }
        }
        let mut below = 0;
        let median = counts.iter().position(|count| {
            below += count;
            2 * below >= n
        });
        median.unwrap_or(0) as u8
    }

    /// Mean and standard deviation, black 0 and white 1.
    pub fn moments(&self) -> [f64; 2] {
        let n = self.grey.len().max(1) as f64;
        let (mut sum, mut square) = (0_u64, 0_u64);
        for value in self.grey.iter().map(|&value| u64::from(value)) {
            sum += value;
            square += value * value;
        }
        let mean = sum as f64 / n;
        let variance = (square as f64 / n - mean * mean).max(0.0);
        [mean / 255.0, variance.sqrt() / 255.0]
    }

    /// The pixels whose distance from the background is above Otsu's threshold; none in an image of one value.
    pub fn foreground(&self) -> Foreground {
        let threshold = otsu(&self.distance);
        let (mut count, mut touches_border) = (0_usize, false);
        let (mut top, mut bottom, mut left, mut right) = (self.h, 0, self.w, 0);
        for (y, row) in self.distance.chunks_exact(self.w).enumerate() {
            for (x, _) in row.iter().enumerate().filter(|&(_, &distance)| distance > threshold) {
                count += 1;
                touches_border |= self.is_border(y, x);
                (top, bottom) = (top.min(y), bottom.max(y));
                (left, right) = (left.min(x), right.max(x));
            }
        }
        if count == 0 {
            return Foreground { area: 0.0, aspect: 0.0, touches_border: false };
        }
        let [height, width] = [bottom - top + 1, right - left + 1].map(|length| length as f64);
        Foreground {
            area: count as f64 / self.grey.len() as f64,
            aspect: (width / height).log2(),
            touches_border,
        }
    }

    /// Where the distances have their mean, x and y in [0, 1]; the middle for an image of one value.
    pub fn centroid(&self) -> [f64; 2] {
        let (mut all, mut along_x, mut along_y) = (0_u64, 0_u64, 0_u64);
        for (y, row) in self.distance.chunks_exact(self.w).enumerate() {
            for (x, &distance) in row.iter().enumerate() {
                all += u64::from(distance);
                along_x += u64::from(distance) * x as u64;
                along_y += u64::from(distance) * y as u64;
            }
        }
        let share = |along: u64, length: usize| {
            if all == 0 || length < 2 { 0.5 } else { along as f64 / all as f64 / (length - 1) as f64 }
        };
        [share(along_x, self.w), share(along_y, self.h)]
    }

    /// How alike the distances are to their mirror image, left to right and top to bottom; 1 is equal.
    pub fn symmetries(&self) -> [f64; 2] {
        let (h, w) = (self.h, self.w);
        let all: u64 = self.distance.iter().map(|&distance| u64::from(distance)).sum();
        if all == 0 {
            return [1.0; 2];
        }
        let (mut left_right, mut up_down) = (0_u64, 0_u64);
        for (y, row) in self.distance.chunks_exact(w).enumerate() {
            let mirrored = &self.distance[(h - 1 - y) * w..][..w];
            for x in 0..w {
                left_right += u64::from(row[x].abs_diff(row[w - 1 - x]));
                up_down += u64::from(row[x].abs_diff(mirrored[x]));
            }
        }
        [left_right, up_down].map(|difference| 1.0 - difference as f64 / (2 * all) as f64)
    }

    /// Mean length of the Sobel gradient within the image; 0 if it is smaller than 3x3.
    pub fn edges(&self) -> f64 {
        let (h, w) = (self.h, self.w);
        if h < 3 || w < 3 {
            return 0.0;
        }
        let mut sum = 0.0;
        for y in 1..h - 1 {
            let [above, here, below] = [y - 1, y, y + 1].map(|y| &self.grey[y * w..][..w]);
            let mut row_sum = 0.0_f32;
            for x in 1..w - 1 {
                let at = |row: &[u8], x: usize| i32::from(row[x]);
                let right = at(above, x + 1) + 2 * at(here, x + 1) + at(below, x + 1);
                let left = at(above, x - 1) + 2 * at(here, x - 1) + at(below, x - 1);
                let down = at(below, x - 1) + 2 * at(below, x) + at(below, x + 1);
                let up = at(above, x - 1) + 2 * at(above, x) + at(above, x + 1);
                let [dx, dy] = [right - left, down - up].map(|d| d as f32);
                row_sum += (dx * dx + dy * dy).sqrt();
            }
            sum += f64::from(row_sum);
        }
        sum / ((h - 2) * (w - 2)) as f64 / (4.0 * 255.0)
    }

    /// `ln(1 + variance)` of the Laplacian (four neighbours) within the image; 0 if it is smaller than 3x3.
    pub fn sharpness(&self) -> f64 {
        let (h, w) = (self.h, self.w);
        if h < 3 || w < 3 {
            return 0.0;
        }
        let (mut sum, mut square) = (0_i64, 0_i64);
        for y in 1..h - 1 {
            let [above, here, below] = [y - 1, y, y + 1].map(|y| &self.grey[y * w..][..w]);
            for x in 1..w - 1 {
                let around: i64 = [above[x], below[x], here[x - 1], here[x + 1]].map(i64::from).iter().sum();
                let laplacian = around - 4 * i64::from(here[x]);
                sum += laplacian;
                square += laplacian * laplacian;
            }
        }
        let n = ((h - 2) * (w - 2)) as f64;
        let mean = sum as f64 / n;
        (square as f64 / n - mean * mean).max(0.0).ln_1p()
    }
}

/// Otsu's threshold: the value up to which pixels are one group, so that the variance between the groups is largest; the
/// first of equals, 255 if there is only one value.
fn otsu(values: &[u8]) -> u8 {
    let mut counts = [0_u64; 256];
    for &value in values {
        counts[usize::from(value)] += 1;
    }
    let n = values.len() as f64;
    let total: u64 = (0_u64..).zip(&counts).map(|(value, count)| value * count).sum();
    let (mut below, mut sum_below) = (0_u64, 0_u64);
    let (mut best, mut threshold) = (0.0, 255);
    for value in 0..255_u8 {
        let count = counts[usize::from(value)];
        below += count;
        sum_below += u64::from(value) * count;
        let share = below as f64 / n;
        if count == 0 || below as usize == values.len() {
            continue;
        }
        let gap = sum_below as f64 / below as f64
            - (total - sum_below) as f64 / (values.len() as u64 - below) as f64;
        let between = share * (1.0 - share) * gap * gap;
        if between > best {
            (best, threshold) = (between, value);
        }
    }
    threshold
}
