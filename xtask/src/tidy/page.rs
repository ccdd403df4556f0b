//! What the rules read from a Markdown page: tables that a comment marks, and links.

/// One line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1.
    pub line: usize,
    /// Cells without surrounding space.
    pub cells: Vec<String>,
}

impl Row {
    /// The names in a cell: what stands in backticks.
    pub fn names(&self, column: usize) -> Vec<&str> {
        let cell = self.cells.get(column).map_or("", String::as_str);
        cell.split('`').skip(1).step_by(2).collect()
    }
}

/// The rows of the table after the line `<!-- tidy: NAME -->`, without its head; `None` if there is no such line.
pub fn table(text: &str, name: &str) -> Option<Vec<Row>> {
    let marker = format!("<!-- tidy: {name} -->");
    let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| line.trim() != marker);
    lines.next()?;
    let rows =
        lines.skip_while(|(_, line)| line.trim().is_empty()).take_while(|(_, line)| line.starts_with('|'));
    let cells =
        |line: &str| line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    Some(rows.skip(2).map(|(line, text)| Row { line, cells: cells(text) }).collect())
}

/// A link of a page to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Counted from 1.
    pub line: usize,
    /// As written, without what follows `#`.
    pub target: String,
}

/// The links of `text` to files; not those to other sites, to places in the page, or in code.
pub fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let prose: String = text.split('`').step_by(2).collect();
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let defined =
            prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        for target in inline.chain(defined) {
            let target = target.split_whitespace().next().unwrap_or_default().trim_matches(['<', '>']);
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                links.push(Link { line, target: target.to_owned() });
            }
        }
    }
    links
}

/// The path from the root of what `target` means on the page at `path`.
pub fn resolved(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_table_has_rows_and_names() {
        let text = "| no | table |\n|---|---|\n| x | y |\n\n<!-- tidy: rooms -->\n| a | b |\n|---|---|\n| `x` | `y`, `z` and w |\n\n| q |\n";
        let rows = table(text, "rooms").unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].line, 8);
        assert_eq!(rows[0].names(1), ["y", "z"]);
        assert!(rows[0].names(2).is_empty());
        assert_eq!(table(text, "limits"), None);
    }

    #[test]
    fn links_are_those_of_prose() {
        let text = "[a](x.md#part) `[b](y.md)` [`c`](<z.md>) [d](https://e.org/f.md) [g](#h)\n```\n[i](j.md)\n```\n[k]: l.md \"title\"\n";
        let targets: Vec<_> = links(text).into_iter().map(|link| (link.line, link.target)).collect();
        let expected = [(1, "x.md"), (1, "z.md"), (5, "l.md")];
        assert_eq!(targets, expected.map(|(line, target)| (line, target.to_owned())));
    }

    #[test]
    fn targets_are_relative_to_the_page() {
        assert_eq!(resolved("docs/a.md", "../README.md"), "README.md");
        assert_eq!(resolved("docs/a.md", "b.md"), "docs/b.md");
        assert_eq!(resolved("README.md", "./docs/"), "docs");
    }
}
