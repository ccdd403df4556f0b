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
    insta::assert_snapshot!(message(&[1; 10], 11), @"payload of file: expected 11 bytes, found 10 bytes: the file is too short");
    insta::assert_snapshot!(message(&[1; 10], 7), @"payload of file: expected 7 bytes, found 10 bytes");
    insta::assert_snapshot!(message(&whole[..whole.len() - 9], 1000), @r"
    gzip stream of file: expected more data after 1000 unpacked bytes, found the end of the file: it is truncated, or no gzip to its end
    copy or download the file again
    ");
    insta::assert_snapshot!(message(&whole, 1001), @"payload of file: expected 1001 bytes, found 1000 bytes: the file is too short");
    insta::assert_snapshot!(message(&whole, 999), @"payload of file: expected 999 bytes, found 1000 bytes");
    let mut wrong_sum = whole.clone();
    wrong_sum[whole.len() - 8] ^= 1;
    insta::assert_snapshot!(message(&wrong_sum, 1000), @r"
    gzip stream of file: expected more data after 1000 unpacked bytes, found damage (corrupt gzip stream does not have a matching checksum)
    copy or download the file again
    ");
    let mut trailing = whole;
    trailing.extend_from_slice(b"garbage");
    insta::assert_snapshot!(message(&trailing, 1000), @r"
    gzip stream of file: expected more data after 1000 unpacked bytes, found the end of the file: it is truncated, or no gzip to its end
    copy or download the file again
    ");
}

#[test]
fn a_folder_and_an_absent_file_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| {
        let error = Payload::open(path).map(|_| ()).unwrap_err();
        error.to_string().replace(&*folder.path().to_string_lossy(), "FOLDER")
    };
    insta::assert_snapshot!(message(folder.path()), @"cannot read FOLDER: is a directory");
    insta::assert_snapshot!(message(&folder.path().join("absent")), @"cannot read FOLDER/absent: No such file or directory (os error 2)");
}
