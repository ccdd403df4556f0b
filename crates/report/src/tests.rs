use proptest::prelude::*;
use seamripper_core::fail::evaluate;
use seamripper_core::predictions::Predictions;
use seamripper_core::sample::{Ids, ImageSet, Split};
use serde_json::Value;

use crate::html::unpacked;
use crate::{Assembled, Blob, Inputs, Missing, Pictures, assemble, with_page};

const PAGE: &str = "<html><body><!--data--></body></html>";

fn table(classes: &[&str], labels: &[u32], probs: &[f64]) -> Predictions {
    Predictions {
        classes: classes.iter().map(|&name| name.to_owned()).collect(),
        ids: (0..labels.len()).map(|row| format!("a-{row:05}")).collect(),
        splits: vec![Split::Test; labels.len()],
        labels: labels.to_vec(),
        probs: probs.to_vec(),
    }
}

fn blob<'a>(assembled: &'a Assembled, name: &str) -> &'a [u8] {
    &assembled.blobs.iter().find(|blob| blob.name == name).expect("a blob").bytes
}

/// What stands in the element with this id.
fn element<'a>(html: &'a str, id: &str) -> &'a str {
    let begin = html.find(&format!("id=\"{id}\">")).expect("an element");
    let text = html[begin..].split_once('>').expect("its end").1;
    text.split_once("</script>").expect("its end").0
}

#[test]
fn rows_are_laid_out_as_the_schema_says() {
    let table = table(&["x", "y", "z"], &[2, 0], &[0.1, 0.2, 0.7, 0.25, 0.25, 0.5]);
    let assembled = assemble(Inputs { predictions: Some(&table), ..Inputs::default() });
    let rows = blob(&assembled, "rows");
    let shorts = |range: std::ops::Range<usize>| -> Vec<u16> {
        rows[range].chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
    };
    let floats = |range: std::ops::Range<usize>| -> Vec<f32> {
        rows[range].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    assert_eq!(shorts(0..4), [2, 0], "labels");
    assert_eq!(shorts(4..8), [2, 2], "predicted");
    assert_eq!(floats(8..16), [-(0.7_f64.ln()) as f32, -(0.25_f64.ln()) as f32], "losses");
    assert_eq!(shorts(16..28), [2, 1, 0, 2, 0, 1], "most probable first, the first of equals before");
    assert_eq!(floats(28..52), [0.7, 0.2, 0.1, 0.5, 0.25, 0.25]);
    assert_eq!(rows.len(), 52);
    assert_eq!(blob(&assembled, "ids"), br#"["a-00000","a-00001"]"#);
}

#[test]
fn certainty_and_impossibility_have_losses_that_are_numbers() {
    let table = table(&["x", "y"], &[0, 1], &[1.0, 0.0, 1.0, 0.0]);
    let assembled = assemble(Inputs { predictions: Some(&table), ..Inputs::default() });
    let rows = blob(&assembled, "rows");
    let loss = |at: usize| f32::from_le_bytes(rows[8 + 4 * at..][..4].try_into().expect("four bytes"));
    assert_eq!(loss(0).to_bits(), 0.0_f32.to_bits(), "no -0");
    assert_eq!(loss(1), 100.0);
}

#[test]
fn everything_may_be_missing() {
    let nothing = assemble(Inputs::default());
    assert!(
        nothing.blobs.is_empty() && nothing.report.classes.is_empty() && nothing.report.findings.is_empty()
    );
    let evaluation = evaluate(&table(&["x", "y"], &[0, 1], &[0.9, 0.1, 0.8, 0.2]));
    let alone = assemble(Inputs { evaluation: Some(evaluation.clone()), ..Inputs::default() });
    assert_eq!(alone.report.classes, ["x", "y"]);
    assert_eq!(alone.report.evaluation, Some(evaluation), "with its matrix, as there are no rows to count");
}

#[test]
fn a_class_that_is_predicted_too_often_is_a_finding_with_its_surest_mistakes() {
    let labels: Vec<u32> = (0..200).map(|row| row % 2).collect();
    let probs: Vec<f64> = (0..200)
        .flat_map(|row| match (row % 2, row < 80) {
            (1, true) => [0.5 + 0.005 * f64::from(row), 0.5 - 0.005 * f64::from(row)],
            (0, _) => [0.9, 0.1],
            _ => [0.1, 0.9],
        })
        .collect();
    let table = table(&["x", "y"], &labels, &probs);
    let report = assemble(Inputs { predictions: Some(&table), ..Inputs::default() }).report;
    assert!(!report.audited);
    assert_eq!(report.findings.len(), 2);
    let often = report.findings.iter().find(|found| found.title.starts_with("x is predicted 40 % too often"));
    let often = often.expect("it is predicted 140 times for 100 images");
    assert_eq!(often.harm, 1.0, "all errors are of this kind");
    assert_eq!(often.examples[0], "a-00079", "the surest mistake");
}

#[test]
fn the_findings_of_an_audit_take_the_place_of_the_evaluations() {
    let audit = serde_json::json!({
        "schema": "seamripper.audit/1", "n": 2, "errors": 1, "findings": [{
            "kind": "slice", "title": "Dark images are wrong", "effect": 0.2, "interval": [0.1, 0.3], "p": 0.01,
            "p_corrected": 0.02, "confirmed": true, "n": 2, "harm": 0.4, "examples": ["a-00001"], "evidence": {},
        }],
    });
    let report = assemble(Inputs { audit: Some(audit), ..Inputs::default() }).report;
    assert!(report.audited);
    assert_eq!(report.findings[0].title, "Dark images are wrong");
    assert!(report.audit.expect("it").get("findings").is_none(), "not twice in the file");
}

#[test]
fn pictures_are_found_by_id_and_bounded() {
    let mut table = table(&["x", "y"], &[0, 1, 0], &[0.9, 0.1, 0.8, 0.2, 0.7, 0.3]);
    table.ids[1] = "elsewhere".to_owned();
    let ids = Ids::Rows { prefix: "a".into(), rows: vec![2, 0] };
    let set =
        ImageSet::new([1, 1, 1], vec![7, 9], vec![0, 0], vec!["x".to_owned(), "y".to_owned()].into(), ids);
    let pictures = Pictures::of(&table, &set);
    assert_eq!(pictures.images(), [Some(1), None, Some(0)]);
    let assembled =
        assemble(Inputs { predictions: Some(&table), pictures: Some(pictures), ..Inputs::default() });
    assert_eq!(blob(&assembled, "images"), [9, 7], "in the order of the rows");
    assert_eq!(assembled.report.pictures.expect("pictures").rows, Some(vec![0, 2]));
}

#[test]
fn of_many_images_the_wrong_ones_have_pictures() {
    let n = crate::MOST_PICTURES + 5000;
    let labels = vec![0; n];
    let probs: Vec<f64> =
        (0..n).flat_map(|row| if row % 100 == 0 { [0.1, 0.9] } else { [0.9, 0.1] }).collect();
    let table = table(&["x", "y"], &labels, &probs);
    let ids = Ids::Rows { prefix: "a".into(), rows: (0..n as u32).collect() };
    let set = ImageSet::new([1, 1, 1], vec![0; n], labels, vec!["x".to_owned(), "y".to_owned()].into(), ids);
    let pictures = Some(Pictures::of(&table, &set));
    let report = assemble(Inputs { predictions: Some(&table), pictures, ..Inputs::default() }).report;
    let rows = report.pictures.expect("pictures").rows.expect("not all");
    assert_eq!(rows.len(), crate::MOST_PICTURES);
    assert!(rows.is_sorted_by(|a, b| a < b));
    assert_eq!(rows.iter().filter(|&&row| row % 100 == 0).count(), n.div_ceil(100), "every wrong one");
    assert!(report.missing[0][0].starts_with("pictures of 5000 of the 25000"), "{:?}", report.missing);
}

#[test]
fn large_pictures_are_bounded_by_their_bytes() {
    let side = 1024;
    let n = crate::MOST_PICTURE_BYTES / (side * side) + 2;
    let probs: Vec<f64> = (0..n).flat_map(|row| if row == 1 { [0.1, 0.9] } else { [0.9, 0.1] }).collect();
    let table = table(&["x", "y"], &vec![0; n], &probs);
    let ids = Ids::Rows { prefix: "a".into(), rows: (0..n as u32).collect() };
    let classes = vec!["x".to_owned(), "y".to_owned()];
    let set = ImageSet::new([side, side, 1], vec![0; n * side * side], vec![0; n], classes.into(), ids);
    let pictures = Some(Pictures::of(&table, &set));
    let assembled = assemble(Inputs { predictions: Some(&table), pictures, ..Inputs::default() });
    assert_eq!(blob(&assembled, "images").len(), crate::MOST_PICTURE_BYTES);
    let rows = assembled.report.pictures.expect("pictures").rows.expect("not all");
    assert!(rows.len() == n - 2 && rows.contains(&1), "{rows:?}");
    let how = "one file holds 128 of this size, the wrong ones first; `report --serve` shows all";
    assert_eq!(assembled.report.missing, [["pictures of 2 of the 130 images".to_owned(), how.to_owned()]]);
}

#[test]
fn served_pictures_are_in_tiles_and_not_in_the_page() {
    let n = 2 * crate::TILE + 3;
    let table = table(&["x", "y"], &vec![0; n], &[0.9, 0.1].repeat(n));
    let ids = Ids::Rows { prefix: "a".into(), rows: (0..n as u32).collect() };
    let pixels: Vec<u8> = (0..2 * n).map(|value| value as u8).collect();
    let classes = vec!["x".to_owned(), "y".to_owned()];
    let set = ImageSet::new([1, 2, 1], pixels.clone(), vec![0; n], classes.into(), ids);
    let pictures = Some(Pictures::of(&table, &set));
    let assembled =
        assemble(Inputs { predictions: Some(&table), pictures, served: true, ..Inputs::default() });
    let tiles: Vec<&[u8]> = (0..4).map_while(|number| assembled.tiles.get(number)).collect();
    assert_eq!(tiles.iter().map(|tile| tile.len()).collect::<Vec<_>>(), [512, 512, 6]);
    assert_eq!(tiles.concat(), pixels);
    let page = "<meta content=\"connect-src 'none'\"><!--data-->";
    let html = with_page(page, None, &assembled).expect("a page");
    assert!(html.starts_with("<meta content=\"connect-src 'self'\">") && !html.contains("blob-images"));
    assert_eq!(crate::Tiles::default().get(0), None);
}

#[test]
fn another_run_is_compared_on_the_images_of_both() {
    let mine = table(&["x", "y"], &[0, 1, 0], &[0.9, 0.1, 0.8, 0.2, 0.7, 0.3]);
    let mut other = table(&["x", "y"], &[0, 1], &[0.4, 0.6, 0.3, 0.7]);
    other.ids = vec!["a-00002".to_owned(), "a-00001".to_owned()];
    let inputs = Inputs {
        predictions: Some(&mine),
        compared: Some(("other".to_owned(), &other)),
        ..Inputs::default()
    };
    let assembled = assemble(inputs);
    let compared = assembled.report.compared.as_ref().expect("two images of both");
    assert_eq!((compared.paired.n, compared.paired.gained, compared.paired.lost), (2, 1, 1));
    assert_eq!(blob(&assembled, "compared")[..6], [0xff, 0xff, 1, 0, 1, 0]);
}

#[test]
fn a_page_without_a_place_for_data_is_refused() {
    let nothing = assemble(Inputs::default());
    assert_eq!(with_page("<html></html>", None, &nothing), Err(Missing));
    assert!(Missing.hint().contains("cargo run -p xtask -- web"));
}

#[test]
fn the_engine_comes_with_a_model_only() {
    let mut assembled = assemble(Inputs::default());
    let html = |assembled: &Assembled| with_page(PAGE, Some(b"engine"), assembled).expect("a page");
    assert!(!html(&assembled).contains("blob-engine"));
    assembled.blobs.push(Blob::new("model", b"model".to_vec()));
    assert_eq!(unpacked(element(&html(&assembled), "blob-engine")), b"engine");
}

proptest! {
    /// Whatever a name holds, the document reads back as it was, and the page has the elements it had.
    #[test]
    fn text_stays_text(
        name in "(</script>|<!--|<script|[<>&\"'\\\\$`\u{2028}\u{202e}\u{0}a])*",
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut assembled = assemble(Inputs { name: name.clone(), ..Inputs::default() });
        assembled.blobs.push(Blob::new("rows", bytes.clone()));
        let html = with_page(PAGE, None, &assembled).expect("a page");
        prop_assert_eq!(html.matches("<script").count(), 2);
        prop_assert_eq!(html.matches("</script>").count(), 2);
        prop_assert!(!html.contains("<!--"));
        let document: Value = serde_json::from_str(element(&html, "report")).expect("JSON");
        prop_assert_eq!(document["name"].as_str(), Some(&name[..]));
        prop_assert_eq!(unpacked(element(&html, "blob-rows")), bytes);
    }
}
