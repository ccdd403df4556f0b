use super::*;

fn names(heads: &[Head]) -> Vec<(&str, usize)> {
    heads.iter().map(|head| (head.name.as_str(), head.line)).collect()
}

#[test]
fn words_in_comments_and_strings_are_no_code() {
    let text = r####"
// bad
/* bad /* bad */ bad */
/// bad
let a = "bad \" bad";
let b = r#"bad " bad"#;
let c = br"bad";
let d: &'static str = "";
let e = ('"', '\'', b'"', '\u{1F600}');
bad();
"####;
    let source = Source::new(text);
    assert_eq!(source.lines_of_word("bad"), [10]);
    assert_eq!(source.lines_of_word("static"), [8]);
}

#[test]
fn words_end_where_names_end() {
    let source = Source::new("unsafe_code; un_unsafe; unsafe{} println!(); eprintln!(); std::fs::read()");
    assert_eq!(source.lines_of_word("unsafe").len(), 1);
    assert_eq!(source.lines_of_word("println!").len(), 1);
}

#[test]
fn tests_are_left_out() {
    let text = "use a;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\n#[allow(x, reason = \"y\")]\nfn f(x: [u8; 2]) {\n  bad();\n}\nuse b;\n";
    let source = Source::new(text);
    assert_eq!(source.lines_of_code(), 9);
    let source = source.without_tests();
    assert_eq!(source.lines_of_code(), 2);
    assert!(source.lines_of_word("bad").is_empty());
    assert_eq!(source.lines_of_word("b"), [9]);
}

#[test]
fn heads_of_paths_and_groups() {
    let text = "use crate::engine::{Engine, Wants};\nuse crate::{\n    graph::{Graph, sub::X},\n    random::Stream,\n    *,\n};\nlet x = crate::fail::f();\npub(crate) fn crate_x() {}\nuse other::crate_y;\n";
    let heads = Source::new(text).heads("crate");
    assert_eq!(names(&heads), [("engine", 1), ("graph", 3), ("random", 4), ("*", 5), ("fail", 7)]);
}

#[test]
fn a_renamed_root_is_everything() {
    let source = Source::new("use seamripper_kernels as k;\nuse seamripper_kernels::warp as w;");
    assert_eq!(names(&source.heads("seamripper_kernels")), [("*", 1), ("warp", 2)]);
}

#[test]
fn the_root_is_the_first_segment() {
    let source = Source::new("use ::std::fs;\nlet x = my::std::env;\nlet y = <T as X>::std::net;");
    assert_eq!(names(&source.heads("std")), [("fs", 1)]);
}

#[test]
fn heads_above() {
    let source = Source::new("use super::x;\nuse super::super::engine::Y;\nuse super::super::super::z;");
    assert_eq!(names(&source.heads_above(2)), [("engine", 2)]);
}
