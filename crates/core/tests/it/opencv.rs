//! The warp against OpenCV 4.11 itself, value for value, on every instruction set of this CPU.
//!
//! `tests/golden/opencv-4.11/generate.py` made the fixtures and says what is in them.

use std::{fs, path::PathBuf};

use seamripper_kernels::warp::{
    Image, ImageMut, MAX_SIDE, Matrix, Warp, WarpIsa, rotation_matrix_2d, scalar::warp_affine,
};

/// Cases of the folder; a case added there must be added here.
const CASES: [&str; 11] = [
    "affine_1x1_to_4x4",
    "affine_224x224_to_224x224",
    "affine_37x23_to_37x23",
    "affine_5x17_to_9x3",
    "affine_64x64_to_48x80",
    "border_28",
    "extreme_7x11",
    "rgb_19x26",
    "rotate_28",
    "similarity_28",
    "translate_28",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/opencv-4.11")
}

fn read<T: npyz::Deserialize>(case: &str, part: &str) -> (Vec<usize>, Vec<T>) {
    let path = folder().join(format!("{case}.{part}.npy"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let array = npyz::NpyFile::new(&bytes[..]).expect("an npy header");
    let shape = array.shape().iter().map(|&length| length as usize).collect();
    (shape, array.into_vec().expect("npy values"))
}

fn matrices(case: &str) -> Vec<Matrix> {
    let (_, values) = read::<f64>(case, "dst_from_src");
    values.as_chunks().0.iter().map(|&[a, b, tx, c, d, ty]| [[a, b, tx], [c, d, ty]]).collect()
}

struct Case {
    src_size: [usize; 3],
    dst_size: [usize; 3],
    src: Vec<u8>,
    dst: Vec<u8>,
    dst_from_src: Vec<Matrix>,
    borders: Vec<u8>,
}

impl Case {
    fn read(case: &str) -> Self {
        let size = |shape: &[usize]| [shape[1], shape[2], *shape.get(3).unwrap_or(&1)];
        let (src_shape, src) = read(case, "src");
        let (dst_shape, dst) = read(case, "dst");
        let dst_from_src = matrices(case);
        assert_eq!([src_shape[0], dst_shape[0]], [dst_from_src.len(); 2], "{case}: images and matrices");
        let has_borders = folder().join(format!("{case}.border.npy")).exists();
        let borders = if has_borders { read(case, "border").1 } else { vec![0; dst_from_src.len()] };
        Self { src_size: size(&src_shape), dst_size: size(&dst_shape), src, dst, dst_from_src, borders }
    }

    /// The case's images as `warp` makes them.
    fn warped(&self, mut warp: impl FnMut(Image<'_>, ImageMut<'_>, &Matrix, u8)) -> Vec<u8> {
        let mut out = vec![0; self.dst.len()];
        let images = self.src.chunks_exact(self.src_size.iter().product());
        let outs = out.chunks_exact_mut(self.dst_size.iter().product());
        for (((pixels, out), matrix), &border) in images.zip(outs).zip(&self.dst_from_src).zip(&self.borders)
        {
            let src = Image { size: self.src_size, pixels };
            warp(src, ImageMut { size: self.dst_size, pixels: out }, matrix, border);
        }
        out
    }
}

/// Index of the first value that differs, and both values.
fn first_difference(found: &[u8], expected: &[u8]) -> Option<(usize, u8, u8)> {
    assert_eq!(found.len(), expected.len());
    let mut pairs = found.iter().zip(expected).enumerate();
    pairs.find(|(_, (a, b))| a != b).map(|(index, (&a, &b))| (index, a, b))
}

#[test]
fn every_value_of_every_case_is_opencv_s() {
    let mut values = 0;
    for name in CASES {
        let case = Case::read(name);
        let twin = case.warped(warp_affine);
        assert_eq!(first_difference(&twin, &case.dst), None, "{name}, plain twin: (index, found, OpenCV)");
        for isa in WarpIsa::available() {
            let mut warp = Warp::new(isa);
            let fast = case.warped(|src, dst, matrix, border| warp.affine(src, dst, matrix, border));
            assert_eq!(first_difference(&fast, &case.dst), None, "{name}, {isa:?}: (index, found, OpenCV)");
        }
        assert!(case.dst_size.iter().all(|&side| side <= MAX_SIDE), "{name}: the fast path is what ran");
        values += case.dst.len();
    }
    // 316,976 values of grey images with border 0, and the cases with colour, borders and extreme matrices.
    assert_eq!(values, 316_976 + 18_816 + 11_520 + 23_712);
}

#[test]
fn no_case_of_the_folder_is_left_out() {
    let mut found: Vec<String> = fs::read_dir(folder())
        .expect("the golden folder")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".dst.npy")?.to_owned()))
        .collect();
    found.sort();
    assert_eq!(found, CASES);
}

#[test]
fn the_comparison_sees_one_changed_pixel() {
    let case = Case::read("rotate_28");
    let mut warped = case.warped(warp_affine);
    assert_eq!(first_difference(&warped, &case.dst), None);
    warped[1234] ^= 1;
    assert_eq!(first_difference(&warped, &case.dst), Some((1234, case.dst[1234] ^ 1, case.dst[1234])));
}

#[test]
fn rotation_matrices_are_opencv_s_to_the_last_bit() {
    let (_, degrees) = read::<f64>("rotate_28", "degrees");
    let expected = matrices("rotate_28");
    assert_eq!(degrees.len(), expected.len());
    for (&degrees, expected) in degrees.iter().zip(&expected) {
        let found = rotation_matrix_2d([14.0, 14.0], degrees, 1.0);
        let bits = |m: &Matrix| m.map(|row| row.map(f64::to_bits));
        assert_eq!(bits(&found), bits(expected), "{degrees} degrees: {found:?}, OpenCV {expected:?}");
    }
}
