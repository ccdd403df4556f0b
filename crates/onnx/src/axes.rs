//! What the dimensions of an ONNX tensor are of an image `[h, w, c]`.
//!
//! *Idea*: a dimension is a list of *atoms*, each a part of an axis. Transposing moves dimensions, reshaping cuts the row of all
//! atoms into dimensions again, splitting an atom where it must; no number moves. Only a layer that wants its channels in a
//! certain place looks at what became of them.
//! ```text
//! image                  [[N] [C] [H] [W]]
//! transpose 0 2 3 1      [[N] [H] [W] [C]]
//! flatten                [[N] [C H W]]              rows of a dense kernel are permuted
//! reshape n 2 58 28 28   [[N] [C/58] [C%58] [H] [W]]
//! transpose 0 2 1 3 4    [[N] [C%58] [C/58] [H] [W]]
//! reshape n 116 28 28    [[N] [C%58 C/58] [H] [W]]  a channel shuffle with two groups
//! ```

/// An axis of a batch of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// The image in the batch.
    N,
    /// Row.
    H,
    /// Column.
    W,
    /// Channel.
    C,
}

/// A part of an axis: its index is the sum of the indices of its atoms times their strides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    pub(crate) axis: Axis,
    pub(crate) size: usize,
    pub(crate) stride: usize,
}

/// Dimensions, each of atoms from the slowest to the fastest. Atoms of size 1 are left out, [`Axis::N`] apart, whose size counts as 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axes(Vec<Vec<Atom>>);

const N: Atom = Atom { axis: Axis::N, size: 1, stride: 1 };

impl Axes {
    /// Whole axes in this order, of images `[h, w, c]`.
    pub(crate) fn of(order: &[Axis], [h, w, c]: [usize; 3]) -> Self {
        let dimension = |&axis: &Axis| {
            let size = match axis {
                Axis::N => return vec![N],
                Axis::H => h,
                Axis::W => w,
                Axis::C => c,
            };
            if size == 1 { Vec::new() } else { vec![Atom { axis, size, stride: 1 }] }
        };
        Self(order.iter().map(dimension).collect())
    }

    pub(crate) fn nchw(shape: [usize; 3]) -> Self {
        Self::of(&[Axis::N, Axis::C, Axis::H, Axis::W], shape)
    }

    pub(crate) fn rank(&self) -> usize {
        self.0.len()
    }

    /// Lengths, 1 for the batch.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.0.iter().map(|atoms| atoms.iter().map(|atom| atom.size).product()).collect()
    }

    pub(crate) fn dimension(&self, index: usize) -> &[Atom] {
        &self.0[index]
    }

    /// A dimension counted from the end if negative; `None` if there is none.
    pub(crate) fn index(&self, axis: i64) -> Option<usize> {
        let rank = self.rank() as i64;
        let index = if axis < 0 { axis + rank } else { axis };
        (0..rank).contains(&index).then_some(index as usize)
    }

    /// Whether dimension `index` is (all of) `axis` and nothing else, or has length 1 as that axis has.
    pub(crate) fn is(&self, index: usize, axis: Axis, shape: [usize; 3]) -> bool {
        self.0[index] == Self::of(&[axis], shape).0[0]
    }

    /// Whether the dimensions are those of an image, whose channels may be permuted: `[n, c, h, w]`.
    pub(crate) fn is_nchw(&self, shape: [usize; 3]) -> bool {
        self.rank() == 4
            && self.is(0, Axis::N, shape)
            && self.0[1].iter().all(|atom| atom.axis == Axis::C)
            && self.is(2, Axis::H, shape)
            && self.is(3, Axis::W, shape)
    }

    /// Places of the dimensions: output `i` is dimension `order[i]`.
    pub(crate) fn transposed(&self, order: &[usize]) -> Self {
        Self(order.iter().map(|&index| self.0[index].clone()).collect())
    }

    pub(crate) fn without(&self, dimensions: &[usize]) -> Self {
        let kept = (0..self.rank()).filter(|index| !dimensions.contains(index));
        Self(kept.map(|index| self.0[index].clone()).collect())
    }

    /// With a dimension of length 1 inserted before `index`.
    pub(crate) fn inserted(&self, index: usize) -> Self {
        let mut axes = self.0.clone();
        axes.insert(index.min(axes.len()), Vec::new());
        Self(axes)
    }

    /// With another dimension `index`.
    pub(crate) fn replaced(&self, index: usize, atoms: Vec<Atom>) -> Self {
        let mut axes = self.0.clone();
        axes[index] = atoms;
        Self(axes)
    }

    /// Two dimensions: those before `axis`, and the others.
    pub(crate) fn flattened(&self, axis: usize) -> Self {
        let join = |part: &[Vec<Atom>]| merged(part.concat());
        Self(vec![join(&self.0[..axis]), join(&self.0[axis..])])
    }

    /// The same numbers in dimensions of these lengths, whose product is that of the present ones; `None` where a dimension
    /// would hold a piece of an axis that cannot be cut so.
    pub(crate) fn reshaped(&self, lengths: &[usize]) -> Option<Self> {
        let mut atoms: Vec<Atom> = self.0.concat();
        atoms.reverse(); // the next one is the last
        let mut axes = Vec::with_capacity(lengths.len());
        for &length in lengths {
            let (mut dimension, mut left) = (Vec::new(), length);
            while let Some(atom) = atoms.pop() {
                if atom.axis == Axis::N {
                    dimension.push(atom);
                } else if left.is_multiple_of(atom.size) {
                    left /= atom.size;
                    dimension.push(atom);
                } else if left > 1 && atom.size.is_multiple_of(left) {
                    let rest = atom.size / left;
                    dimension.push(Atom { size: left, stride: atom.stride * rest, ..atom });
                    atoms.push(Atom { size: rest, ..atom });
                    left = 1;
                } else {
                    atoms.push(atom);
                    break;
                }
                if left == 1 && atoms.last().is_none_or(|next| next.axis != Axis::N) {
                    break;
                }
            }
            if left != 1 {
                return None;
            }
            axes.push(merged(dimension));
        }
        atoms.is_empty().then_some(Self(axes))
    }
}

/// Neighbours that are one part of an axis together become one.
pub(crate) fn merged(atoms: Vec<Atom>) -> Vec<Atom> {
    let mut merged: Vec<Atom> = Vec::with_capacity(atoms.len());
    for atom in atoms.into_iter().filter(|atom| atom.size != 1 || atom.axis == Axis::N) {
        match merged.last_mut() {
            Some(last) if last.axis == atom.axis && last.stride == atom.stride * atom.size => {
                *last = Atom { size: last.size * atom.size, stride: atom.stride, ..*last };
            }
            _ => merged.push(atom),
        }
    }
    merged
}

/// For each index of a dimension of channel atoms the channel; `None` if other axes are in it.
pub(crate) fn channel_order(atoms: &[Atom]) -> Option<Vec<usize>> {
    let mut order = vec![0];
    for atom in atoms {
        if atom.axis != Axis::C {
            return None;
        }
        order = order
            .iter()
            .flat_map(|&base| (0..atom.size).map(move |index| base + index * atom.stride))
            .collect();
    }
    Some(order)
}

/// The atoms of a dimension after the image `[h, w, c]` was flattened to one row of channels.
pub(crate) fn flat_atoms(atoms: &[Atom], [_, w, c]: [usize; 3]) -> Vec<Atom> {
    let flat = |atom: &Atom| {
        let unit = match atom.axis {
            Axis::N => return *atom,
            Axis::C => 1,
            Axis::W => c,
            Axis::H => w * c,
        };
        Atom { axis: Axis::C, size: atom.size, stride: atom.stride * unit }
    };
    merged(atoms.iter().map(flat).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [7, 5, 12];

    #[test]
    fn transposing_and_flattening_permute_channels() {
        let axes = Axes::nchw(SHAPE);
        assert_eq!(axes.lengths(), [1, 12, 7, 5]);
        let flat = axes.flattened(1);
        assert_eq!(flat.lengths(), [1, 420]);
        let order = channel_order(&flat_atoms(flat.dimension(1), SHAPE)).unwrap();
        // index (c h w) of ONNX is (h w c) of ours
        let expected: Vec<usize> = (0..12)
            .flat_map(|c| (0..7).flat_map(move |h| (0..5).map(move |w| (h * 5 + w) * 12 + c)))
            .collect();
        assert_eq!(order, expected);
        let last = axes.transposed(&[0, 2, 3, 1]).flattened(1);
        assert_eq!(
            channel_order(&flat_atoms(last.dimension(1), SHAPE)).unwrap(),
            (0..420).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_shuffle_is_two_reshapes_and_a_transpose() {
        let axes = Axes::nchw(SHAPE).reshaped(&[1, 3, 4, 7, 5]).unwrap();
        let axes = axes.transposed(&[0, 2, 1, 3, 4]).reshaped(&[1, 12, 7, 5]).unwrap();
        assert!(axes.is_nchw(SHAPE));
        let order = channel_order(axes.dimension(1)).unwrap();
        assert_eq!(order, [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
        let back = axes.reshaped(&[1, 4, 3, 7, 5]).unwrap().transposed(&[0, 2, 1, 3, 4]);
        assert_eq!(back.reshaped(&[1, 12, 7, 5]).unwrap(), Axes::nchw(SHAPE));
    }

    #[test]
    fn what_cannot_be_cut_is_not() {
        assert_eq!(Axes::nchw(SHAPE).reshaped(&[1, 5, 84]), None);
        assert_eq!(Axes::nchw(SHAPE).reshaped(&[1, 12, 7]), None);
        assert_eq!(Axes::nchw([1, 1, 6]).reshaped(&[1, 6]).unwrap().lengths(), [1, 6]);
        assert_eq!(Axes::nchw([1, 1, 6]).reshaped(&[1, 1, 1, 6]).unwrap().lengths(), [1, 1, 1, 6]);
    }
}
