//! The stack machine: one function for instructions that read a value, one for those that put values together.

use std::collections::{BTreeSet, HashMap};

use super::{DIMENSIONS_MOST, Id, Known, Object, PickleFault, known};
use crate::array::Element;

/// The machine between two instructions.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    place: usize,
    pub(super) objects: Vec<Object<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
    pub(super) foreign: BTreeSet<String>,
}

type Step<T> = Result<T, PickleFault>;

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            place: 0,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            foreign: BTreeSet::new(),
        }
    }

    /// Everything up to STOP; the index of what the pickle is.
    pub(super) fn run(&mut self) -> Step<Id> {
        loop {
            let op = self.byte()?;
            if op == b'.' {
                return self.pop();
            }
            self.step(op)?;
        }
    }

    fn broken<T>(&self, expected: &'static str, found: impl Into<String>) -> Step<T> {
        Err(PickleFault::Broken { place: self.place, expected, found: found.into() })
    }

    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let rest = &self.bytes[self.place..];
        let Some(taken) = rest.get(..count) else {
            return self.broken("more bytes", "the end of it");
        };
        self.place += count;
        Ok(taken)
    }

    fn byte(&mut self) -> Step<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A little-endian number of up to eight bytes.
    fn number(&mut self, count: usize) -> Step<usize> {
        let bytes = self.take(count)?;
        let value = bytes.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        match usize::try_from(value) {
            Ok(value) => Ok(value),
            Err(_) => self.broken("a length in memory", value.to_string()),
        }
    }

    fn text(&mut self, count: usize) -> Step<&'a str> {
        let bytes = self.take(count)?;
        std::str::from_utf8(bytes).or_else(|_| self.broken("UTF-8 text", "other bytes"))
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.place..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return self.broken("a line", "no end of one");
        };
        let text = self.text(length)?;
        self.place += 1;
        Ok(text)
    }

    fn push(&mut self, object: Object<'a>) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    fn pop(&mut self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => self.broken("a value on the stack", "none"),
        }
    }

    fn top(&self) -> Step<Id> {
        self.stack.last().copied().map_or_else(|| self.broken("a value on the stack", "none"), Ok)
    }

    /// Everything above the last mark.
    fn marked(&mut self) -> Step<Vec<Id>> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => self.broken("a mark on the stack", "none"),
        }
    }

    fn last(&mut self, count: usize) -> Step<Vec<Id>> {
        let mut ids = (0..count).map(|_| self.pop()).collect::<Step<Vec<_>>>()?;
        ids.reverse();
        Ok(ids)
    }

    fn step(&mut self, op: u8) -> Step<()> {
        match op {
            0x80 => {
                let protocol = self.byte()?;
                if !(2..=5).contains(&protocol) {
                    return self.broken("protocol 2 to 5", protocol.to_string());
                }
            }
            0x95 => drop(self.take(8)?), // FRAME
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' | 0x88 | 0x89 => self.push(Object::Plain),
            b'G' => {
                self.take(8)?;
                self.push(Object::Plain);
            }
            b'K' => self.int(1)?,
            b'M' => self.int(2)?,
            b'J' => {
                let bytes = self.take(4)?;
                let value = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                self.push(Object::Int(value.into()));
            }
            0x8a => {
                let length = self.number(1)?;
                self.long(length)?;
            }
            0x8b => {
                let length = self.number(4)?;
                self.long(length)?;
            }
            b'X' => self.texts(4)?,
            0x8c => self.texts(1)?,
            0x8d => self.texts(8)?,
            b'T' | b'B' => self.opaque(4)?, // BINSTRING of Python 2, BINBYTES
            b'U' | b'C' => self.opaque(1)?,
            0x8e | 0x96 => self.opaque(8)?,
            b'q' => self.memoize(1)?,
            b'r' => self.memoize(4)?,
            0x94 => {
                let top = self.top()?;
                self.memo.insert(self.memo.len(), top);
            }
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            _ => self.build(op)?,
        }
        Ok(())
    }

    fn int(&mut self, count: usize) -> Step<()> {
        let value = self.number(count)?;
        self.push(Object::Int(value as i64)); // at most two bytes
        Ok(())
    }

    /// A number of any length; one of more than eight bytes is no length or place.
    fn long(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
        let value = bytes
            .iter()
            .rev()
            .fold(if negative { -1i64 } else { 0 }, |value, &byte| value << 8 | i64::from(byte));
        self.push(if length <= 8 { Object::Int(value) } else { Object::Plain });
        Ok(())
    }

    fn texts(&mut self, count: usize) -> Step<()> {
        let length = self.number(count)?;
        let text = self.text(length)?;
        self.push(Object::Text(text));
        Ok(())
    }

    fn opaque(&mut self, count: usize) -> Step<()> {
        let length = self.number(count)?;
        self.take(length)?;
        self.push(Object::Plain);
        Ok(())
    }

    fn memoize(&mut self, count: usize) -> Step<()> {
        let (index, top) = (self.number(count)?, self.top()?);
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, count: usize) -> Step<()> {
        let index = self.number(count)?;
        match self.memo.get(&index) {
            Some(&id) => self.stack.push(id),
            None => return self.broken("a value that was put aside", format!("none of number {index}")),
        }
        Ok(())
    }

    /// Instructions that put values together.
    fn build(&mut self, op: u8) -> Step<()> {
        match op {
            b')' | b']' | 0x8f => self.push(Object::Sequence(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            0x85..=0x87 => {
                let items = self.last(usize::from(op - 0x84))?;
                self.push(Object::Sequence(items));
            }
            b't' | b'l' | 0x91 => {
                let items = self.marked()?;
                self.push(Object::Sequence(items));
            }
            b'd' => {
                let items = self.marked()?;
                self.push(Object::Dict(Vec::new()));
                self.insert(items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.marked()?;
                self.append(items)?;
            }
            b's' => {
                let items = self.last(2)?;
                self.insert(items)?;
            }
            b'u' => {
                let items = self.marked()?;
                self.insert(items)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name);
            }
            0x93 => {
                let names = self.last(2)?;
                match (&self.objects[names[0]], &self.objects[names[1]]) {
                    (&Object::Text(module), &Object::Text(name)) => self.global(module, name),
                    _ => return self.broken("the name of a class", "another value"),
                }
            }
            b'Q' => self.storage()?,
            b'R' | 0x81 => self.call()?,
            b'b' => drop(self.pop()?), // BUILD: attributes such as `_metadata`; what they are of stays as it is
            _ => {
                self.place -= 1;
                return self.broken("an instruction of pickle 2 to 5", format!("0x{op:02x}"));
            }
        }
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>) -> Step<()> {
        let top = self.top()?;
        match &mut self.objects[top] {
            Object::Sequence(list) => list.extend(items),
            Object::Plain => {} // of a class that is refused at the end
            _ => return self.broken("a list to append to", "another value"),
        }
        Ok(())
    }

    fn insert(&mut self, items: Vec<Id>) -> Step<()> {
        let top = self.top()?;
        match &mut self.objects[top] {
            Object::Dict(pairs) => pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            Object::Plain => {}
            _ => return self.broken("a dictionary to put values in", "another value"),
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) {
        let known = known(module, name);
        if known == Known::Foreign {
            self.foreign.insert(format!("{module}.{name}"));
        }
        self.push(Object::Global(known));
    }

    fn items(&self, id: Id) -> &[Id] {
        if let Object::Sequence(items) = &self.objects[id] { items } else { &[] }
    }

    fn length(&self, id: Id) -> Option<usize> {
        if let Object::Int(value) = self.objects[id] { usize::try_from(value).ok() } else { None }
    }

    fn lengths(&self, id: Id) -> Option<Vec<usize>> {
        self.items(id).iter().take(DIMENSIONS_MOST + 1).map(|&item| self.length(item)).collect()
    }

    fn storage(&mut self) -> Step<()> {
        let id = self.pop()?;
        let parts: Vec<_> = self.items(id).iter().map(|&part| &self.objects[part]).collect();
        let storage = match parts[..] {
            [
                &Object::Text("storage"),
                &Object::Global(class),
                &Object::Text(key),
                _,
                &Object::Int(length),
            ] => {
                let element =
                    if let Known::Storage(element) = class { element } else { Element::Other("unknown") };
                usize::try_from(length).ok().map(|length| Object::Storage { element, key, length })
            }
            _ => None,
        };
        match storage {
            Some(storage) => self.push(storage),
            None => return self.broken("a storage of a tensor", "another persistent value"),
        }
        Ok(())
    }

    fn call(&mut self) -> Step<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let Object::Global(callee) = self.objects[callee] else {
            return self.broken("a class or function to call", "another value");
        };
        match callee {
            Known::OrderedDict if self.items(arguments).is_empty() => self.push(Object::Dict(Vec::new())),
            Known::OrderedDict => {
                return self.broken("an empty OrderedDict, filled later", "one with values");
            }
            Known::RebuildTensor => {
                let tensor = match *self.items(arguments) {
                    [storage, first, shape, strides, ..]
                        if matches!(self.objects[storage], Object::Storage { .. }) =>
                    {
                        (self.length(first).zip(self.lengths(shape)).zip(self.lengths(strides)))
                            .filter(|((_, shape), _)| shape.len() <= DIMENSIONS_MOST)
                            .map(|((first, shape), strides)| Object::Tensor {
                                storage,
                                first,
                                shape,
                                strides,
                            })
                    }
                    _ => None,
                };
                match tensor {
                    Some(tensor) => self.push(tensor),
                    None => {
                        return self.broken("storage, place, shape and strides of a tensor", "other values");
                    }
                }
            }
            Known::RebuildParameter => match self.items(arguments).first().copied() {
                Some(tensor) => self.stack.push(tensor),
                None => return self.broken("the tensor of a parameter", "no value"),
            },
            Known::Size => match self.items(arguments).first().copied() {
                Some(lengths) => self.stack.push(lengths),
                None => return self.broken("the lengths of a torch.Size", "no value"),
            },
            Known::Storage(_) => return self.broken("a storage by its key", "one with values"),
            Known::Foreign => self.push(Object::Plain),
        }
        Ok(())
    }
}
