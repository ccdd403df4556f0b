//! SHA-256 of what passes through a reader.
//!
//! *Idea*: of a large file, one thread unpacks pieces that stay in its cache, and another hashes them and puts them where
//! they are kept. A few pieces go round between the two, so that neither is far ahead. Measured gain: see `bench/results.md`, "Start and warps: what was tried".

use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::mpsc;
use std::thread;

use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes`, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes of a piece. What is shorter than two is not worth a thread.
const PIECE: usize = 128 << 10;
/// Pieces that go round.
const PIECES: usize = 4;

/// A reader that hashes what is read from it, so that verifying a file does not read it a second time.
pub struct HashingReader<R> {
    inner: R,
    state: Sha256,
}

impl<R: Read> HashingReader<R> {
    /// Hashes everything read from `inner` from now on.
    pub fn new(inner: R) -> Self {
        Self { inner, state: Sha256::new() }
    }

    /// Appends up to `count` bytes to `bytes`, fewer if the reader ends or fails before.
    ///
    /// # Errors
    /// The reader's; what came before the failure has been appended and hashed.
    pub fn append(&mut self, count: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
        if count < 2 * PIECE as u64 {
            return self.take(count).read_to_end(bytes).map(drop);
        }
        let Self { inner, state } = self;
        let (full, to_hash) = mpsc::channel::<Vec<u8>>();
        let (empty, to_fill) = mpsc::channel();
        for _ in 0..PIECES {
            empty.send(Vec::new()).expect("its other end is here");
        }
        thread::scope(move |scope| {
            thread::Builder::new().spawn_scoped(scope, move || {
                for piece in to_hash {
                    bytes.extend_from_slice(&piece);
                    state.update(&piece);
                    // Nobody waits for it after the last.
                    let _ = empty.send(piece);
                }
            })?;
            let mut left = count;
            while left > 0 {
                let mut piece = to_fill.recv().expect("pieces come back");
                piece.resize(left.min(PIECE as u64) as usize, 0);
                let (filled, outcome) = fill(inner, &mut piece);
                let ended = filled < piece.len();
                piece.truncate(filled);
                full.send(piece).expect("the thread ends after this one");
                outcome?;
                if ended {
                    break;
                }
                left -= filled as u64;
            }
            Ok(())
        })
    }

    /// The digest of all that was read, as 64 hexadecimal digits.
    pub fn finish(self) -> String {
        hexadecimal(&self.state.finalize())
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.state.update(&buffer[..n]);
        Ok(n)
    }
}

/// Fills `buffer`, or as much of it as comes; says how much.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

/// The digest of a file, as hexadecimal digits.
///
/// # Errors
/// The system's.
pub fn of_file(path: &std::path::Path) -> io::Result<String> {
    let mut reader = HashingReader::new(std::fs::File::open(path)?);
    io::copy(&mut reader, &mut io::sink())?;
    Ok(reader.finish())
}

/// The digest of bytes in memory.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's example `abc`, and the empty message; read a byte at a time and in one go.
    #[test]
    fn digests_are_those_of_the_standard() {
        let digest = |bytes: &[u8], step: usize| {
            let mut reader = HashingReader::new(bytes);
            let mut buffer = vec![0; step];
            while reader.read(&mut buffer).unwrap() > 0 {}
            reader.finish()
        };
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc", 1), abc);
        assert_eq!(digest(b"abc", 100), abc);
        assert_eq!(digest(b"", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_ne!(digest(b"abd", 1), abc);
    }

    /// A reader that gives a few bytes at a time, is interrupted, and fails at its end.
    struct Failing<'a>(&'a [u8], usize);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            match (self.1 % 5, self.0) {
                (0, _) => Err(io::ErrorKind::Interrupted.into()),
                (_, []) => Err(io::ErrorKind::InvalidData.into()),
                _ => {
                    let most = buffer.len().min(50_000);
                    self.0.read(&mut buffer[..most])
                }
            }
        }
    }

    #[test]
    fn a_second_thread_changes_nothing() {
        let all: Vec<u8> = (0..9 * PIECE as u32 + 77).map(|n| (n ^ n >> 7) as u8).collect();
        for count in [0, 1, PIECE, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 9 * PIECE, all.len()] {
            let mut reader = HashingReader::new(&all[..]);
            let mut bytes = vec![42];
            reader.append(count as u64, &mut bytes).unwrap();
            assert_eq!((bytes[0], &bytes[1..]), (42, &all[..count]));
            assert_eq!(reader.finish(), hexadecimal(&Sha256::digest(&all[..count])));
        }
        let mut reader = HashingReader::new(&all[..]);
        let mut bytes = Vec::new();
        reader.append(u64::MAX, &mut bytes).unwrap();
        assert_eq!(bytes, all);
    }

    #[test]
    fn what_came_before_a_failure_is_kept_and_hashed() {
        let all: Vec<u8> = (0..5 * PIECE as u32 + 77).map(|n| (n ^ n >> 7) as u8).collect();
        let mut reader = HashingReader::new(Failing(&all, 0));
        let mut bytes = Vec::new();
        let error = reader.append(u64::MAX, &mut bytes).unwrap_err();
        assert_eq!((error.kind(), &bytes), (io::ErrorKind::InvalidData, &all));
        assert_eq!(reader.finish(), hexadecimal(&Sha256::digest(&all)));
    }
}
