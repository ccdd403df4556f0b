//! A state dict in a safetensors file, as `safetensors.torch.save_file` writes it.
//!
//! The format's writers sort tensors by size and name, so that the order of the layers is lost.

use safetensors::{Dtype, SafeTensors};

use crate::array::{Array, Element, row_major};
use crate::error::{Mismatch, WeightsError};
use crate::layer::{Origin, Stored};

/// Reads a safetensors file of PyTorch.
pub(crate) fn read(bytes: &[u8]) -> Result<Stored<'_>, WeightsError> {
    let damaged =
        |error| WeightsError::broken("safetensors header", "one that describes the file's bytes", error);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    if header.metadata().as_ref().is_some_and(|metadata| metadata.contains_key("seamripper")) {
        return Err(WeightsError::Ours);
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut arrays = Vec::new();
    let mut problems = Vec::new();
    for (name, tensor) in tensors.iter() {
        let element = match tensor.dtype() {
            Dtype::F32 => Element::Float32,
            Dtype::F64 => Element::Float64,
            Dtype::F16 => Element::Float16,
            Dtype::BF16 => Element::BFloat16,
            Dtype::I64 => Element::Other("int64"),
            Dtype::I32 => Element::Other("int32"),
            Dtype::U8 => Element::Other("uint8"),
            Dtype::BOOL => Element::Other("bool"),
            _ => Element::Other("another type"),
        };
        let shape = tensor.shape().to_vec();
        let strides = row_major(&shape);
        match Array::strided(name.to_owned(), shape, element, tensor.data(), 0, strides) {
            Ok(array) => arrays.push(array),
            Err((expected, found)) => {
                problems.push(Mismatch::Array { name: name.to_owned(), expected, found });
            }
        }
    }
    if !problems.is_empty() {
        return Err(WeightsError::Mismatches(problems));
    }
    arrays.sort_by(|a, b| natord::compare(&a.name, &b.name).then_with(|| a.name.cmp(&b.name)));
    Ok(Stored::of_torch(arrays, Origin::Torch { ordered: false }))
}
