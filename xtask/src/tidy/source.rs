//! Rust text as far as the rules need it: what is code, what is compiled for tests only, and which paths are named.
//!
//! *Idea*: comments become spaces, the insides of strings and characters `~`, line ends stay. A rule can then look for
//! words without finding them in prose, and a character's line is that of the file.
//!
//! Not ideal: this is no parser. A name made by a macro is not seen, nor is a path through a `use … as …` that renames
//! the crate itself (which is why that reads as an import of everything).

/// Code without comments, strings and, if asked for, tests.
#[derive(Clone, Debug)]
pub struct Source(Vec<char>);

/// A path's segment after its root, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The name; `*` for everything.
    pub name: String,
    /// Counted from 1.
    pub line: usize,
}

impl Source {
    /// The code in `text`.
    pub fn new(text: &str) -> Self {
        Self(blanked(&text.chars().collect::<Vec<_>>()))
    }

    /// The same without items under `#[cfg(test)]`.
    pub fn without_tests(&self) -> Self {
        let mut code = self.0.clone();
        let mut from = 0;
        let next = |code: &[char], from: usize| {
            ["#[cfg(test)]", "#[cfg(all(test,"]
                .iter()
                .filter_map(|attribute| find(code, from, attribute))
                .min()
        };
        while let Some(start) = next(&code, from) {
            let end = end_of_item(&code, start);
            for symbol in &mut code[start..end] {
                if *symbol != '\n' {
                    *symbol = ' ';
                }
            }
            from = end;
        }
        Self(code)
    }

    /// Lines with code on them.
    pub fn lines_of_code(&self) -> usize {
        self.0.split(|&symbol| symbol == '\n').filter(|line| line.iter().any(|c| !c.is_whitespace())).count()
    }

    /// Lines of every `word` that is not part of a longer name. A word may hold `::` and end with `!`.
    pub fn lines_of_word(&self, word: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&self.0, from, word) {
            from = at + word.chars().count();
            if self.is_word(at, from) {
                lines.push(self.line(at));
            }
        }
        lines
    }

    /// Lines of every `text`, wherever it stands.
    pub fn lines_of(&self, text: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&self.0, from, text) {
            from = at + 1;
            lines.push(self.line(at));
        }
        lines
    }

    /// What is named right below `root`: of `root::a::b` it is `a`, of `root::{a, b::c}` `a` and `b`, and of `root as r`
    /// `*`.
    pub fn heads(&self, root: &str) -> Vec<Head> {
        let mut heads = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&self.0, from, root) {
            from = at + root.chars().count();
            if self.is_word(at, from) && !self.ends_with_colons(at) {
                self.heads_at(from, &mut heads);
            }
        }
        heads
    }

    /// What `super::` names `levels` up; of longer and shorter chains nothing.
    pub fn heads_above(&self, levels: usize) -> Vec<Head> {
        let mut heads = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&self.0, from, "super") {
            from = at + "super".len();
            if !self.is_word(at, from) || self.ends_with_colons(at) {
                continue;
            }
            let mut found = 1;
            while let Some(next) = self.after_colons(from).filter(|&next| self.name(next) == "super") {
                from = next + "super".len();
                found += 1;
            }
            if found == levels {
                self.heads_at(from, &mut heads);
            }
        }
        heads
    }

    /// The names after `mod`.
    pub fn names_of_modules(&self) -> Vec<Head> {
        let mut names = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&self.0, from, "mod") {
            from = at + "mod".len();
            if self.is_word(at, from) {
                let name = self.after_space(from);
                names.push(Head { name: self.name(name), line: self.line(name) });
            }
        }
        names
    }

    fn line(&self, at: usize) -> usize {
        1 + self.0[..at].iter().filter(|&&symbol| symbol == '\n').count()
    }

    fn is_word(&self, start: usize, end: usize) -> bool {
        let named = |at: Option<&char>| at.is_some_and(|&symbol| is_name(symbol));
        !named(start.checked_sub(1).and_then(|before| self.0.get(before)))
            && !(named(self.0.get(end)) && is_name(self.0[end - 1]))
    }

    /// Whether what stands at `at` follows a segment of a path; `::std` after anything else begins one.
    fn ends_with_colons(&self, at: usize) -> bool {
        matches!(self.0[..at], [.., before, ':', ':'] if is_name(before) || before == '>')
    }

    fn after_space(&self, mut at: usize) -> usize {
        while self.0.get(at).is_some_and(|symbol| symbol.is_whitespace()) {
            at += 1;
        }
        at
    }

    fn after_colons(&self, at: usize) -> Option<usize> {
        let at = self.after_space(at);
        (self.0.get(at..at + 2)? == [':', ':']).then(|| self.after_space(at + 2))
    }

    fn name(&self, at: usize) -> String {
        self.0[at..].iter().take_while(|&&symbol| is_name(symbol)).collect()
    }

    fn heads_at(&self, at: usize, heads: &mut Vec<Head>) {
        let head = |at: usize| Head { name: self.name(at), line: self.line(at) };
        let Some(next) = self.after_colons(at) else {
            let next = self.after_space(at);
            if self.name(next) == "as" {
                heads.push(Head { name: "*".to_owned(), line: self.line(next) });
            }
            return;
        };
        match self.0.get(next) {
            Some('*') => heads.push(Head { name: "*".to_owned(), line: self.line(next) }),
            Some('{') => {
                let mut depth = 0;
                let mut first = false;
                for place in next..self.0.len() {
                    let symbol = self.0[place];
                    match symbol {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        return;
                    }
                    if depth == 1 && matches!(symbol, '{' | ',') {
                        first = true;
                    } else if first && is_name(symbol) {
                        heads.push(head(place));
                        first = false;
                    } else if first && symbol == '*' {
                        heads.push(Head { name: "*".to_owned(), line: self.line(place) });
                        first = false;
                    }
                }
            }
            Some(&symbol) if is_name(symbol) => heads.push(head(next)),
            _ => {}
        }
    }
}

fn is_name(symbol: char) -> bool {
    symbol.is_alphanumeric() || symbol == '_'
}

fn find(code: &[char], from: usize, text: &str) -> Option<usize> {
    let wanted: Vec<char> = text.chars().collect();
    (from..(code.len() + 1).saturating_sub(wanted.len())).find(|&at| code[at..].starts_with(&wanted))
}

/// Where the item at `start` ends, its attributes included: after its block, or after its semicolon.
fn end_of_item(code: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    for at in start..code.len() {
        match code[at] {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The code with comments as spaces and the insides of literals as `~`.
fn blanked(text: &[char]) -> Vec<char> {
    let mut code = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        let (end, filler) = match text[at] {
            '/' if text.get(at + 1) == Some(&'/') => (end_of_line(text, at), ' '),
            '/' if text.get(at + 1) == Some(&'*') => (end_of_block_comment(text, at), ' '),
            '"' => (end_of_string(text, at), '~'),
            'r' if raw_hashes(text, at).is_some() => {
                let hashes = raw_hashes(text, at).unwrap_or(0);
                (end_of_raw_string(text, at + hashes + 2, hashes), '~')
            }
            '\'' => match end_of_character(text, at) {
                Some(end) => (end, '~'),
                None => (at + 1, '\''),
            },
            symbol => (at + 1, symbol),
        };
        let inside = if filler == '~' { at + 1..end.saturating_sub(1).max(at + 1) } else { at..end };
        for symbol in &mut code[inside] {
            if *symbol != '\n' {
                *symbol = filler;
            }
        }
        at = end;
    }
    code
}

fn end_of_line(text: &[char], at: usize) -> usize {
    text[at..].iter().position(|&symbol| symbol == '\n').map_or(text.len(), |length| at + length)
}

fn end_of_block_comment(text: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < text.len() {
        match text.get(at..at + 2) {
            Some(['/', '*']) => (depth, at) = (depth + 1, at + 2),
            Some(['*', '/']) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(text: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while end < text.len() && text[end] != '"' {
        end += if text[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(text.len())
}

/// How many hashes open the raw string at `at`, if there is one.
fn raw_hashes(text: &[char], at: usize) -> Option<usize> {
    let part_of_name = match text[..at] {
        [.., before, 'b' | 'c'] => is_name(before),
        ['b' | 'c'] => false,
        [.., before] => is_name(before),
        [] => false,
    };
    let hashes = text[at + 1..].iter().take_while(|&&symbol| symbol == '#').count();
    (!part_of_name && text.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn end_of_raw_string(text: &[char], mut at: usize, hashes: usize) -> usize {
    while at < text.len() {
        let closes =
            text[at] == '"' && text[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        if closes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    text.len()
}

/// Where the character at `at` ends; `None` for a lifetime.
fn end_of_character(text: &[char], at: usize) -> Option<usize> {
    if text.get(at + 1) == Some(&'\\') {
        let close = text.get(at + 3..)?.iter().position(|&symbol| symbol == '\'')?;
        return Some(at + 3 + close + 1);
    }
    (text.get(at + 2) == Some(&'\'')).then_some(at + 3)
}

#[cfg(test)]
mod tests;
