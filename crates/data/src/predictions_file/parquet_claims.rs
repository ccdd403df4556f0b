//! What a Parquet file claims, checked before it is decoded.
//!
//! The decoder takes for granted that columns lie within the file, and that a page whose values are indices into a
//! dictionary comes after a dictionary; it panics otherwise. A damaged file can claim anything.

use std::path::Path;

use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use crate::Error;

/// Checks the compression and the place of every column, in a file of `bytes` bytes.
pub(super) fn check(path: &Path, bytes: u64, metadata: &ParquetMetaData) -> crate::Result<()> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        check_compression(path, column.compression())?;
        if !is_within(column, bytes) {
            return Err(Error::Malformed {
                what: format!("place of column {}", column.column_path().string()),
                path: path.to_owned(),
                expected: format!("a part of the {bytes} bytes"),
                found: format!("{} bytes at {}", column.compressed_size(), column.data_page_offset()),
                hint: None,
            });
        }
    }
    Ok(())
}

fn check_compression(path: &Path, compression: Compression) -> crate::Result<()> {
    match compression {
        Compression::UNCOMPRESSED | Compression::SNAPPY => Ok(()),
        other => Err(Error::Malformed {
            what: "compression".into(),
            path: path.to_owned(),
            expected: "snappy or none".into(),
            found: other.to_string().to_lowercase(),
            hint: Some("write the table again with compression=\"snappy\"".into()),
        }),
    }
}

fn is_within(column: &ColumnChunkMetaData, bytes: u64) -> bool {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let end = start.checked_add(column.compressed_size());
    let counts = [start, column.data_page_offset(), column.compressed_size(), column.num_values()];
    counts.iter().all(|&count| count >= 0) && end.is_some_and(|end| end as u64 <= bytes)
}

/// Refuses what the decoder would panic on.
pub(super) struct CheckedPages {
    inner: Box<dyn PageReader>,
    has_dictionary: bool,
}

impl CheckedPages {
    pub fn new(inner: Box<dyn PageReader>) -> Self {
        Self { inner, has_dictionary: false }
    }

    fn check(&mut self, page: &Page) -> Result<()> {
        match page {
            Page::DictionaryPage { .. } => self.has_dictionary = true,
            Page::DataPage { encoding, .. } | Page::DataPageV2 { encoding, .. } => {
                let by_index = matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
                if by_index && !self.has_dictionary {
                    return Err(ParquetError::General("a page of indices without a dictionary".into()));
                }
            }
        }
        Ok(())
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for CheckedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
