//! SHA-256 of what passes through a reader.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

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

fn hexadecimal(bytes: &[u8]) -> String {
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
}
