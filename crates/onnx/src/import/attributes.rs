//! The attributes of a node.

use crate::constant::Constant;
use crate::proto::{AttributeProto, NodeProto};

/// Attributes by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a>(&'a [AttributeProto]);

impl<'a> Attributes<'a> {
    pub(crate) fn of(node: &'a NodeProto) -> Self {
        Self(&node.attribute)
    }

    fn get(&self, name: &str) -> Option<&'a AttributeProto> {
        self.0.iter().find(|attribute| attribute.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |attribute| attribute.i)
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.get(name).map_or(default, |attribute| attribute.f)
    }

    pub(crate) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        self.get(name).map(|attribute| attribute.floats.clone())
    }

    pub(crate) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.get(name).map(|attribute| attribute.ints.clone())
    }

    pub(crate) fn text(&self, name: &str, default: &str) -> String {
        self.get(name)
            .map_or(default.to_owned(), |attribute| String::from_utf8_lossy(&attribute.s).into_owned())
    }

    /// The tensor, if it is written here and not in another file.
    pub(crate) fn tensor(&self, name: &str) -> Option<Constant> {
        let outside = |_: &str| Err("values in another file".to_owned());
        Constant::read(self.get(name)?.t.as_ref()?, name, &outside).ok()
    }

    /// Two numbers of at least 1: `[h, w]`.
    pub(crate) fn pair(&self, name: &str, default: [usize; 2]) -> Result<[usize; 2], String> {
        let Some(values) = self.ints(name) else { return Ok(default) };
        let sizes: Vec<usize> = values.iter().filter_map(|&x| usize::try_from(x).ok()).collect();
        let pair = <[usize; 2]>::try_from(sizes).ok().filter(|pair| !pair.contains(&0) && values.len() == 2);
        pair.ok_or_else(|| format!("expected two numbers of {name}, found {values:?}"))
    }
}
