//! Filters as they are named on the command line: `conv2:17`, `conv2:17@3,5`, `conv2:3,9`.

use seamripper_core::see::{FilterLayer, Model, layer_named};

/// What is wrong with a name, and what might help.
pub type Problem = (String, Option<String>);

/// A response that is to be taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedWindow {
    /// A convolution.
    pub layer: FilterLayer,
    /// The filter.
    pub filter: usize,
    /// Row and column; without them, where the filter responds most.
    pub place: Option<[usize; 2]>,
}

impl NamedWindow {
    /// Reads `LAYER:FILTER` or `LAYER:FILTER@ROW,COLUMN`.
    pub fn read(model: &Model<'_>, name: &str) -> Result<Self, Problem> {
        let form = || {
            let problem =
                format!("--window: expected LAYER:FILTER or LAYER:FILTER@ROW,COLUMN, found \"{name}\"");
            (problem, Some("for instance --window conv1:17 or --window conv1:17@3,5".to_owned()))
        };
        let (layer, rest) = name.rsplit_once(':').ok_or_else(form)?;
        let (filter, place) = match rest.split_once('@') {
            Some((filter, place)) => (filter, Some(two(place).ok_or_else(form)?)),
            None => (rest, None),
        };
        let filter: usize = filter.parse().map_err(|_| form())?;
        let layer = known(model, "--window", name, layer)?;
        if !layer.is_convolution(model.graph) {
            let problem =
                format!("--window {name}: expected a convolution, found the dense layer {}", layer.name);
            return Err((problem, None));
        }
        within("--window", name, &layer, filter)?;
        let [h, w, _] = layer.output;
        match place {
            Some([row, column]) if row >= h || column >= w => {
                let (last_row, last_column) = (h - 1, w - 1);
                let problem = format!(
                    "--window {name}: expected a place of {} from 0,0 to {last_row},{last_column}, found {row},{column}",
                    layer.name
                );
                Err((problem, None))
            }
            place => Ok(Self { layer, filter, place }),
        }
    }
}

/// Reads `LAYER:A,B`.
pub fn read_pair(model: &Model<'_>, name: &str) -> Result<(FilterLayer, [usize; 2]), Problem> {
    let form = || {
        let problem = format!("--pair: expected LAYER:A,B with two filters, found \"{name}\"");
        (problem, Some("for instance --pair conv2:3,17".to_owned()))
    };
    let (layer, filters) = name.rsplit_once(':').ok_or_else(form)?;
    let filters = two(filters).filter(|[a, b]| a != b).ok_or_else(form)?;
    let layer = known(model, "--pair", name, layer)?;
    filters.iter().try_for_each(|&filter| within("--pair", name, &layer, filter))?;
    Ok((layer, filters))
}

/// `3,5`
fn two(text: &str) -> Option<[usize; 2]> {
    let (a, b) = text.split_once(',')?;
    Some([a.parse().ok()?, b.parse().ok()?])
}

fn known(model: &Model<'_>, option: &str, name: &str, layer: &str) -> Result<FilterLayer, Problem> {
    layer_named(model.graph, layer).map_err(|error| (format!("{option} {name}: {error}"), error.hint()))
}

fn within(option: &str, name: &str, layer: &FilterLayer, filter: usize) -> Result<(), Problem> {
    if filter < layer.filters() {
        return Ok(());
    }
    let last = layer.filters() - 1;
    Err((
        format!("{option} {name}: expected a filter of {} from 0 to {last}, found {filter}", layer.name),
        None,
    ))
}
