//! Pictures that are too many for one file, in pieces to be fetched one at a time.

/// Pictures of a tile.
pub const TILE: usize = 256;

/// Pixels `[n, h, w, c]`, in tiles of [`TILE`] pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiles {
    pub(crate) pixels: Vec<u8>,
    /// Values of a picture.
    pub(crate) length: usize,
}

impl Tiles {
    /// The pixels of a tile, the last of which may have fewer pictures; `None` if there is no such tile.
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        let size = TILE.checked_mul(self.length).filter(|&size| size > 0)?;
        self.pixels.chunks(size).nth(number)
    }
}
