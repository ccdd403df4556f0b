use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Reads `count` bytes and expects the end.
fn read(file: &[u8], count: u64) -> Result<(Vec<u8>, String)> {
    let mut payload = Payload::of_bytes(Path::new("file"), file)?;
    let bytes = payload.take(count, "payload")?;
    Ok((bytes, payload.finish()?))
}

proptest! {
    #[test]
    fn packed_and_plain_are_the_same_payload(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        prop_assume!(!bytes.starts_with(&[0x1f, 0x8b]));
        let count = bytes.len() as u64;
        let (plain, digest) = read(&bytes, count).unwrap();
        prop_assert_eq!(&plain, &bytes);
        prop_assert_eq!(read(&packed(&bytes), count).unwrap(), (plain, digest));
    }

    #[test]
    fn the_room_holds_whatever_a_file_unpacks_to(byte in any::<u8>(), count in 0_usize..2_000_000) {
        let file = packed(&vec![byte; count]);
        let payload = Payload::of_bytes(Path::new("file"), &file).unwrap();
        prop_assert!(payload.room() >= count as u64);
    }

    /// Gzip has a checksum of its own: no cut and no changed byte of the deflate stream or the trailer goes unseen.
    #[test]
    fn damage_is_seen(bytes in prop::collection::vec(any::<u8>(), 1..2000), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let whole = packed(&bytes);
        let at = 10 + at.index(whole.len() - 10);
        prop_assert!(read(&whole[..at], bytes.len() as u64).is_err());
        let mut changed = whole;
        changed[at] ^= flip;
        prop_assert!(read(&changed, bytes.len() as u64).map(|(read, _)| read) .map_or(true, |read| read == bytes));
    }
}

#[test]
fn errors_say_what_was_expected_and_found() {
    let whole = packed(&[3; 1000]);
    let message = |file: &[u8], count| {
        let error = read(file, count).unwrap_err();
        format!("{error}\n{}", error.hint().unwrap_or_default())
    };
    insta::assert_snapshot!(message(&[1; 10], 11), @"");
    insta::assert_snapshot!(message(&[1; 10], 7), @"");
    insta::assert_snapshot!(message(&whole[..whole.len() - 9], 1000), @"");
    insta::assert_snapshot!(message(&whole, 1001), @"");
    insta::assert_snapshot!(message(&whole, 999), @"");
    let mut wrong_sum = whole.clone();
    wrong_sum[whole.len() - 8] ^= 1;
    insta::assert_snapshot!(message(&wrong_sum, 1000), @"");
    let mut trailing = whole;
    trailing.extend_from_slice(b"garbage");
    insta::assert_snapshot!(message(&trailing, 1000), @"");
}

#[test]
fn a_folder_and_an_absent_file_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| {
        let error = Payload::open(path).map(|_| ()).unwrap_err();
        error.to_string().replace(&*folder.path().to_string_lossy(), "FOLDER")
    };
    insta::assert_snapshot!(message(folder.path()), @"");
    insta::assert_snapshot!(message(&folder.path().join("absent")), @"");
}
