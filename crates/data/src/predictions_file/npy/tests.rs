use proptest::prelude::*;

use super::*;

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Real(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }
}

/// A version 1 file.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn header(descr: &str, fortran: bool, shape: &str) -> String {
    let order = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}   \n")
}

#[test]
fn every_type_is_read() {
    let values = |descr: &str, data: &[u8]| parse(&file(&header(descr, false, "(2,)"), data)).unwrap().values;
    assert_eq!(values("|b1", &[1, 0]), Values::Whole(vec![1, 0]));
    assert_eq!(values("|i1", &[255, 7]), Values::Whole(vec![-1, 7]));
    assert_eq!(values("|u1", &[255, 7]), Values::Whole(vec![255, 7]));
    assert_eq!(values("<i2", &[254, 255, 1, 1]), Values::Whole(vec![-2, 257]));
    assert_eq!(values(">u4", &[0, 0, 1, 0, 255, 255, 255, 255]), Values::Whole(vec![256, u32::MAX.into()]));
    let wide: Vec<u8> = [i64::MIN, i64::MAX].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(values("<i8", &wide), Values::Whole(vec![i64::MIN, i64::MAX]));
    let single: Vec<u8> = [0.1_f32, f32::INFINITY].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(values("<f4", &single), Values::Real(vec![f64::from(0.1_f32), f64::INFINITY]));
    let double: Vec<u8> = [0.1_f64, -2.5].iter().flat_map(|x| x.to_be_bytes()).collect();
    assert_eq!(values(">f8", &double), Values::Real(vec![0.1, -2.5]));
    let text: Vec<u8> = ['é', 'x', 'y', '\0'].iter().flat_map(|&c| u32::from(c).to_le_bytes()).collect();
    assert_eq!(values("<U2", &text), Values::Text(vec!["éx".into(), "y".into()]));
    assert_eq!(values("|S3", b"ab\0abc"), Values::Text(vec!["ab".into(), "abc".into()]));
}

#[test]
fn fortran_order_is_turned() {
    // [[1, 2, 3], [4, 5, 6]], column by column
    let array = parse(&file(&header("|u1", true, "(2, 3)"), &[1, 4, 2, 5, 3, 6])).unwrap();
    assert_eq!(array, Array { shape: vec![2, 3], values: Values::Whole(vec![1, 2, 3, 4, 5, 6]) });
}

#[test]
fn claims_are_compared_with_what_is_there() {
    let message = |bytes: &[u8]| {
        let (expected, found) = parse(bytes).unwrap_err();
        format!("expected {expected}, found {found}")
    };
    insta::assert_snapshot!(message(&file(&header("<f8", false, "(4294967296, 4294967296, 4294967296)"), &[0; 8])), @"expected 8 bytes of values, found a header of shape [4294967296, 4294967296, 4294967296] and type <f8");
    insta::assert_snapshot!(message(&file(&header("<f8", false, "(3,)"), &[0; 23])), @"expected 23 bytes of values, found a header of shape [3] and type <f8");
    insta::assert_snapshot!(message(&file(&header("|O", false, "(3,)"), &[0; 24])), @"expected numbers or texts (bool, int, uint, float, str, bytes), found |O");
    insta::assert_snapshot!(message(&file(&header("<f8", false, "(-3,)"), &[0; 24])), @"expected {'descr': …, 'fortran_order': …, 'shape': …}, found {'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }");
    insta::assert_snapshot!(message(&file(&"(".repeat(9000), &[])), @"expected {'descr': …, 'fortran_order': …, 'shape': …}, found ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((");
    insta::assert_snapshot!(message(&file(&"(".repeat(10_001), &[0; 9])), @"expected a header of at most 10000 bytes, found 10001");
    insta::assert_snapshot!(message(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"), @"expected a header of at most 1 bytes, found 4294967295");
    insta::assert_snapshot!(message(b"\x93NUMPY\x09\x00\xff\xff\xff\xff{"), @"expected format version 1, 2 or 3, found 9");
    insta::assert_snapshot!(message(b"not numpy"), @"expected an array of numpy, found another beginning");
    insta::assert_snapshot!(message(&file(&header("<U1", false, "(1,)"), &[255; 4])), @"expected texts of Unicode characters, found another code point");
    insta::assert_snapshot!(message(&file(&header("<u8", false, "(1,)"), &[255; 8])), @"expected whole numbers below 2^63, found 18446744073709551615");
}

proptest! {
    #[test]
    fn any_header_is_read_or_refused(text in "[{}()',:<f8U descr shape fortran_order TrueFalse0-9]{0,80}", data in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(array) = parse(&file(&text, &data)) {
            prop_assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
        }
    }
}
