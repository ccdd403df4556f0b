use std::collections::HashMap;

use insta::assert_snapshot;
use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};

use crate::graph::{ModelFile, Preprocessing, Weights, from_safetensors, to_safetensors};
use crate::recipe::{Initializer, graph_of};

fn model() -> ModelFile {
    let layers = [
        "conv 3 3x3 same no_bias",
        "batch_norm epsilon 0.0001 leaky_relu 0.2",
        "conv 3 1x1 hard_swish",
        "add batch_norm1 relu",
        "dropout 0.3",
        "avg_pool 2",
        "flatten",
        "dense 2",
    ];
    let graph = graph_of([4, 4, 2], &layers).unwrap();
    let weights = Weights::initial(&graph, Initializer::GlorotUniform, 1);
    let preprocessing = Preprocessing { mean: vec![0.1, 0.2], std: vec![0.3, 1.5], ..Preprocessing::new(2) };
    ModelFile { graph, weights, classes: vec!["cat \"a\"".into(), "dög".into()], preprocessing }
}

/// A safetensors file with these tensors and metadata.
fn file(tensors: &[(&str, Dtype, &[usize])], metadata: &[(&str, String)]) -> Vec<u8> {
    let size = |dtype: Dtype, shape: &[usize]| shape.iter().product::<usize>() * dtype.bitsize() / 8;
    let data: Vec<_> = tensors.iter().map(|(_, dtype, shape)| vec![0; size(*dtype, shape)]).collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|((name, dtype, shape), data)| (*name, TensorView::new(*dtype, shape.to_vec(), data).unwrap()));
    let metadata: HashMap<_, _> =
        metadata.iter().map(|(key, text)| ((*key).to_owned(), text.clone())).collect();
    safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata)).unwrap()
}

fn rejected(bytes: &[u8]) -> String {
    let error = from_safetensors(bytes).expect_err("these bytes must be rejected");
    match error.hint() {
        Some(hint) => format!("error: {error}\nhint: {hint}"),
        None => format!("error: {error}"),
    }
}

/// Metadata of a dense layer with `units` outputs on one pixel of two channels.
fn dense(units: usize, classes: &str, preprocessing: &str) -> (&'static str, String) {
    let layer = format!(
        r#"{{"name":"d","layer":{{"dense":{{"units":{units},"bias":true}}}},"activation":"identity","from":null,"with":null}}"#
    );
    let text = format!(
        r#"{{"schema":"seamripper.model/1","input":[1,1,2],"layers":[{layer}],"classes":{classes},"preprocessing":{preprocessing}}}"#
    );
    ("seamripper", text)
}

const PLAIN: &str = r#"{"scale":0.1,"mean":[0,0],"std":[1,1]}"#;

#[test]
fn a_model_reads_back_equal() {
    let bytes = to_safetensors(&model()).unwrap();
    assert_eq!(from_safetensors(&bytes).unwrap(), model());
}

#[test]
fn groups_are_written_only_where_there_are_some() {
    let layers =
        ["conv 4 1x1", "conv 4 3x3 same groups 2", "depthwise 3x3 multiplier 2", "flatten", "dense 2"];
    let graph = graph_of([4, 4, 2], &layers).unwrap();
    let weights = Weights::initial(&graph, Initializer::GlorotUniform, 1);
    let classes = vec!["a".into(), "b".into()];
    let model = ModelFile { graph, weights, classes, preprocessing: Preprocessing::new(2) };
    let bytes = to_safetensors(&model).unwrap();
    assert_eq!(from_safetensors(&bytes).unwrap(), model);
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(text.matches("groups").count(), 1);
    assert!(text.contains("depthwise"), "{text}");
}

#[test]
fn equal_models_give_equal_bytes() {
    let bytes = to_safetensors(&model()).unwrap();
    for _ in 0..20 {
        assert_eq!(to_safetensors(&model()).unwrap(), bytes);
    }
    let mut other = model();
    other.weights.values[3] += 1.0;
    assert_ne!(to_safetensors(&other).unwrap(), bytes);
}

#[test]
fn the_format_is_the_published_one() {
    let bytes = to_safetensors(&model()).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_snapshot!(header.metadata().as_ref().unwrap()["seamripper"], @r#"{"schema":"seamripper.model/1","input":[4,4,2],"layers":[{"name":"conv1","layer":{"conv":{"filters":3,"kernel":[3,3],"stride":[1,1],"padding":"same","bias":false}},"activation":"identity","from":null,"with":null},{"name":"batch_norm1","layer":{"batch_norm":{"epsilon":0.0001,"momentum":0.99}},"activation":{"leaky_relu":0.2},"from":null,"with":null},{"name":"conv2","layer":{"conv":{"filters":3,"kernel":[1,1],"stride":[1,1],"padding":"valid","bias":true}},"activation":"hard_swish","from":null,"with":null},{"name":"add1","layer":"add","activation":"relu","from":null,"with":"batch_norm1"},{"name":"dropout1","layer":{"dropout":{"rate":0.3}},"activation":"identity","from":null,"with":null},{"name":"avg_pool1","layer":{"avg_pool":{"size":[2,2],"stride":[2,2],"padding":"valid"}},"activation":"identity","from":null,"with":null},{"name":"flatten1","layer":"flatten","activation":"identity","from":null,"with":null},{"name":"dense1","layer":{"dense":{"units":2,"bias":true}},"activation":"identity","from":null,"with":null}],"classes":["cat \"a\"","dög"],"preprocessing":{"scale":0.003921569,"mean":[0.1,0.2],"std":[0.3,1.5]}}"#);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("dense1.kernel").unwrap().shape(), [12, 2]);
    assert_eq!(tensors.len(), model().graph.parameters.len());
}

#[test]
fn values_keep_their_bits() {
    let mut model = model();
    let odd = [f32::NAN, f32::INFINITY, -0.0, f32::MIN_POSITIVE / 8.0, f32::MAX];
    model.weights.values[..5].copy_from_slice(&odd);
    let read = from_safetensors(&to_safetensors(&model).unwrap()).unwrap();
    let bits = |weights: &Weights| weights.values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read.weights), bits(&model.weights));
}

#[test]
fn parts_that_do_not_belong_together_are_not_written() {
    let told = |change: fn(&mut ModelFile)| {
        let mut model = model();
        change(&mut model);
        to_safetensors(&model).expect_err("must not be written").to_string()
    };
    assert_snapshot!(told(|model| model.weights.values.truncate(3)), @"weights: expected 104 values, found 3");
    assert_snapshot!(told(|model| model.classes.truncate(1)), @"classes: expected 2 names, one an output, found 1");
    assert_snapshot!(told(|model| model.preprocessing.std[1] = 0.0), @"preprocessing: expected a std above 0, found 0");
    assert_snapshot!(told(|model| model.preprocessing.mean.truncate(1)), @"preprocessing: expected 2 values of mean, found 1");
    assert_snapshot!(told(|model| model.preprocessing.mean[0] = f32::NAN), @"preprocessing: expected a finite mean, found NaN");
    assert_snapshot!(told(|model| model.preprocessing.scale = -1.0), @"preprocessing: expected a scale above 0, found -1");
}

#[test]
#[should_panic(expected = "must be rejected")]
fn rejected_fails_on_a_good_file() {
    rejected(&to_safetensors(&model()).unwrap());
}

#[test]
fn a_file_cut_anywhere_is_rejected() {
    let bytes = to_safetensors(&model()).unwrap();
    for length in 0..bytes.len() {
        assert!(from_safetensors(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
    assert_snapshot!(rejected(&bytes[..bytes.len() - 1]), @r"
    error: safetensors header: expected one that describes the file's 2439 bytes, found: incomplete metadata, file not fully covered
    hint: the file is damaged or was not written to the end
    ");
    assert_snapshot!(rejected(&[]), @r"
    error: safetensors header: expected one that describes the file's 0 bytes, found: header too small
    hint: the file is damaged or was not written to the end
    ");
    assert_snapshot!(rejected(b"not a model at all"), @r"
    error: safetensors header: expected one that describes the file's 18 bytes, found: header too large
    hint: the file is damaged or was not written to the end
    ");
}

#[test]
fn a_header_that_claims_much_is_rejected() {
    let mut bytes = u64::MAX.to_le_bytes().to_vec();
    bytes.extend(b"{}");
    assert_snapshot!(rejected(&bytes), @r"
    error: safetensors header: expected one that describes the file's 10 bytes, found: header too large
    hint: the file is damaged or was not written to the end
    ");
    let header = format!(r#"{{"a":{{"dtype":"F32","shape":[{0},{0}],"data_offsets":[0,8]}}}}"#, 1_u64 << 40);
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 8]);
    assert_snapshot!(rejected(&bytes), @r"
    error: safetensors header: expected one that describes the file's 96 bytes, found: overflow computing buffer size from shape and/or element type
    hint: the file is damaged or was not written to the end
    ");
    let huge = dense(1 << 62, "[]", PLAIN);
    assert_snapshot!(rejected(&file(&[], &[huge])), @"error: layers in the safetensors metadata: layer d: expected at most 2,147,483,648 values an image, found [1, 1, 4611686018427387904]");
}

#[test]
fn a_file_of_somebody_else_is_rejected() {
    let tensors: &[(&str, Dtype, &[usize])] = &[("w", Dtype::F32, &[2])];
    assert_snapshot!(rejected(&file(tensors, &[])), @r"
    error: safetensors metadata: expected the key `seamripper`, found none
    hint: only files written by seamripper say how their layers connect
    ");
    assert_snapshot!(rejected(&file(tensors, &[("format", "pt".into())])), @r"
    error: safetensors metadata: expected the key `seamripper`, found `format`
    hint: only files written by seamripper say how their layers connect
    ");
    assert_snapshot!(rejected(&file(tensors, &[("seamripper", r#"{"schema":"seamripper.model/9"}"#.into())])), @r#"
    error: safetensors metadata: expected schema "seamripper.model/1", found "seamripper.model/9"
    hint: read it with the version of seamripper that wrote it
    "#);
    assert_snapshot!(rejected(&file(tensors, &[("seamripper", "{}".into())])), @r#"
    error: safetensors metadata: expected schema "seamripper.model/1", found none
    hint: read it with the version of seamripper that wrote it
    "#);
    assert_snapshot!(rejected(&file(tensors, &[("seamripper", "[".into())])), @"error: safetensors metadata: expected the fields of seamripper.model/1, found: EOF while parsing a list at line 1 column 1");
    assert_snapshot!(rejected(&file(tensors, &[("seamripper", r#"{"schema":"seamripper.model/1","inputs":1}"#.into())])), @"error: safetensors metadata: expected the fields of seamripper.model/1, found: unknown field `inputs`, expected one of `schema`, `input`, `layers`, `classes`, `preprocessing` at line 1 column 39");
}

#[test]
fn tensors_that_do_not_fit_are_all_listed() {
    let two = dense(2, r#"["a","b"]"#, PLAIN);
    let tensors: &[(&str, Dtype, &[usize])] =
        &[("d.kernel", Dtype::F16, &[2, 2]), ("d.bais", Dtype::F32, &[2]), ("zzz", Dtype::I64, &[1])];
    assert_snapshot!(rejected(&file(tensors, std::slice::from_ref(&two))), @r"
    error: tensors: expected d.kernel F32 [2, 2], found F16 [2, 2]
      expected d.bias [2], found none (there is d.bais)
      expected no d.bais, found [2]
      expected no zzz, found [1]
    ");
    let tensors: &[(&str, Dtype, &[usize])] =
        &[("d.kernel", Dtype::F32, &[2, 3]), ("d.bias", Dtype::F32, &[2])];
    assert_snapshot!(rejected(&file(tensors, &[two])), @"error: tensors: expected d.kernel F32 [2, 2], found F32 [2, 3]");
}

#[test]
fn parts_that_do_not_belong_together_are_not_read() {
    let tensors: &[(&str, Dtype, &[usize])] =
        &[("d.kernel", Dtype::F32, &[2, 2]), ("d.bias", Dtype::F32, &[2])];
    assert_snapshot!(rejected(&file(tensors, &[dense(2, r#"["a"]"#, PLAIN)])), @"error: classes: expected 2 names, one an output, found 1");
    let flat = r#"{"scale":0.1,"mean":[0],"std":[1,1]}"#;
    assert_snapshot!(rejected(&file(tensors, &[dense(2, r#"["a","b"]"#, flat)])), @"error: preprocessing: expected 2 values of mean, found 1");
    assert_snapshot!(rejected(&file(tensors, &[dense(0, "[]", PLAIN)])), @"error: layers in the safetensors metadata: layer d: expected units of at least 1, found 0");
    assert!(from_safetensors(&file(tensors, &[dense(2, r#"["a","b"]"#, PLAIN)])).is_ok());
}

#[test]
fn preprocessing_is_what_it_says() {
    let preprocessing = Preprocessing::of(1.0 / 255.0, vec![0.5], vec![0.25]);
    assert_eq!(preprocessing.value(0, 0), -2.0);
    assert!((preprocessing.value(255, 0) - 2.0).abs() < 1e-6);
    assert!((Preprocessing::new(1).value(255, 0) - 1.0).abs() < 1e-7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_change_of_a_byte_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = to_safetensors(&model()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = from_safetensors(&bytes) {
            prop_assert_eq!(read.weights.values.len(), read.graph.parameter_count());
        }
    }
}

#[test]
fn preprocessing_of_a_255th_is_a_division_by_255() {
    for pixel in 0..=255 {
        assert_eq!(Preprocessing::new(1).value(pixel, 0).to_bits(), (f32::from(pixel) / 255.0).to_bits());
    }
    let colour = Preprocessing::of(1.0, vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 4.0]);
    let mut values = [0.0; 6];
    colour.apply(&[1, 4, 3, 3, 2, 7], &mut values);
    assert_eq!(values, [0.0, 1.0, 0.0, 2.0, 0.0, 1.0]);
}
