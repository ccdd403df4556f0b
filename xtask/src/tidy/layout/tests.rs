use super::check;
use crate::tidy::report::found;

#[test]
fn names_that_say_nothing() {
    for path in
        ["crates/x/src/utils.rs", "crates/x/src/helpers/a.rs", "docs/misc.md", "web/date_utils.ts", ".misc/a"]
    {
        let problems = found(check, &[(path, "")]);
        assert_eq!(problems.len(), 1, "{path}: {problems:?}");
        assert!(problems[0].starts_with(&format!("{path}:1: ")), "{problems:?}");
    }
    assert_eq!(
        found(check, &[("a.rs", "mod a;\nmod test_helpers {\n}\n// mod utils;")]),
        ["a.rs:2: `helpers` in a name: say what is in it"]
    );
    assert_eq!(found(check, &[("crates/x/src/commonest.rs", "mod command;")]), [""; 0]);
}

#[test]
fn golden_folders_that_do_not_say_how_they_were_made() {
    let numbers = ("crates/x/tests/golden/keras/a.npz", "");
    let script = ("crates/x/tests/golden/keras/generate.py", "numpy.random.default_rng(0)");
    let versions = ("crates/x/tests/golden/keras/versions.json", "{\"numpy\": \"2.4\"}");
    assert_eq!(found(check, &[numbers, script, versions]), [""; 0]);
    assert_eq!(
        found(check, &[numbers]),
        [
            "crates/x/tests/golden/keras/generate.py:1: expected it in a golden folder, found none",
            "crates/x/tests/golden/keras/versions.json:1: expected it in a golden folder, found none",
        ]
    );
    assert_eq!(
        found(check, &[numbers, script, (versions.0, "{}")]),
        [
            "crates/x/tests/golden/keras/versions.json:1: expected how the folder was made, found no number in it"
        ]
    );
}
