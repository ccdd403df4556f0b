//! What a file says of the image that its model reads.

use seamripper_core::graph::{Layer, output_shape};

use crate::error::OnnxError;
use crate::proto::ValueInfoProto;

/// The image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// `[h, w, c]`
    pub(crate) shape: [usize; 3],
    /// Whether the file wants `[n, h, w, c]`, and not `[n, c, h, w]`.
    pub(crate) channels_last: bool,
    /// Images in a batch, if the file says how many.
    pub(crate) batch: Option<i64>,
}

/// The image that `input` is; `size`, rows and columns, counts where it leaves them open.
pub(crate) fn image_of(input: &ValueInfoProto, size: Option<[usize; 2]>) -> Result<Said, OnnxError> {
    let dims =
        input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()).and_then(|t| t.shape.as_ref());
    let dims = dims.map(|shape| &shape.dim[..]).unwrap_or_default();
    let length =
        |index: usize| dims[index].dim_value.and_then(|x| usize::try_from(x).ok()).filter(|&x| x > 0);
    let word = |index: usize| {
        let open = dims[index].dim_param.clone().filter(|name| !name.is_empty()).unwrap_or("?".to_owned());
        length(index).map_or(open, |length| length.to_string())
    };
    let found = match dims.len() {
        0 => "no shape".to_owned(),
        rank => format!("[{}]", (0..rank).map(word).collect::<Vec<_>>().join(", ")),
    };
    let bad = || OnnxError::Input { name: input.name.clone(), found: found.clone() };
    if dims.len() != 4 {
        return Err(bad());
    }
    let few = |length: Option<usize>| matches!(length, Some(1 | 3 | 4));
    let last = !few(length(1)) && few(length(3));
    let [row, column, channel] = if last { [1, 2, 3] } else { [2, 3, 1] };
    let c = length(channel).ok_or_else(bad)?;
    let (h, w) = match (length(row), length(column), size) {
        (Some(h), Some(w), _) => (h, w),
        (h, w, Some([rows, columns])) => (h.unwrap_or(rows), w.unwrap_or(columns)),
        _ => return Err(OnnxError::OpenSize { name: input.name.clone(), found }),
    };
    let shape = [h, w, c];
    output_shape(&Layer::Activation, &[shape]).map_err(|_| bad())?;
    let batch = dims[0].dim_value;
    Ok(Said { shape, channels_last: last, batch })
}
