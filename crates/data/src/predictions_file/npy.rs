//! One array of an NPZ archive, in memory.
//!
//! ```text
//! 93 "NUMPY" | major minor | length of the header (u16, from 2.0 on u32) | header | values
//! header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }   padded with blanks, ends in a line feed
//! ```
//! *Departure*: no library. Those at hand evaluate the header as a Python expression (as deeply nested as the file
//! likes) and multiply its dimensions unchecked; this one reads exactly the dictionary numpy writes, refuses
//! anything else, and compares the shape with the bytes that are there before it allocates.
//!
//! *Reference*: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".

/// Numbers or texts, and their shape. Values are in C order whatever the order in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub shape: Vec<usize>,
    pub values: Values,
}

/// What an array holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Real(Vec<f64>),
    Whole(Vec<i64>),
    Text(Vec<String>),
}

/// Headers of numpy are shorter; numpy itself refuses longer ones.
const HEADER_MOST: usize = 10_000;

/// What is wrong with an array: expected this, found that.
pub(crate) type Problem = (String, String);

/// Reads an array from the bytes of its file.
pub(super) fn parse(bytes: &[u8]) -> Result<Array, Problem> {
    let (header, dtype, data) = checked(bytes)?;
    let values = dtype.decode(data)?;
    let values = if header.fortran_order { values.transposed(&header.shape) } else { values };
    Ok(Array { shape: header.shape, values })
}

/// Shape and values of an array of `u8` in C order.
pub(super) fn parse_bytes(mut bytes: Vec<u8>) -> Result<(Vec<usize>, Vec<u8>), Problem> {
    let (header, dtype, data) = checked(&bytes)?;
    if !matches!(dtype.kind, Kind::Uint) || dtype.size != 1 {
        return Err(problem("pixels of type u8, 0 to 255", &header.descr));
    }
    if header.fortran_order {
        return Err(problem("pixels in C order", "Fortran order"));
    }
    let start = bytes.len() - data.len();
    bytes.drain(..start);
    Ok((header.shape, bytes))
}

/// Header, type and values, which have the length that the header says.
fn checked(bytes: &[u8]) -> Result<(Header, Dtype, &[u8]), Problem> {
    let (header, data) = split_header(bytes)?;
    let header = Header::parse(header)
        .ok_or_else(|| problem("{'descr': …, 'fortran_order': …, 'shape': …}", &start_of(header)))?;
    let dtype = Dtype::parse(&header.descr)
        .ok_or_else(|| problem("numbers or texts (bool, int, uint, float, str, bytes)", &header.descr))?;
    let wanted = header.shape.iter().try_fold(dtype.size, |bytes, &n| bytes.checked_mul(n));
    if wanted != Some(data.len()) {
        return Err(problem(
            &format!("{} bytes of values", data.len()),
            &format!("a header of shape {:?} and type {}", header.shape, header.descr),
        ));
    }
    Ok((header, dtype, data))
}

/// As much of a header as an error should show.
fn start_of(header: &str) -> String {
    header.trim_end().chars().take(100).collect()
}

fn problem(expected: &str, found: &str) -> Problem {
    (expected.to_owned(), found.to_owned())
}

fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), Problem> {
    let start = || problem("an array of numpy", "another beginning");
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(start)?;
    let (&[major, _minor], rest) = rest.split_first_chunk().ok_or_else(start)?;
    let (length, rest) = match major {
        1 => rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length) as usize, rest)),
        2 | 3 => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
        _ => return Err(problem("format version 1, 2 or 3", &major.to_string())),
    }
    .ok_or_else(start)?;
    if length > HEADER_MOST || length > rest.len() {
        let most = HEADER_MOST.min(rest.len());
        return Err(problem(&format!("a header of at most {most} bytes"), &length.to_string()));
    }
    let (header, data) = rest.split_at(length);
    let header = std::str::from_utf8(header).map_err(|_| problem("a header in UTF-8", "other bytes"))?;
    Ok((header, data))
}

struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// The dictionary exactly as numpy writes it, with any order of keys and any blanks.
    fn parse(text: &str) -> Option<Self> {
        let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
        let descr = quoted(value_of(inside, "descr")?)?.to_owned();
        let order = value_of(inside, "fortran_order")?;
        let fortran_order = if order.starts_with("True") {
            true
        } else if order.starts_with("False") {
            false
        } else {
            return None;
        };
        let (shape, _) = value_of(inside, "shape")?.strip_prefix('(')?.split_once(')')?;
        let mut dimensions: Vec<&str> = shape.split(',').map(str::trim).collect();
        if dimensions.last() == Some(&"") {
            dimensions.pop();
        }
        let shape = dimensions.into_iter().map(|n| n.parse().ok()).collect::<Option<Vec<usize>>>()?;
        Some(Self { descr, fortran_order, shape })
    }
}

/// What follows `'key':`.
fn value_of<'a>(inside: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = inside.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn quoted(text: &str) -> Option<&str> {
    Some(text.strip_prefix('\'')?.split_once('\'')?.0)
}

#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Int,
    Uint,
    Float,
    Unicode,
    Bytes,
}

struct Dtype {
    kind: Kind,
    big_endian: bool,
    /// Bytes of a value; at least 1.
    size: usize,
}

impl Dtype {
    fn parse(descr: &str) -> Option<Self> {
        let mut chars = descr.chars();
        let big_endian = match chars.next()? {
            '<' | '|' | '=' => false,
            '>' => true,
            _ => return None,
        };
        let letter = chars.next()?;
        let count: usize = chars.as_str().parse().ok()?;
        let (kind, size) = match (letter, count) {
            ('b', 1) => (Kind::Bool, 1),
            ('i', 1 | 2 | 4 | 8) => (Kind::Int, count),
            ('u', 1 | 2 | 4 | 8) => (Kind::Uint, count),
            ('f', 4 | 8) => (Kind::Float, count),
            ('U', 1..) => (Kind::Unicode, count.checked_mul(4)?),
            ('S', 1..) => (Kind::Bytes, count),
            _ => return None,
        };
        Some(Self { kind, big_endian, size })
    }

    fn decode(&self, data: &[u8]) -> Result<Values, Problem> {
        let cells = data.chunks_exact(self.size);
        Ok(match self.kind {
            Kind::Bool | Kind::Int | Kind::Uint => {
                Values::Whole(cells.map(|cell| self.whole(cell)).collect::<Result<_, _>>()?)
            }
            Kind::Float => Values::Real(cells.map(|cell| self.real(cell)).collect()),
            Kind::Unicode => Values::Text(cells.map(|cell| self.unicode(cell)).collect::<Result<_, _>>()?),
            Kind::Bytes => Values::Text(cells.map(bytes_text).collect::<Result<_, _>>()?),
        })
    }

    /// The bits of a value of up to 8 bytes.
    fn bits(&self, cell: &[u8]) -> u64 {
        let push = |bits, &byte: &u8| bits << 8 | u64::from(byte);
        if self.big_endian { cell.iter().fold(0, push) } else { cell.iter().rev().fold(0, push) }
    }

    fn whole(&self, cell: &[u8]) -> Result<i64, Problem> {
        let bits = self.bits(cell);
        let spare = 64 - 8 * self.size as u32;
        match self.kind {
            Kind::Int => Ok((bits << spare) as i64 >> spare),
            _ => i64::try_from(bits).map_err(|_| problem("whole numbers below 2^63", &bits.to_string())),
        }
    }

    fn real(&self, cell: &[u8]) -> f64 {
        let bits = self.bits(cell);
        if self.size == 4 { f32::from_bits(bits as u32).into() } else { f64::from_bits(bits) }
    }

    fn unicode(&self, cell: &[u8]) -> Result<String, Problem> {
        let points = cell.chunks_exact(4).map(|point| self.bits(point) as u32);
        let text: Option<String> = points.map(char::from_u32).collect();
        let text = text.ok_or_else(|| problem("texts of Unicode characters", "another code point"))?;
        Ok(text.trim_end_matches('\0').to_owned())
    }
}

fn bytes_text(cell: &[u8]) -> Result<String, Problem> {
    let text = std::str::from_utf8(cell).map_err(|_| problem("texts in UTF-8", "other bytes"))?;
    Ok(text.trim_end_matches('\0').to_owned())
}

impl Values {
    /// From Fortran's order (first axis fastest) to C's (last axis fastest).
    fn transposed(self, shape: &[usize]) -> Self {
        match self {
            Self::Real(values) => Self::Real(to_c_order(&values, shape)),
            Self::Whole(values) => Self::Whole(to_c_order(&values, shape)),
            Self::Text(values) => Self::Text(to_c_order(&values, shape)),
        }
    }
}

fn to_c_order<T: Clone>(values: &[T], shape: &[usize]) -> Vec<T> {
    let from_c = |mut c_index: usize| {
        let mut coordinates: Vec<usize> = shape
            .iter()
            .rev()
            .map(|&n| {
                let at = c_index % n;
                c_index /= n;
                at
            })
            .collect();
        coordinates.reverse();
        coordinates.iter().zip(shape).rev().fold(0, |index, (&at, &n)| index * n + at)
    };
    (0..values.len()).map(|index| values[from_c(index)].clone()).collect()
}

#[cfg(test)]
mod tests;
