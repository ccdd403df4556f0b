//! Reports that are unlike most: `cases FOLDER` writes one file a case (and the models among them), and `web/tests` opens each in a browser.
//!
//! Two classes, a thousand, names that attack the page, 60,000 images, colours, no convolution, an evaluation alone, nothing.

use std::error::Error;
use std::fs;
use std::path::Path;

use seamripper_core::fail::evaluate;
use seamripper_core::graph::{ModelFile, Preprocessing, Weights, to_safetensors};
use seamripper_core::predictions::Predictions;
use seamripper_core::random::{Purpose, Stream};
use seamripper_core::recipe::{Initializer, Recipe};
use seamripper_core::sample::{Ids, ImageSet, Split};
use seamripper_core::train::Predictor;
use seamripper_kernels::Instructions;
use seamripper_report::{Assembled, Inputs, Pictures, assemble, page};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let folder = std::env::args().nth(1).ok_or("expected FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let write = |name: &str, assembled: &Assembled| -> Outcome {
        fs::write(folder.join(format!("{name}.html")), page(assembled).map_err(|error| error.hint())?)?;
        Ok(())
    };
    write("nothing", &assemble(Inputs { name: "nothing".into(), ..Inputs::default() }))?;
    let two = table(&names(2), 400, 0.8, |row| format!("image {row}"));
    write("two", &assemble(Inputs { name: "two".into(), predictions: Some(&two), ..Inputs::default() }))?;
    let alone = Inputs { name: "eval".into(), evaluation: Some(evaluate(&two)), ..Inputs::default() };
    write("evaluation", &assemble(alone))?;
    let thousand = table(&names(1000), 6000, 0.6, |row| format!("image {row}"));
    write(
        "thousand",
        &assemble(Inputs { name: "thousand".into(), predictions: Some(&thousand), ..Inputs::default() }),
    )?;
    with_images("many", &names(10), 60_000, [8, 8, 1], |row| format!("image {row}"), &write)?;
    with_images(
        "hostile",
        &hostile(),
        120,
        [8, 8, 1],
        |row| format!("{row} {}", hostile()[row % 6]),
        &write,
    )?;
    with_model(
        folder,
        "color",
        [24, 24, 3],
        r#"["conv 12 5x5 relu", "max_pool 2", "conv 8 3x3 relu", "flatten", "dense 4"]"#,
        &write,
    )?;
    with_model(folder, "dense", [12, 12, 1], r#"["flatten", "dense 24 relu", "dense 4"]"#, &write)
}

fn names(k: usize) -> Vec<String> {
    (0..k).map(|class| format!("class {class}")).collect()
}

/// Names that end elements, open others, run, turn text around, or never end.
fn hostile() -> Vec<String> {
    vec![
        "</script><script>document.title = 'broken'</script>".to_owned(),
        "<img src=x onerror=\"document.title = 'broken'\">".to_owned(),
        "\"quotes\" & 'apostrophes' <!--".to_owned(),
        "\u{202e}\u{5d0}\u{5d1}\u{5d2} \u{627}\u{644}\u{639}".to_owned(),
        "long ".repeat(2000),
        "\u{0}\n\t\u{2028}$& ${x} `".to_owned(),
    ]
}

/// Predictions that are right for a share of the rows; the first classes take more than they should.
fn table(classes: &[String], n: usize, right: f64, id: impl Fn(usize) -> String) -> Predictions {
    let k = classes.len();
    let mut stream = Stream::new(0, Purpose::Shuffle, 1, n as u64);
    let mut probs = Vec::with_capacity(n * k);
    let labels: Vec<u32> = (0..n).map(|row| (row % k) as u32).collect();
    for &label in &labels {
        let called =
            if stream.unit() < right { label as usize } else { stream.below(k as u64 / 2 + 1) as usize };
        let sure = stream.uniform(0.5, 1.0);
        let rest = (1.0 - sure) / (k as f64 - 1.0);
        probs.extend((0..k).map(|class| if class == called { sure } else { rest }));
    }
    Predictions {
        classes: classes.to_vec(),
        ids: (0..n).map(id).collect(),
        splits: vec![Split::Test; n],
        labels,
        probs,
    }
}

/// Stripes whose direction and color are the class'.
fn images(classes: &[String], n: usize, size @ [h, w, c]: [usize; 3], ids: Vec<String>) -> ImageSet {
    let mut stream = Stream::new(0, Purpose::Shuffle, 2, n as u64);
    let mut pixels = Vec::with_capacity(n * h * w * c);
    for row in 0..n {
        let class = row % classes.len();
        let phase = stream.below(8) as usize;
        for y in 0..h {
            for x in 0..w {
                let lit = (x * (class + 1) + y * (class % 3) + phase) / 2 % 2;
                pixels.extend(
                    (0..c).map(|channel| {
                        (lit * if (class + channel).is_multiple_of(3) { 250 } else { 90 }) as u8
                    }),
                );
            }
        }
    }
    let labels = (0..n).map(|row| (row % classes.len()) as u32).collect();
    ImageSet::new(
        size,
        pixels,
        labels,
        classes.to_vec().into(),
        Ids::Names(ids.into_iter().map(Into::into).collect()),
    )
}

fn with_images(
    name: &str,
    classes: &[String],
    n: usize,
    size: [usize; 3],
    id: impl Fn(usize) -> String,
    write: &impl Fn(&str, &Assembled) -> Outcome,
) -> Outcome {
    let table = table(classes, n, 0.8, id);
    let set = images(classes, n, size, table.ids.clone());
    let pictures = Some(Pictures::of(&table, &set));
    write(
        name,
        &assemble(Inputs { name: name.into(), predictions: Some(&table), pictures, ..Inputs::default() }),
    )
}

/// A model as it is before training, and what it says.
fn with_model(
    folder: &Path,
    name: &str,
    size: [usize; 3],
    layers: &str,
    write: &impl Fn(&str, &Assembled) -> Outcome,
) -> Outcome {
    let classes = names(4);
    let text = format!("[data]\nsource = \"fashion-mnist\"\n[model]\ninput = {size:?}\nlayers = {layers}\n");
    let graph = Recipe::from_toml(&text, name)?.graph()?;
    let model = ModelFile {
        weights: Weights::initial(&graph, Initializer::GlorotUniform, 3),
        graph,
        classes: classes.clone(),
        preprocessing: Preprocessing::new(size[2]),
    };
    let isa = Instructions::detect().map_err(|error| error.to_string())?;
    let set = images(&classes, 300, size, (0..300).map(|row| format!("image {row}")).collect());
    let ModelFile { graph, weights, preprocessing, .. } = &model;
    let table =
        Predictor { isa, graph, weights, preprocessing, bf16: false }.predict(&set, Split::Test, |_| {});
    let bytes = to_safetensors(&model)?;
    fs::write(folder.join(format!("{name}.safetensors")), &bytes)?;
    write(
        name,
        &assemble(Inputs {
            name: name.into(),
            predictions: Some(&table),
            pictures: Some(Pictures::of(&table, &set)),
            model: Some((&model, &bytes)),
            ..Inputs::default()
        }),
    )
}
