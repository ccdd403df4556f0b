//! Are two images the same, pixel by pixel? Normalised correlation of what both show.

/// Grey values of an image of `c` channels: BT.601 for color, else the first channel.
pub fn grey(pixels: &[u8], c: usize) -> Vec<u8> {
    let luma = |pixel: &[u8]| {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8
    };
    match c {
        3 => pixels.chunks_exact(3).map(luma).collect(),
        _ => pixels.iter().copied().step_by(c).collect(),
    }
}

/// Large images are compared smaller, their shorter side between this and twice this: near copies stay near, and the greys of
/// many photos fit into memory.
const REDUCED_SIDE: usize = 64;

/// What images `[h, w]` are reduced by before they are compared; 1 for those below 128 pixels.
pub fn factor([h, w]: [usize; 2]) -> usize {
    (h.min(w) / REDUCED_SIDE).max(1)
}

/// Means of `factor` x `factor` pixels of an image of `w` columns; what does not fill a square at the right and bottom is left out.
pub fn reduced(grey: &[u8], w: usize, factor: usize) -> Vec<u8> {
    if factor == 1 {
        return grey.to_vec();
    }
    let area = (factor * factor) as u32;
    let mut reduced = Vec::with_capacity(grey.len() / (factor * factor));
    for rows in grey.chunks_exact(w * factor) {
        for column in 0..w / factor {
            let pixels = rows.chunks_exact(w).flat_map(|row| &row[column * factor..][..factor]);
            let sum: u32 = pixels.map(|&pixel| u32::from(pixel)).sum();
            reduced.push(((sum + area / 2) / area) as u8);
        }
    }
    reduced
}

/// The image of `w` columns, left to right.
pub fn mirror(grey: &[u8], w: usize) -> Vec<u8> {
    grey.chunks_exact(w).flat_map(|row| row.iter().rev().copied()).collect()
}

/// Correlation of `a(y, x)` with `b(y + down, x + right)` over all pixels both have; 0 if one of them is constant there.
pub fn correlation(a: &[u8], b: &[u8], w: usize, [right, down]: [i32; 2]) -> f64 {
    let h = a.len() / w;
    let overlap = |length: usize, shift: i32| {
        let shift = shift.unsigned_abs() as usize;
        length.saturating_sub(shift)
    };
    let (rows, columns) = (overlap(h, down), overlap(w, right));
    let starts = |shift: i32| [(-shift).max(0) as usize, shift.max(0) as usize];
    let ([a_y, b_y], [a_x, b_x]) = (starts(down), starts(right));
    // sums of integers are exact: at most 2^16 · pixels
    let (mut sa, mut sb, mut saa, mut sbb, mut sab) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for row in 0..rows {
        let a = &a[(a_y + row) * w + a_x..][..columns];
        let b = &b[(b_y + row) * w + b_x..][..columns];
        let (mut ra, mut rb, mut raa, mut rbb, mut rab) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
        for (&p, &q) in a.iter().zip(b) {
            let (p, q) = (u32::from(p), u32::from(q));
            ra += p;
            rb += q;
            raa += p * p;
            rbb += q * q;
            rab += p * q;
        }
        sa += u64::from(ra);
        sb += u64::from(rb);
        saa += u64::from(raa);
        sbb += u64::from(rbb);
        sab += u64::from(rab);
    }
    let n = (rows * columns) as f64;
    let [sa, sb, saa, sbb, sab] = [sa, sb, saa, sbb, sab].map(|sum| sum as f64);
    let (va, vb) = (n * saa - sa * sa, n * sbb - sb * sb);
    if va <= 0.0 || vb <= 0.0 { 0.0 } else { (n * sab - sa * sb) / (va * vb).sqrt() }
}
