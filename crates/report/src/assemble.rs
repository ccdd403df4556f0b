//! From what a run left behind to a report: every part may be missing, and the report says which command adds it.

use std::collections::HashMap;

use seamripper_core::fail::{Evaluation, Finding, Paired, evaluate};
use seamripper_core::graph::{Graph, ModelFile, NodeId, Role, Source};
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::ImageSet;
use seamripper_core::see::{FilterLayer, field, filter_layers};
use serde_json::Value;

use crate::findings;
use crate::html::{Assembled, Blob};
use crate::neighbors::Neighbors;
use crate::schema::{Compared, FieldInfo, KernelInfo, LayerInfo, PictureInfo, Report, RowInfo, SCHEMA};
use crate::tiles::{TILE, Tiles};

/// Pictures in one file, at most. Of more images, those that are wrong come first, then every so manieth of the others.
pub const MOST_PICTURES: usize = 20_000;

/// Bytes of all pictures in one file together, at most: 10,922 of 64 x 64 pixels in color, 891 of 224 x 224. A browser has the file in
/// memory, as text and unpacked.
pub const MOST_PICTURE_BYTES: usize = 128 << 20;

/// Most probable classes that are kept of an image.
const TOP: usize = 5;

/// Names that no other run can have: "there is no such image".
const NONE: u16 = u16::MAX;

/// A class whose loss cannot be computed from a probability of 0 has this one at most, in nats.
const LOSS_MOST: f64 = 100.0;

/// What a report is made of.
#[derive(Debug, Default)]
pub struct Inputs<'a> {
    /// Version of the program.
    pub program: String,
    /// What the report is called.
    pub name: String,
    /// Where the images are from.
    pub source: Option<String>,
    /// The part of the data that the table is of.
    pub split: Option<String>,
    /// The table of predictions.
    pub predictions: Option<&'a Predictions>,
    /// `eval.json`; computed from the table if there is one.
    pub evaluation: Option<Evaluation>,
    /// `audit.json`.
    pub audit: Option<Value>,
    /// `see.json`.
    pub see: Option<Value>,
    /// Lines of `metrics.jsonl`.
    pub history: Vec<Value>,
    /// The model, and its file.
    pub model: Option<(&'a ModelFile, &'a [u8])>,
    /// The images of the table.
    pub pictures: Option<Pictures<'a>>,
    /// Training images like those that are wrong.
    pub neighbors: Option<Neighbors>,
    /// `film.png`.
    pub film: Option<Vec<u8>>,
    /// Another run's name and table.
    pub compared: Option<(String, &'a Predictions)>,
    /// What is not there, and the command that adds it.
    pub missing: Vec<[String; 2]>,
    /// Whether pictures are served beside the page, all of them, and not in it.
    pub served: bool,
}

/// Images of rows.
#[derive(Clone, Debug)]
pub struct Pictures<'a> {
    set: &'a ImageSet,
    /// The image of each row.
    images: Vec<Option<usize>>,
}

impl<'a> Pictures<'a> {
    /// Finds the image of every row of `table` in `set` by its id.
    pub fn of(table: &Predictions, set: &'a ImageSet) -> Self {
        let place: HashMap<String, usize> =
            (0..set.len()).map(|index| (set.ids().id(index), index)).collect();
        Self { set, images: table.ids.iter().map(|id| place.get(id).copied()).collect() }
    }

    /// The image of each row, an index into the set.
    pub fn images(&self) -> &[Option<usize>] {
        &self.images
    }

    /// How many rows have one.
    pub fn count(&self) -> usize {
        self.images.iter().flatten().count()
    }
}

/// Puts a report together.
pub fn assemble(inputs: Inputs<'_>) -> Assembled {
    let Inputs { predictions, mut missing, .. } = inputs;
    let table = predictions.filter(|table| !table.is_empty());
    let evaluation = table.map(evaluate).or(inputs.evaluation);
    let mut blobs = Vec::new();
    let mut tiles = Tiles::default();
    let classes = match (table, &evaluation, inputs.model) {
        (Some(table), ..) => table.classes.clone(),
        (None, Some(evaluation), _) => evaluation.classes.iter().map(|class| class.name.clone()).collect(),
        (None, None, Some((model, _))) => model.classes.clone(),
        (None, None, None) => Vec::new(),
    };
    let losses: Vec<f32> = table.map_or(Vec::new(), losses);
    let rows = table.map(|table| {
        blobs.push(Blob::new("ids", serde_json::to_vec(&table.ids).expect("names have a JSON form")));
        let top = TOP.min(table.classes.len());
        blobs.push(Blob::new("rows", rows(table, &losses, top)));
        RowInfo { n: table.len(), top }
    });
    let pictures = table.zip(inputs.pictures.as_ref()).filter(|(_, pictures)| pictures.count() > 0);
    let pictures = pictures.map(|(table, pictures)| {
        let bytes: usize = pictures.set.size().iter().product();
        let most = match inputs.served {
            true => usize::MAX,
            false => MOST_PICTURES.min(MOST_PICTURE_BYTES / bytes.max(1)),
        };
        let chosen = chosen(table, pictures, &losses, most);
        if chosen.len() < pictures.count() {
            missing.push([
                format!("pictures of {} of the {} images", pictures.count() - chosen.len(), pictures.count()),
                format!(
                    "one file holds {most} of this size, the wrong ones first; `report --serve` shows all"
                ),
            ]);
        }
        let images = chosen.iter().filter_map(|&row| pictures.images[row]);
        let pixels = images.flat_map(|image| pictures.set.image(image).into_owned()).collect();
        match inputs.served {
            true => tiles = Tiles { pixels, length: pictures.set.size().iter().product() },
            false => blobs.push(Blob::new("images", pixels)),
        }
        let all = chosen.len() == table.len();
        let rows = (!all).then(|| chosen.iter().map(|&row| row as u32).collect());
        PictureInfo { size: pictures.set.size(), rows, tile: inputs.served.then_some(TILE) }
    });
    let neighbors = inputs.neighbors.map(|neighbors| {
        let mut bytes = little(&neighbors.places);
        bytes.extend(neighbors.distances.iter().flat_map(|distance| distance.to_le_bytes()));
        blobs.push(Blob::new("neighbors", bytes));
        blobs.push(Blob::new("training", neighbors.pixels));
        neighbors.info
    });
    if let Some((_, bytes)) = inputs.model {
        blobs.push(Blob::new("model", bytes.to_vec()));
    }
    blobs.extend(inputs.film.map(|film| Blob::new("film", film)));
    let compared = table.zip(inputs.compared).and_then(|(table, (name, other))| {
        let (compared, bytes) = compared(table, name, other)?;
        blobs.push(Blob::new("compared", bytes));
        Some(compared)
    });
    let mut see = inputs.see;
    blobs.extend(see.as_mut().and_then(dreams).map(|pixels| Blob::new("dreams", pixels)));
    let mut audit = inputs.audit;
    let listed = audit.as_mut().and_then(Value::as_object_mut).and_then(|audit| audit.remove("findings"));
    let listed: Option<Vec<Finding>> = listed.and_then(|findings| serde_json::from_value(findings).ok());
    let audited = listed.is_some();
    let found = || evaluation.as_ref().map_or(Vec::new(), |evaluation| findings::of(evaluation, table));
    let report = Report {
        schema: SCHEMA.to_owned(),
        program: inputs.program,
        name: inputs.name,
        source: inputs.source,
        split: inputs.split,
        findings: listed.unwrap_or_else(found),
        audited,
        // The page counts rows itself; a thousand classes have a million cells.
        evaluation: evaluation.map(|mut evaluation| {
            if rows.is_some() {
                evaluation.confusion.clear();
            }
            evaluation
        }),
        classes,
        rows,
        pictures,
        neighbors,
        audit,
        see,
        history: inputs.history,
        layers: inputs.model.map_or(Vec::new(), |(model, _)| layers(&model.graph)),
        kernels: inputs.model.map_or(Vec::new(), |(model, _)| kernels(model)),
        fields: inputs.model.map_or(Vec::new(), |(model, _)| fields(&model.graph)),
        compared,
        missing,
    };
    Assembled { report, blobs, tiles }
}

/// `-ln p` of each row's true class, in nats.
fn losses(table: &Predictions) -> Vec<f32> {
    let loss = |row: usize| {
        // At certainty -ln 1 is -0, and of an impossible class infinite, which is no number to sort or draw by.
        (0.0 - table.row(row)[table.labels[row] as usize].ln()).clamp(0.0, LOSS_MOST) as f32
    };
    (0..table.len()).map(loss).collect()
}

fn rows(table: &Predictions, losses: &[f32], top: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = table.labels.iter().flat_map(|&label| short(label as usize)).collect();
    bytes.extend((0..table.len()).flat_map(|row| short(table.top1(row))));
    bytes.extend(losses.iter().flat_map(|loss| loss.to_le_bytes()));
    let mut classes = Vec::new();
    let mut probs = Vec::new();
    for row in 0..table.len() {
        let mut order: Vec<usize> = (0..table.classes.len()).collect();
        // Stable: of equals the first, as the predicted class.
        order.sort_by(|&a, &b| table.row(row)[b].total_cmp(&table.row(row)[a]));
        classes.extend(order[..top].iter().flat_map(|&class| short(class)));
        probs.extend(order[..top].iter().flat_map(|&class| (table.row(row)[class] as f32).to_le_bytes()));
    }
    bytes.extend(classes);
    bytes.extend(probs);
    bytes
}

fn short(class: usize) -> [u8; 2] {
    u16::try_from(class).unwrap_or(NONE).to_le_bytes()
}

fn little(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Rows whose pictures are in the file, ascending.
fn chosen(table: &Predictions, pictures: &Pictures<'_>, losses: &[f32], most: usize) -> Vec<usize> {
    let all: Vec<usize> = (0..table.len()).filter(|&row| pictures.images[row].is_some()).collect();
    if all.len() <= most {
        return all;
    }
    let (mut wrong, right): (Vec<usize>, Vec<usize>) =
        all.into_iter().partition(|&row| table.top1(row) != table.labels[row] as usize);
    wrong.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
    wrong.truncate(most);
    let room = most - wrong.len();
    wrong.extend((0..room.min(right.len())).map(|place| right[place * right.len() / room.min(right.len())]));
    wrong.sort_unstable();
    wrong
}

fn layers(graph: &Graph) -> Vec<LayerInfo> {
    let parameters = |node: NodeId| {
        let own = graph.nodes[node].parameters.iter().map(|&at| graph.parameters[at].len());
        own.sum()
    };
    let layer = |(id, node): (NodeId, &seamripper_core::graph::Node)| LayerInfo {
        name: node.name.clone(),
        kind: node.kind().to_owned(),
        output: node.output,
        parameters: parameters(id),
    };
    graph.nodes.iter().enumerate().map(layer).collect()
}

fn fields(graph: &Graph) -> Vec<FieldInfo> {
    let layer = |layer: FilterLayer| {
        let [h, w, _] = layer.output;
        let span = |range: std::ops::Range<usize>| [range.start, range.len()];
        FieldInfo {
            rows: (0..h).map(|row| span(field(graph, layer.response, [row, 0]).rows)).collect(),
            columns: (0..w).map(|column| span(field(graph, layer.response, [0, column]).columns)).collect(),
            layer: layer.name,
        }
    };
    filter_layers(graph).into_iter().map(layer).collect()
}

fn kernels(model: &ModelFile) -> Vec<KernelInfo> {
    let graph = &model.graph;
    let reads_image = |&id: &NodeId| graph.nodes[id].inputs == [Source::Input];
    let kernel = |id: NodeId| {
        let convolution = graph.convolution(id)?;
        let mut own = graph.nodes[id].parameters.iter().map(|&at| &graph.parameters[at]);
        let kernel = own.find(|parameter| parameter.role == Role::Kernel)?;
        let channels = graph.input[2] / convolution.groups;
        Some(KernelInfo {
            layer: graph.nodes[id].name.clone(),
            shape: [convolution.kernel[0], convolution.kernel[1], channels, convolution.filters],
            values: model.weights.of(kernel).to_vec(),
        })
    };
    (0..graph.nodes.len()).filter(reads_image).filter_map(kernel).collect()
}

/// Takes the pixels of dreams out of `see.json`, where they are decimal digits, and leaves the place of each.
fn dreams(see: &mut Value) -> Option<Vec<u8>> {
    let mut pixels = Vec::new();
    for dream in see.get_mut("dreams")?.as_array_mut()? {
        let taken = dream.as_object_mut()?.remove("pixels");
        let values = taken.as_ref().and_then(Value::as_array).map(|values| {
            values
                .iter()
                .map(|value| value.as_u64().and_then(|value| u8::try_from(value).ok()).unwrap_or_default())
        });
        dream["place"] = values.as_ref().map(|_| pixels.len()).into();
        pixels.extend(values.into_iter().flatten());
    }
    (!pixels.is_empty()).then_some(pixels)
}

/// How `other` differs, on the images of both; `None` if they share none, or the classes differ.
fn compared(table: &Predictions, name: String, other: &Predictions) -> Option<(Compared, Vec<u8>)> {
    if table.classes != other.classes {
        return None;
    }
    let place: HashMap<&str, usize> =
        other.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let of: Vec<Option<usize>> = (0..table.len())
        .map(|row| {
            let other_row = place.get(table.ids[row].as_str()).copied();
            other_row.filter(|&other_row| other.labels[other_row] == table.labels[row])
        })
        .collect();
    let both: Vec<(usize, usize)> =
        of.iter().enumerate().filter_map(|(row, other)| other.map(|other| (row, other))).collect();
    if both.is_empty() {
        return None;
    }
    let mine = part(table, both.iter().map(|&(row, _)| row));
    let theirs = part(other, both.iter().map(|&(_, row)| row));
    let losses = losses(other);
    let mut bytes: Vec<u8> =
        of.iter().flat_map(|other_row| other_row.map_or([0xff; 2], |row| short(other.top1(row)))).collect();
    bytes.extend(of.iter().flat_map(|row| row.map_or(f32::NAN, |row| losses[row]).to_le_bytes()));
    let mut evaluation = evaluate(&theirs);
    evaluation.confusion.clear();
    Some((Compared { name, paired: Paired::of(&mine, &theirs), evaluation }, bytes))
}

/// Some rows of a table.
fn part(table: &Predictions, rows: impl Iterator<Item = usize> + Clone) -> Predictions {
    Predictions {
        classes: table.classes.clone(),
        ids: rows.clone().map(|row| table.ids[row].clone()).collect(),
        splits: rows.clone().map(|row| table.splits[row]).collect(),
        labels: rows.clone().map(|row| table.labels[row]).collect(),
        probs: rows.flat_map(|row| table.row(row)).copied().collect(),
    }
}
