//! The nearest valid name to a mistyped one, for hints.

/// The candidate closest to `name` (Damerau–Levenshtein), if it is close enough to be a likely typo:
/// at most a third of the longer name's letters differ, and never fewer than one edit is allowed.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(edits, candidate)| {
            *edits <= (name.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_word_and_another_word_does_not() {
        let keys = ["epochs", "batch", "optimizer", "rate"];
        assert_eq!(nearest("epoch", keys), Some("epochs"));
        assert_eq!(nearest("optimiser", keys), Some("optimizer"));
        assert_eq!(nearest("momentum", keys), None);
    }
}
