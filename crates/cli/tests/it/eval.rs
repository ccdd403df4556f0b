//! `seamripper eval`: what is said to bad usage.

use assert_cmd::Command;
use insta::assert_snapshot;

/// stderr of a call that must end with exit code 2 and an empty stdout.
fn refused(arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("seamripper").unwrap();
    let output = command.arg("eval").args(arguments).env_remove("CLICOLOR_FORCE").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn neither_model_nor_predictions() {
    assert_snapshot!(refused(&[]), @r#"
error: eval: expected a MODEL or --predictions FILE, found neither
hint: seamripper eval runs/NAME, or seamripper eval --predictions FILE
"#);
}

#[test]
fn both_model_and_predictions() {
    assert_snapshot!(refused(&["runs/seed", "--predictions", "table.csv"]), @r#"
error: the argument '[MODEL]' cannot be used with '--predictions <FILE>'

Usage: seamripper eval [OPTIONS] MODEL
       seamripper eval [OPTIONS] --predictions FILE

For more information, try '--help'.
"#);
}

#[test]
fn a_split_that_is_none() {
    assert_snapshot!(refused(&["runs/seed", "--split", "tset"]), @r#"
error: invalid value 'tset' for '--split <SPLIT>'
  [possible values: train, validation, test]

  tip: a similar value exists: 'test'

For more information, try '--help'.
"#);
}
