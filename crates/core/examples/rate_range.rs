//! Prints losses.
use seamripper_core::recipe::Recipe;
use seamripper_core::sample::{Ids, ImageSet};
use seamripper_core::train::{
    Trainer,
    rate_range::{RateRange, smoothed, suggest},
};
use seamripper_kernels::{Instructions, parallel::Threads};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let mut recipe = Recipe::from_toml(&text, "r").unwrap();
    let images = std::fs::read("/tmp/foldwork/images").unwrap();
    let labels: Vec<u32> = std::fs::read("/tmp/foldwork/labels").unwrap().iter().map(|&l| l.into()).collect();
    let n = labels.len();
    let names: Vec<String> = (0..10).map(|c| c.to_string()).collect();
    let set = ImageSet::new(
        [28, 28, 1],
        images,
        labels,
        names.into(),
        Ids::Rows { prefix: "t".into(), rows: (0..n as u32).collect() },
    );
    recipe.train.epochs = 100;
    recipe.train.seed = args[3].parse().unwrap();
    let steps = args[2].parse().unwrap();
    let graph = recipe.graph().unwrap();
    Threads::new(None).unwrap().run(|| {
        let mut trainer = Trainer::new(Instructions::detect().unwrap(), &recipe, &graph, &set, None).unwrap();
        let range = RateRange { lowest: 1e-6, highest: 10.0, steps };
        let trials = range.run(&mut trainer);
        let smooth = smoothed(&trials, steps);
        eprintln!("{} seed {} {:?}", args[1], args[3], suggest(&trials, steps));
        for (t, s) in trials.iter().zip(smooth) {
            println!("{:.4e} {:.4} {:.4}", t.rate, t.loss, s);
        }
    });
}
