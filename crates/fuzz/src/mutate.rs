//! Changes of a file that find what readers forget: cut, overwritten, repeated, numbers at their limits, parts of another file.

/// Draws changes; the same seed draws the same.
#[derive(Clone, Debug)]
pub struct Mutator {
    state: u64,
}

/// Numbers that readers compare wrongly.
const LIMITS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];

impl Mutator {
    /// Draws as `seed` says.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A changed copy of `file`; `other` lends parts.
    pub fn change(&mut self, file: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = file.to_vec();
        for _ in 0..1 + self.below(4) {
            self.once(&mut bytes, other);
        }
        bytes
    }

    fn once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        if bytes.is_empty() {
            bytes.extend_from_slice(other);
            return;
        }
        let place = self.below(bytes.len());
        match self.below(8) {
            0 => bytes[place] ^= 1 << self.below(8),
            1 => bytes[place] = self.below(256) as u8,
            2 => bytes.truncate(place),
            3 => {
                let end = (place + 1 + self.below(64)).min(bytes.len());
                bytes.drain(place..end);
            }
            4 => {
                let end = (place + 1 + self.below(64)).min(bytes.len());
                let part = bytes[place..end].to_vec();
                bytes.splice(place..place, part);
            }
            5 if !other.is_empty() => {
                let begin = self.below(other.len());
                let end = (begin + 1 + self.below(64)).min(other.len());
                bytes.splice(place..place, other[begin..end].iter().copied());
            }
            // a digit of a text
            6 => {
                let digits = bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit());
                let digits: Vec<usize> = digits.map(|(place, _)| place).take(4096).collect();
                if let Some(&digit) = digits.get(self.below(digits.len().max(1))) {
                    bytes[digit] = b"0123456789-.e"[self.below(13)];
                }
            }
            _ => {
                let width = [1, 2, 4, 8][self.below(4)];
                let limit = LIMITS[self.below(LIMITS.len())];
                let [little, big] = [limit.to_le_bytes(), limit.to_be_bytes()];
                let number = if self.below(2) == 0 { &little[..width] } else { &big[8 - width..] };
                let end = (place + width).min(bytes.len());
                bytes[place..end].copy_from_slice(&number[..end - place]);
            }
        }
    }

    /// A number below `bound`, or 0 if that is 0.
    fn below(&mut self, bound: usize) -> usize {
        // splitmix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % bound.max(1) as u64) as usize
    }
}
