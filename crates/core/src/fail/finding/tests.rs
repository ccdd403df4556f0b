use serde_json::json;

use super::*;

fn finding(title: &str, confirmed: bool, harm: f64, effect: f64) -> Finding {
    Finding {
        kind: Kind::LabelError,
        title: title.to_owned(),
        effect,
        interval: None,
        p: Some(0.01),
        p_corrected: None,
        confirmed,
        n: 3,
        harm,
        examples: vec!["test-00001".to_owned()],
        evidence: json!({}),
    }
}

#[test]
fn ranked_by_harm_and_ties_as_given() {
    let given = vec![
        finding("unconfirmed", false, 0.9, 0.9),
        finding("small", true, 0.1, 0.1),
        finding("first", true, 0.3, -0.2),
        finding("second", true, 0.3, 0.2),
        finding("strong", true, 0.3, 0.5),
    ];
    let audit = Audit::ranked(10, 4, given);
    let titles: Vec<&str> = audit.findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(titles, ["strong", "first", "second", "small", "unconfirmed"]);
}

#[test]
fn the_document_has_the_keys_of_its_schema() {
    let audit = Audit::ranked(10, 4, vec![finding("a", true, 0.0, 0.0)]);
    let document = serde_json::to_value(&audit).unwrap();
    assert_eq!(document["schema"], "seamripper.audit/1");
    let first = &document["findings"][0];
    let keys: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
    insta::assert_snapshot!(keys.join(" "), @"confirmed effect evidence examples harm interval kind n p p_corrected title");
    assert_eq!((&first["kind"], &first["interval"]), (&json!("label_error"), &json!(null)));
    assert_eq!(serde_json::from_value::<Audit>(document).unwrap(), audit);
}

#[test]
fn harm_by_hand() {
    // 26 of 84 wrong where 4 % would be 3.36: 22.64 of 400 errors
    assert!((harm(26, 3.36, 400) - 0.0566).abs() < 1e-12);
    assert_eq!((harm(1, 3.0, 10), harm(0, 0.0, 0)), (0.0, 0.0));
}
