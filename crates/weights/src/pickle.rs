//! The pickle of a PyTorch file, read as data: what it would call is looked up in a fixed list and never called.
//!
//! *Idea*
//! ```text
//! a pickle is a program for a stack machine. Values are built in an arena; stack and memo hold their indices
//! GLOBAL module name      a name; one that is not in the list below is noted
//! REDUCE                  OrderedDict(): a dictionary; _rebuild_tensor_v2(storage, first, shape, strides, …): a tensor;
//!                         whatever is noted: a value nobody looks into
//! BINPERSID               ("storage", class, key, place, length): a storage, whose bytes are elsewhere in the file
//! STOP                    if anything was noted, all of it is refused by name
//! ```
//! *Safety*: an instruction allocates no more than it has bytes, apart from 24 bytes for each value, so memory is bounded by a
//! multiple of the file. Nothing recurses over what is built.
//!
//! *Why no library*: `serde-pickle` and `pickled` know no persistent ids, and `pytorch-reader` takes a path and not bytes, gives
//! the tensors in no order (which tells layers of equal shapes apart), and reads more classes than a state dict needs.
//!
//! *Reference*: Python's `pickletools`, protocols 2 to 5; `torch/serialization.py`.

mod machine;

use crate::array::Element;
use machine::Machine;

/// PyTorch's own limit. It bounds what a call copies, and so the memory for many calls with one long list.
const DIMENSIONS_MOST: usize = 64;

/// Index of an object.
pub(crate) type Id = usize;

/// What a pickle holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object<'a> {
    /// `None`, a boolean, a float, bytes: what no tensor needs.
    Plain,
    Int(i64),
    Text(&'a str),
    /// A tuple, list or set.
    Sequence(Vec<Id>),
    /// In the order of insertion; a key that comes again stands again.
    Dict(Vec<(Id, Id)>),
    /// A class or function.
    Global(Known),
    Storage {
        element: Element,
        key: &'a str,
        length: usize,
    },
    Tensor {
        storage: Id,
        first: usize,
        shape: Vec<usize>,
        strides: Vec<usize>,
    },
}

/// Names that mean something here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Known {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    Storage(Element),
    /// A name that was noted.
    Foreign,
}

/// The list of names.
fn known(module: &str, name: &str) -> Known {
    match (module, name) {
        ("collections", "OrderedDict") => Known::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Known::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Known::RebuildParameter,
        ("torch", "Size") => Known::Size,
        ("torch", "FloatStorage") => Known::Storage(Element::Float32),
        ("torch", "DoubleStorage") => Known::Storage(Element::Float64),
        ("torch", "HalfStorage") => Known::Storage(Element::Float16),
        ("torch", "BFloat16Storage") => Known::Storage(Element::BFloat16),
        ("torch", "LongStorage") => Known::Storage(Element::Other("int64")),
        ("torch", "IntStorage") => Known::Storage(Element::Other("int32")),
        ("torch", "ShortStorage") => Known::Storage(Element::Other("int16")),
        ("torch", "CharStorage") => Known::Storage(Element::Other("int8")),
        ("torch", "ByteStorage") => Known::Storage(Element::Other("uint8")),
        ("torch", "BoolStorage") => Known::Storage(Element::Other("bool")),
        _ => Known::Foreign,
    }
}

/// Why a pickle cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PickleFault {
    /// What was expected and found at a byte.
    Broken { place: usize, expected: &'static str, found: String },
    /// Names that are not in the list, sorted.
    Foreign(Vec<String>),
}

/// Everything in a pickle.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    /// What the whole of it is.
    pub(crate) root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads the bytes of `data.pkl`.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, PickleFault> {
        let mut machine = Machine::new(bytes);
        let root = machine.run()?;
        if machine.foreign.is_empty() {
            Ok(Self { objects: machine.objects, root })
        } else {
            Err(PickleFault::Foreign(machine.foreign.into_iter().collect()))
        }
    }

    pub(crate) fn get(&self, id: Id) -> &Object<'a> {
        &self.objects[id]
    }

    /// The text that `id` is.
    pub(crate) fn text(&self, id: Id) -> Option<&'a str> {
        if let Object::Text(text) = self.get(id) { Some(text) } else { None }
    }
}
