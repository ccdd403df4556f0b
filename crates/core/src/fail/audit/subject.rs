//! What is audited: a table of predictions, and everything else that is known about it.

use crate::fail::properties::Property;
use crate::predictions::Predictions;
use crate::sample::ImageSet;
use crate::tensor::Tensor;

/// A model as this room knows it: images in, a table in the same order out.
pub type Predict<'a> = dyn FnMut(&ImageSet) -> Predictions + 'a;

/// A table of predictions with what belongs to it. Only the table has to be there; each thing more makes more questions
/// answerable, and what could not be asked is listed in [`super::Document::not_run`].
///
/// All that is "of the audited images" has their order.
pub struct Subject<'a> {
    /// The audited table.
    pub predictions: &'a Predictions,
    /// Whether the model was fitted on the audited images: then their labels cannot be judged by it.
    pub fitted: bool,
    /// Probabilities of images the model was not fitted on, to fit scalings and thresholds on. Never the audited ones.
    pub validation: Option<&'a Predictions>,
    /// Probabilities of images, each by a model that was not fitted on it: judges their labels. Without it the labels of the
    /// audited images are judged, unless the model was fitted on them.
    pub out_of_fold: Option<&'a Predictions>,
    /// The audited images.
    pub images: Option<&'a ImageSet>,
    /// What the last layer but one makes of each audited image, `[n, d]`.
    pub embeddings: Option<&'a Tensor>,
    /// Columns of the user's about the audited images.
    pub columns: Vec<Property>,
    /// What the model was fitted on.
    pub training: Option<Training<'a>>,
    /// The model.
    pub predict: Option<Box<Predict<'a>>>,
    /// Tables of the same images by models trained with other seeds, with a name each.
    pub runs: Vec<(String, &'a Predictions)>,
    /// Other images, to be compared with the audited ones.
    pub against: Option<Against<'a>>,
}

/// Images a model was fitted on.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// The images.
    pub images: &'a ImageSet,
    /// As [`Subject::embeddings`], of these.
    pub embeddings: Option<&'a Tensor>,
}

/// Images that may differ from the audited ones. Their labels are not read.
#[derive(Debug)]
pub struct Against<'a> {
    /// What they are called.
    pub name: String,
    /// What the model calls them.
    pub predictions: &'a Predictions,
    /// The images.
    pub images: Option<&'a ImageSet>,
    /// As [`Subject::embeddings`], of these.
    pub embeddings: Option<&'a Tensor>,
}

impl<'a> Subject<'a> {
    /// A table and nothing else.
    pub fn new(predictions: &'a Predictions) -> Self {
        Self {
            predictions,
            fitted: false,
            validation: None,
            out_of_fold: None,
            images: None,
            embeddings: None,
            columns: Vec::new(),
            training: None,
            predict: None,
            runs: Vec::new(),
            against: None,
        }
    }

    /// Checks what a caller has to keep.
    ///
    /// # Panics
    /// If something is not of the same images, classes or size.
    pub(super) fn check(&self) {
        let n = self.predictions.len();
        assert!(n > 0, "an audit of no images");
        assert!(self.images.is_none_or(|images| images.len() == n), "images of the table's rows");
        let rows = |tensor: &Tensor| tensor.shape().first().copied();
        assert!(self.embeddings.is_none_or(|of| rows(of) == Some(n)), "embeddings of the table's rows");
        assert!(self.columns.iter().all(|column| column.len() == n), "columns of the table's rows");
        let classes = &self.predictions.classes;
        let tables =
            self.validation.iter().chain(&self.out_of_fold).chain(self.runs.iter().map(|run| &run.1));
        let mut tables = tables.chain(self.against.iter().map(|against| &against.predictions));
        assert!(tables.all(|table| table.classes == *classes), "tables of the same classes");
        assert!(
            self.runs.iter().all(|run| run.1.labels == self.predictions.labels),
            "runs on the same images"
        );
    }
}
