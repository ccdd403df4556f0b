//! `train --film`: the filters of the first convolution after every epoch.
//!
//! A frame an epoch is a file of its own, so that a resumed run goes on with its film: `film/0000.json` is before training. At the
//! end all frames that are there become `film.png`.

use std::fs;
use std::path::{Path, PathBuf};

use seamripper_core::graph::{Graph, Preprocessing, Weights};
use seamripper_core::sample::ImageSet;
use seamripper_core::see::Model;
use seamripper_core::see::film::{Answer, Camera, Frame, Picture};
use seamripper_core::train::{State, Trainer};
use seamripper_data::whole_file;
use seamripper_kernels::Instructions;
use seamripper_sheets::{Canvas, Picture as Drawing, Weight, animation, palette};

use super::folder::RunFolder;
use super::progress::Progress;
use crate::diag::{Outcome, Stop};

/// Images whose responses are kept.
const IMAGES: usize = 8;

/// Time of a frame.
const MILLISECONDS: u16 = 300;

/// Pixels of a filter's side, and of a response's.
const FILTER: usize = 40;
const RESPONSE: usize = 72;
const GAP: usize = 6;
const MARGIN: usize = 16;
/// Filters in a row.
const COLUMNS: usize = 16;

/// A film that is being made.
pub struct Film<'a> {
    isa: Instructions,
    graph: &'a Graph,
    preprocessing: Preprocessing,
    camera: Camera,
    images: Vec<Drawing>,
    folder: PathBuf,
    film: PathBuf,
}

impl<'a> Film<'a> {
    /// Sets up, with the first image of each of the first classes in `set`, and keeps the frame before training.
    pub fn begin(
        isa: Instructions,
        graph: &'a Graph,
        set: &ImageSet,
        run: &RunFolder,
        trainer: &Trainer<'_>,
    ) -> Result<Self, Stop> {
        let (preprocessing, state) = (trainer.preprocessing().clone(), trainer.state());
        let firsts = (0..set.classes().len())
            .filter_map(|class| set.labels().iter().position(|&label| label as usize == class));
        let set = set.select(&firsts.take(IMAGES).collect::<Vec<_>>());
        let model = Model { isa, graph, weights: &state.weights, preprocessing: &preprocessing };
        let Some(camera) = Camera::new(&model, &set.pixels()) else {
            return Err(Stop::problem(
                "--film: expected a network with a convolution, found none",
                Some("leave --film out".to_owned()),
            ));
        };
        let folder = run.path().join("film");
        whole_file::create_folder(&folder).map_err(problem)?;
        let film = Self {
            isa,
            graph,
            camera,
            images: (0..set.len()).map(|index| Drawing::image(set.size(), &set.image(index))).collect(),
            folder,
            film: run.path().join("film.png"),
            preprocessing,
        };
        if state.step == 0 {
            film.keep(state)?;
        }
        Ok(film)
    }

    /// Keeps the frame of the weights as they are.
    pub fn keep(&self, state: &State) -> Outcome {
        let weights: &Weights = &state.weights;
        let model = Model { isa: self.isa, graph: self.graph, weights, preprocessing: &self.preprocessing };
        let frame = self.camera.frame(&model, state.epoch);
        let json = serde_json::to_vec(&frame).expect("plain data has a JSON form");
        whole_file::write_bytes(&self.folder.join(format!("{:04}.json", state.epoch)), &json).map_err(problem)
    }

    /// Writes `film.png` of all frames.
    pub fn develop(&self, progress: &Progress) -> Outcome {
        let frames = frames(&self.folder)?;
        let pages: Vec<Canvas> = frames.iter().map(|frame| self.page(frame)).collect();
        let bytes = animation(&pages, MILLISECONDS).map_err(|error| {
            Stop::problem(format!("film {}: expected to draw it, found: {error}", self.film.display()), None)
        })?;
        whole_file::write_bytes(&self.film, &bytes).map_err(problem)?;
        progress.say(format_args!("film of {} frames: {}", frames.len(), self.film.display()));
        Ok(())
    }

    fn page(&self, frame: &Frame) -> Canvas {
        let rows = frame.filters.len().div_ceil(COLUMNS);
        let filters = [COLUMNS * (FILTER + GAP), rows * (FILTER + GAP)];
        let answers = frame.answers.iter().map(Vec::len).max().unwrap_or(0);
        let width = filters[0].max((answers + 1) * (RESPONSE + GAP)) + 2 * MARGIN;
        let head = MARGIN + Weight::Title.height() + Weight::Plain.height() + GAP;
        let label = Weight::Small.height();
        let height = head + filters[1] + GAP + self.images.len() * (RESPONSE + label + GAP) + MARGIN;
        let mut canvas = Canvas::new(width, height);
        let when = match frame.epoch {
            0 => "before training".to_owned(),
            epoch => format!("after epoch {epoch}"),
        };
        let title = format!("{}, {when}", self.camera.layer().name);
        canvas.text([MARGIN, MARGIN], &title, Weight::Title, [20; 3]);
        let note = "Filters; below, images with the filters that respond most to them.";
        canvas.text([MARGIN, MARGIN + Weight::Title.height()], note, Weight::Plain, [90; 3]);
        for (index, filter) in frame.filters.iter().enumerate() {
            let place = [index % COLUMNS, index / COLUMNS].map(|at| at * (FILTER + GAP));
            draw(&mut canvas, [MARGIN + place[0], head + place[1]], &kernel(filter), FILTER);
        }
        for (row, (image, answers)) in self.images.iter().zip(&frame.answers).enumerate() {
            let y = head + filters[1] + GAP + row * (RESPONSE + label + GAP);
            draw(&mut canvas, [MARGIN, y + label], image, RESPONSE);
            for (column, Answer { channel, response, .. }) in answers.iter().enumerate() {
                let x = MARGIN + (column + 1) * (RESPONSE + GAP);
                canvas.text([x, y], &format!("#{channel}"), Weight::Small, [20; 3]);
                draw(&mut canvas, [x, y + label], &ramp(response), RESPONSE);
            }
        }
        canvas
    }
}

fn draw(canvas: &mut Canvas, place: [usize; 2], picture: &Drawing, side: usize) {
    let by = picture.magnification(side);
    canvas.picture(place, picture, by);
    canvas.frame(place, [picture.width * by, picture.height * by], 1, [200; 3]);
}

/// A kernel, summed over its channels unless there is one.
fn kernel(picture: &Picture) -> Drawing {
    let [h, w, c] = picture.size;
    let values: Vec<f32> = picture.values().collect();
    let sums: Vec<f32> = values.chunks_exact(c.max(1)).map(|place| place.iter().sum()).collect();
    Drawing::signed([h, w], &sums, palette::limit(&sums))
}

fn ramp(picture: &Picture) -> Drawing {
    let [h, w, _] = picture.size;
    let values: Vec<f32> = picture.values().collect();
    let high = values.iter().copied().fold(0.0, f32::max);
    Drawing::ramp([h, w], &values, [values.iter().copied().fold(0.0, f32::min), high])
}

/// The frames of a folder, by epoch.
fn frames(folder: &Path) -> Result<Vec<Frame>, Stop> {
    let unread = |path: &Path, reason: String| {
        Stop::problem(format!("film {}: expected a frame, found: {reason}", path.display()), None)
    };
    let entries = fs::read_dir(folder).map_err(|error| unread(folder, error.to_string()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let bytes = fs::read(path).map_err(|error| unread(path, error.to_string()))?;
            serde_json::from_slice(&bytes).map_err(|error| unread(path, error.to_string()))
        })
        .collect()
}

fn problem(error: seamripper_data::Error) -> Stop {
    Stop::problem(&error, error.hint())
}
