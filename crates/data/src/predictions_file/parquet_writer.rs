//! Predictions to Parquet: `id, split, label, predicted, prob_<class> …, loss`.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use seamripper_core::predictions::Predictions;

use crate::{Result, whole_file};

/// Version of the columns, in the file's metadata under `schema`.
const SCHEMA: &str = "seamripper.predictions/1";

/// Writes a table that [`super::read`] reads back bit for bit; the same table gives the same bytes.
///
/// `label` and `predicted` are names of classes, `loss` is the natural logarithm of 1 over the probability of the true
/// class (infinite where that is 0).
///
/// # Errors
/// [`crate::Error::Io`] naming the path; what was there before is then untouched.
pub fn write_parquet(path: &Path, predictions: &Predictions) -> Result<()> {
    whole_file::write(path, |file| write_table(file, predictions).map_err(cause))
}

fn write_table(
    file: &mut BufWriter<File>,
    predictions: &Predictions,
) -> std::result::Result<(), ParquetError> {
    let metadata = KeyValue::new("schema".to_owned(), SCHEMA.to_owned());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("seamripper ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![metadata]))
        .build();
    let mut writer = SerializedFileWriter::new(file, schema(&predictions.classes)?, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let class = |index: usize| predictions.classes[index].as_str();
    let rows = || 0..predictions.len();

    texts(&mut group, predictions.ids.iter().map(String::as_str))?;
    texts(&mut group, predictions.splits.iter().map(|split| split.name()))?;
    texts(&mut group, predictions.labels.iter().map(|&label| class(label as usize)))?;
    texts(&mut group, rows().map(|row| class(predictions.top1(row))))?;
    for column in 0..predictions.classes.len() {
        numbers(&mut group, rows().map(|row| predictions.row(row)[column]))?;
    }
    // 0 - ln 1 is 0, where -ln 1 would be -0
    numbers(&mut group, rows().map(|row| 0.0 - predictions.row(row)[predictions.labels[row] as usize].ln()))?;
    group.close()?;
    writer.close()?;
    Ok(())
}

fn schema(classes: &[String]) -> std::result::Result<TypePtr, ParquetError> {
    let column = |name: &str, physical: Physical, logical: Option<LogicalType>| {
        let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
        builder.with_logical_type(logical).build().map(Arc::new)
    };
    let text = |name: &str| column(name, Physical::BYTE_ARRAY, Some(LogicalType::String));
    let number = |name: &str| column(name, Physical::DOUBLE, None);
    let mut fields = vec![text("id")?, text("split")?, text("label")?, text("predicted")?];
    for class in classes {
        fields.push(number(&format!("prob_{class}"))?);
    }
    fields.push(number("loss")?);
    Ok(Arc::new(Type::group_type_builder("predictions").with_fields(fields).build()?))
}

type Group<'a, 'b> = SerializedRowGroupWriter<'a, &'b mut BufWriter<File>>;

fn texts<'t>(
    group: &mut Group<'_, '_>,
    values: impl Iterator<Item = &'t str>,
) -> std::result::Result<(), ParquetError> {
    let values: Vec<ByteArray> = values.map(ByteArray::from).collect();
    let mut column = group.next_column()?.ok_or_else(too_many)?;
    column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
    column.close()
}

fn numbers(
    group: &mut Group<'_, '_>,
    values: impl Iterator<Item = f64>,
) -> std::result::Result<(), ParquetError> {
    let values: Vec<f64> = values.collect();
    let mut column = group.next_column()?.ok_or_else(too_many)?;
    column.typed::<DoubleType>().write_batch(&values, None, None)?;
    column.close()
}

fn too_many() -> ParquetError {
    ParquetError::General("more columns than in the schema".into())
}

/// The disk's own error, where there is one below the format's.
fn cause(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
