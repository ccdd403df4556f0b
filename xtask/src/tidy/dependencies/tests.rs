use super::check;
use crate::tidy::report::found;

const PAGE: &str = "<!-- tidy: dependencies -->
| dependency | used by | why |
|---|---|---|
| `rayon` | `kernels` | threads |
| `insta`, `proptest` | `tests` | tests |
";

const KERNELS: &str = "[package]\nname = \"seamripper-kernels\"\n[dependencies]\nrayon = \"1\"\n";
const CORE: &str = "[package]\nname = \"seamripper-core\"\n[dependencies]\nseamripper-kernels = \"1\"\n[dev-dependencies]\ninsta = \"1\"\nproptest = \"1\"\n";

fn problems(page: &str, kernels: &str) -> Vec<String> {
    found(
        check,
        &[
            ("ARCHITECTURE.md", page),
            ("crates/core/Cargo.toml", CORE),
            ("crates/kernels/Cargo.toml", kernels),
        ],
    )
}

#[test]
fn what_is_listed_is_tidy() {
    assert_eq!(problems(PAGE, KERNELS), [""; 0]);
}

#[test]
fn a_dependency_that_is_not_listed() {
    let manifest = KERNELS.replace("rayon = \"1\"", "rayon = \"1\"\nserde = \"1\"\nproptest = \"1\"");
    assert_eq!(
        problems(PAGE, &manifest),
        [
            "crates/kernels/Cargo.toml:5: `kernels` may not depend on `serde` (ARCHITECTURE.md, dependencies)",
            "crates/kernels/Cargo.toml:6: `kernels` may not depend on `proptest` (ARCHITECTURE.md, dependencies)",
        ]
    );
}

#[test]
fn a_row_that_is_not_used_or_has_no_reason() {
    let page = PAGE.replace("`kernels` | threads", "`kernels`, `core` | threads");
    assert_eq!(
        problems(&page, KERNELS),
        ["ARCHITECTURE.md:4: `rayon` is listed for `core`, which does not have it"]
    );
    let page = PAGE.replace("threads", "");
    assert_eq!(
        problems(&page, KERNELS),
        ["ARCHITECTURE.md:4: expected a reason for the dependency, found none"]
    );
    assert_eq!(problems("", KERNELS).len(), 1);
}
