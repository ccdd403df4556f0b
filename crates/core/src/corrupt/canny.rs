//! Canny's edges: slopes, thinned to ridges, kept where strong or connected to strong.
//!
//! ```text
//! slopes = Sobel of the map along y and x, length = |slopes|
//! ridge  = length not less than both neighbours along the slope, each between two pixels
//! edge   = ridge with length >= high, or ridge with length >= low that touches an edge
//! ```
//!
//! *Reference*: Canny (1986), "A Computational Approach to Edge Detection", IEEE PAMI 8; neighbours between pixels as in
//! `skimage.feature.canny`. The outermost pixels are never edges.

/// Working memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Canny {
    slopes: Vec<[f32; 3]>,
    open: Vec<usize>,
}

impl Canny {
    /// Sets `edges` to 1 on edges of `map` `[h, w]` and to 0 elsewhere.
    pub(super) fn edges(
        &mut self,
        map: &[f32],
        [h, w]: [usize; 2],
        [low, high]: [f32; 2],
        edges: &mut Vec<f32>,
    ) {
        edges.clear();
        edges.resize(h * w, 0.0);
        if h < 3 || w < 3 {
            return;
        }
        self.slopes.clear();
        self.slopes.resize(h * w, [0.0; 3]);
        for y in 1..h - 1 {
            for x in 1..w - 1 {
                let at = |dy: usize, dx: usize| map[(y + dy - 1) * w + x + dx - 1];
                let along_x = at(0, 2) + 2.0 * at(1, 2) + at(2, 2) - at(0, 0) - 2.0 * at(1, 0) - at(2, 0);
                let along_y = at(2, 0) + 2.0 * at(2, 1) + at(2, 2) - at(0, 0) - 2.0 * at(0, 1) - at(0, 2);
                self.slopes[y * w + x] = [along_y, along_x, (along_y * along_y + along_x * along_x).sqrt()];
            }
        }
        self.open.clear();
        for y in 1..h - 1 {
            for x in 1..w - 1 {
                let i = y * w + x;
                if self.slopes[i][2] >= low && self.slopes[i][2] > 0.0 && self.is_ridge(i, w) {
                    // weak until it is reached
                    edges[i] = 0.5;
                    if self.slopes[i][2] >= high {
                        self.open.push(i);
                    }
                }
            }
        }
        while let Some(i) = self.open.pop() {
            if edges[i] == 1.0 {
                continue;
            }
            edges[i] = 1.0;
            for near in [i - w - 1, i - w, i - w + 1, i - 1, i + 1, i + w - 1, i + w, i + w + 1] {
                if edges[near] == 0.5 {
                    self.open.push(near);
                }
            }
        }
        edges.iter_mut().for_each(|edge| *edge = edge.floor());
    }

    fn is_ridge(&self, i: usize, w: usize) -> bool {
        let [along_y, along_x, length] = self.slopes[i];
        let steep = along_y.abs() > along_x.abs();
        let (straight, less, more) =
            if steep { (w, along_x.abs(), along_y.abs()) } else { (1, along_y.abs(), along_x.abs()) };
        let share = less / more;
        // the pixel beside the straight one, towards the slope: down right or down left
        let diagonal_down_right = (along_y > 0.0) == (along_x > 0.0);
        let diagonal = if diagonal_down_right { w + 1 } else { w - 1 };
        let forward_straight = |sign: bool| if sign { i + straight } else { i - straight };
        let forward_diagonal = |sign: bool| if sign { i + diagonal } else { i - diagonal };
        let value = |sign: bool| {
            // seen from the straight neighbour, the diagonal one may lie on the other side of the image
            let diagonal_sign = if steep || diagonal_down_right { sign } else { !sign };
            let [straight, diagonal] =
                [forward_straight(sign), forward_diagonal(diagonal_sign)].map(|place| self.slopes[place][2]);
            straight + share * (diagonal - straight)
        };
        length >= value(true) && length >= value(false)
    }
}
