//! `--claim "Sneaker 1.6"`: a class and its supposed bias.

use seamripper_core::nearest::nearest;

use crate::diag::Stop;

/// All claims, each as the index of its class and the bias; every one that cannot be read is told.
pub fn all(texts: &[String], classes: &[String]) -> Result<Vec<(usize, f64)>, Stop> {
    let (mut claims, mut problems, mut near) = (Vec::new(), Vec::new(), None);
    for text in texts {
        match one(text, classes) {
            Ok(claim) => claims.push(claim),
            Err(problem) => {
                problems.push(format!("claim `{text}`: {problem}"));
                let class =
                    text.trim().rsplit_once(char::is_whitespace).map_or(text.as_str(), |(class, _)| class);
                let is_known = classes.iter().any(|known| known == class.trim());
                near =
                    near.or_else(|| nearest(class, classes.iter().map(String::as_str)).filter(|_| !is_known));
            }
        }
    }
    if problems.is_empty() {
        return Ok(claims);
    }
    let example = "a class and its bias in quotes, \"Sneaker 1.6\" for 60 % too often";
    let hint = near.map_or(example.to_owned(), |near| format!("is `{near}` meant? Say {example}"));
    Err(Stop::problem(problems.join("\n       "), Some(hint)))
}

fn one(text: &str, classes: &[String]) -> Result<(usize, f64), String> {
    let (class, bias) = text
        .trim()
        .rsplit_once(char::is_whitespace)
        .ok_or_else(|| "expected a class and a number, found one word".to_owned())?;
    let class = class.trim();
    let index = classes
        .iter()
        .position(|known| known == class)
        .ok_or_else(|| format!("expected a class of the table, found `{class}`"))?;
    let number = bias.parse::<f64>().ok().filter(|bias| bias.is_finite() && *bias >= 0.0);
    let number = number.ok_or_else(|| format!("expected a bias of 0 or more, found `{bias}`"))?;
    Ok((index, number))
}
