//! The warp with AVX2: positions, weights and, for one channel, pixels eight at a time.

use std::arch::x86_64::*;

use super::{
    Image, ImageMut, Matrix,
    fixed::Grid,
    pairs::{self, Pairs},
};

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, if it holds.
    pub fn new() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Warps `src` to `dst`; sizes have been checked by the caller and `src` is not empty.
    pub(super) fn run(
        self,
        grid: &mut Grid,
        pairs: &mut Pairs,
        src_from_dst: &Matrix,
        src: Image<'_>,
        dst: ImageMut<'_>,
        border: u8,
    ) {
        // SAFETY: `self` exists only where AVX2 does.
        unsafe { run(grid, pairs, src_from_dst, src, dst, border) }
    }
}

#[target_feature(enable = "avx2")]
fn run(
    grid: &mut Grid,
    pairs: &mut Pairs,
    src_from_dst: &Matrix,
    src: Image<'_>,
    dst: ImageMut<'_>,
    border: u8,
) {
    let [h, w, c] = dst.size;
    grid.fill(src_from_dst, h, w);
    pairs.fill(src, border, |upper, lower, pairs| interleave(upper, lower, pairs));
    let table = Table::new(pairs);
    match c {
        1 => rows(grid, dst, |position| table.grey(position)),
        3 => rows(grid, dst, |position| table.rgb(position)),
        _ => super::portable::run(grid, pairs, dst),
    }
}

/// [`pairs::interleave`], sixteen at a time; the last sixteen overlap the ones before.
#[target_feature(enable = "avx2")]
fn interleave(upper: &[u8], lower: &[u8], pairs: &mut [[u8; 2]]) {
    let put = |upper: &[u8; 16], lower: &[u8; 16], pairs: &mut [[u8; 2]; 16]| {
        // SAFETY: unaligned loads of 16 bytes behind references, and two such stores to the 32 bytes behind one.
        unsafe {
            let [upper, lower] = [upper, lower].map(|bytes| _mm_loadu_si128(bytes.as_ptr().cast()));
            let pairs = pairs.as_mut_ptr().cast::<__m128i>();
            _mm_storeu_si128(pairs, _mm_unpacklo_epi8(upper, lower));
            _mm_storeu_si128(pairs.add(1), _mm_unpackhi_epi8(upper, lower));
        }
    };
    let ends = (upper.last_chunk(), lower.last_chunk(), pairs.last_chunk_mut());
    let (Some(upper_end), Some(lower_end), Some(pairs_end)) = ends else {
        return pairs::interleave(upper, lower, pairs);
    };
    put(upper_end, lower_end, pairs_end);
    let sixteens = upper.as_chunks().0.iter().zip(lower.as_chunks().0);
    for (pairs, (upper, lower)) in pairs.as_chunks_mut().0.iter_mut().zip(sixteens) {
        put(upper, lower, pairs);
    }
}

/// Calls `eight` with the positions of eight neighbouring columns at a time, `[x, y]` in 1024ths, one pixel in from the
/// frame, and writes the `N / 8` channels it gives. The last eight of a row overlap the ones before where the width is
/// not a multiple of eight.
#[target_feature(enable = "avx2")]
fn rows<const N: usize>(grid: &Grid, dst: ImageMut<'_>, eight: impl Fn([__m256i; 2]) -> [u8; N]) {
    let [_, w, c] = dst.size;
    for (dst, &[x, y]) in dst.pixels.chunks_exact_mut(w * c).zip(&grid.row) {
        let (x, y) = (_mm256_set1_epi32(x), _mm256_set1_epi32(y));
        let pixels = |column| {
            eight([
                _mm256_add_epi32(x, load(&grid.column_x, column)),
                _mm256_add_epi32(y, load(&grid.column_y, column)),
            ])
        };
        if w < 8 {
            dst.copy_from_slice(&pixels(0)[..w * c]);
            continue;
        }
        for (eighth, dst) in dst.as_chunks_mut::<N>().0.iter_mut().enumerate() {
            *dst = pixels(8 * eighth);
        }
        if let Some(dst) = dst.last_chunk_mut::<N>().filter(|_| w % 8 > 0) {
            *dst = pixels(w - 8);
        }
    }
}

/// Eight values from index `first`.
#[target_feature(enable = "avx2")]
fn load(values: &[i32], first: usize) -> __m256i {
    let values: &[i32; 8] = values[first..][..8].try_into().expect("eight values");
    // SAFETY: an unaligned load of the 32 bytes behind a reference.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// The framed source, ready to be looked up eight positions at a time.
struct Table<'a> {
    pairs: &'a Pairs,
    channels: __m256i,
    stride: __m256i,
    last_column: __m256i,
    last_row: __m256i,
}

/// Where to look and how to weigh, for eight pixels.
struct Places {
    /// Index of the upper left pair.
    offset: __m256i,
    /// Bytes `[32 - fy, fy]`, twice in each lane.
    weight_y: __m256i,
    /// 16-bit `[32 - fx, fx]`.
    weight_x: __m256i,
}

impl<'a> Table<'a> {
    #[target_feature(enable = "avx2")]
    fn new(pairs: &'a Pairs) -> Self {
        let [h, w, c] = pairs.size;
        Self {
            pairs,
            channels: _mm256_set1_epi32(c as i32),
            stride: _mm256_set1_epi32(pairs.stride() as i32),
            last_column: _mm256_set1_epi32(w as i32 + 1),
            last_row: _mm256_set1_epi32(h as i32 + 1),
        }
    }

    /// `offset <= (h + 1) * stride + (w + 1) * c`, so that two pixels of pairs can be read there.
    #[target_feature(enable = "avx2")]
    fn places(&self, [x, y]: [__m256i; 2]) -> Places {
        let column = _mm256_min_epu32(_mm256_srli_epi32::<10>(x), self.last_column);
        let row = _mm256_min_epu32(_mm256_srli_epi32::<10>(y), self.last_row);
        let fraction = |position| _mm256_and_si256(_mm256_srli_epi32::<5>(position), _mm256_set1_epi32(31));
        // fx * 0xffff + 32 = (fx << 16) + (32 - fx), and the same with bytes, twice, for fy.
        let weigh = |fraction, step, start| {
            _mm256_add_epi32(_mm256_mullo_epi32(fraction, _mm256_set1_epi32(step)), _mm256_set1_epi32(start))
        };
        Places {
            offset: _mm256_add_epi32(
                _mm256_mullo_epi32(row, self.stride),
                _mm256_mullo_epi32(column, self.channels),
            ),
            weight_y: weigh(fraction(y), 0x00ff_00ff, 0x0020_0020),
            weight_x: weigh(fraction(x), 0xffff, 32),
        }
    }

    #[target_feature(enable = "avx2")]
    fn grey(&self, position: [__m256i; 2]) -> [u8; 8] {
        let Places { offset, weight_y, weight_x } = self.places(position);
        // SAFETY: `places` bounds the offset so that two pairs, 4 bytes, can be read there; the caller of the warp has
        // made sure that no index exceeds an i32.
        let quads = unsafe { _mm256_i32gather_epi32::<2>(self.pairs.pairs.as_ptr().cast(), offset) };
        let sums = _mm256_madd_epi16(_mm256_maddubs_epi16(quads, weight_y), weight_x);
        let values = _mm256_srli_epi32::<10>(_mm256_add_epi32(sums, _mm256_set1_epi32(512)));
        let words = _mm256_packus_epi32(values, values);
        let bytes = _mm256_packus_epi16(words, words);
        let bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
        _mm_cvtsi128_si64(_mm256_castsi256_si128(bytes)).to_le_bytes()
    }

    #[target_feature(enable = "avx2")]
    fn rgb(&self, position: [__m256i; 2]) -> [u8; 24] {
        let Places { offset, weight_y, weight_x } = self.places(position);
        let offset = store(offset);
        let pixel = |i: usize| {
            // SAFETY: `places` bounds the offset so that two pixels, 12 bytes, can be read there, and the table has
            // two pairs, 4 bytes, more than that at its end.
            unsafe { _mm_loadu_si128(self.pairs.pairs.as_ptr().add(offset[i] as usize).cast::<__m128i>()) }
        };
        // Pixel `i` of each half: channels as 32-bit numbers.
        let two = |i: usize, weight_y, weight_x| {
            let pairs = _mm256_set_m128i(pixel(i + 4), pixel(i));
            let columns = _mm256_maddubs_epi16(pairs, weight_y);
            let beside = _mm_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1);
            let beside = _mm256_shuffle_epi8(columns, _mm256_broadcastsi128_si256(beside));
            let sums = _mm256_madd_epi16(beside, weight_x);
            _mm256_srli_epi32::<10>(_mm256_add_epi32(sums, _mm256_set1_epi32(512)))
        };
        macro_rules! two {
            ($i:literal) => {
                two(
                    $i,
                    _mm256_shuffle_epi32::<{ $i * 0x55 }>(weight_y),
                    _mm256_shuffle_epi32::<{ $i * 0x55 }>(weight_x),
                )
            };
        }
        let words = [_mm256_packus_epi32(two!(0), two!(1)), _mm256_packus_epi32(two!(2), two!(3))];
        let packed = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
        let bytes = _mm256_packus_epi16(words[0], words[1]);
        let bytes = _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(packed));
        let bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
        let mut pixels = [0; 24];
        // SAFETY: unaligned stores to the first 16 of the 24 bytes behind a reference, and to the last 8.
        unsafe {
            _mm_storeu_si128(pixels.as_mut_ptr().cast(), _mm256_castsi256_si128(bytes));
            _mm_storel_epi64(pixels.as_mut_ptr().add(16).cast(), _mm256_extracti128_si256::<1>(bytes));
        }
        pixels
    }
}

#[target_feature(enable = "avx2")]
fn store(lanes: __m256i) -> [i32; 8] {
    let mut values = [0; 8];
    // SAFETY: an unaligned store to the 32 bytes behind a reference.
    unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), lanes) };
    values
}
