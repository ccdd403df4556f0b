//! Which output of a model each class of a data set is called, before anyone looks at images.

use seamripper_core::nearest::nearest;

use crate::diag::Stop;

/// How the classes of the data were found among those of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// They have the same names.
    Name,
    /// The model knows none of the names, so the first class is taken for the first output, and so on.
    Place,
}

/// The output of each class of the data, and how it was found.
pub fn outputs(classes: &[String], known: &[String], shown: &str) -> Result<(Vec<usize>, By), Stop> {
    let places: Vec<Option<usize>> =
        classes.iter().map(|class| known.iter().position(|name| name == class)).collect();
    if let Some(places) = places.iter().copied().collect::<Option<Vec<usize>>>() {
        return Ok((places, By::Name));
    }
    if places.iter().any(Option::is_some) {
        let unknown: Vec<&str> = classes
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_none())
            .map(|(class, _)| &**class)
            .collect();
        let near = nearest(unknown[0], known.iter().map(String::as_str));
        return Err(Stop::problem(
            format!(
                "model {shown}: expected all classes of the data among those of the model ({}), or none of them, found {} besides",
                known.join(", "),
                unknown.join(", ")
            ),
            near.map(|near| format!("the nearest to \"{}\" is \"{near}\"", unknown[0])),
        ));
    }
    if classes.len() > known.len() {
        return Err(Stop::problem(
            format!(
                "model {shown}: expected at most {} classes, one an output, found {} in the data",
                known.len(),
                classes.len()
            ),
            Some("give the images that the model was trained for".to_owned()),
        ));
    }
    Ok(((0..classes.len()).collect(), By::Place))
}

/// The names of the outputs if the output of class `class` is `order[class]`: those of the model, and of the data where the model
/// knew none.
pub fn names(classes: &[String], known: &[String], by: By, order: &[usize]) -> Vec<String> {
    let mut called = known.to_vec();
    if by == By::Place {
        called[..classes.len()].clone_from_slice(classes);
    }
    let mut names = called.clone();
    order.iter().zip(called).for_each(|(&output, name)| names[output] = name);
    names
}
