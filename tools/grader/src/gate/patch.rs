//! The short form of an answer: only the items of a step that it changes, put in place of those of the solution.
//!
//! Items are told apart by their lines, as rustfmt lays them out: one begins at the left margin and ends with a line at the
//! left margin. An item replaces the one of the same kind and name. One that the solution doesn't have is added at the end.
//! Doc comments and attributes of the solution's item stay unless the new item brings its own. If the answer imports
//! anything, its `use` lines replace all those of the solution.

/// An item of a source file, with the comments and attributes in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    /// What it is, as `fn add` or `impl Default for Counter`; imports are all called `use`.
    name: String,
    /// Doc comments, attributes and plain comments, each line with its end.
    head: String,
    body: String,
}

/// Returns the solution's `text` with the items of `changes` in place of its own.
///
/// # Errors
/// Says what is wrong with `changes`: a line that is no item, an item that occurs twice or changes nothing.
pub fn apply(text: &str, changes: &str) -> Result<String, String> {
    let (preamble, mut items) =
        parse(text).map_err(|problem| format!("in the solution: {problem}"))?;
    let (_, changes) = parse(changes)?;
    if changes.is_empty() {
        return Err("it changes nothing".to_owned());
    }
    let (imports, changes): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|item| item.name == "use");
    if !imports.is_empty() {
        let all = |items: &[Item]| {
            items
                .iter()
                .map(|item| item.body.clone())
                .collect::<Vec<_>>()
        };
        let (old, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.name == "use");
        if all(&old) == all(&imports) {
            return Err("its imports are those of the solution (leave them out)".to_owned());
        }
        items = imports.into_iter().chain(rest).collect();
    }
    let mut seen = Vec::new();
    for mut change in changes {
        if seen.contains(&change.name) {
            return Err(format!("it has `{}` twice", change.name));
        }
        seen.push(change.name.clone());
        match items.iter_mut().find(|item| item.name == change.name) {
            Some(item) if item.body == change.body => {
                return Err(format!(
                    "it repeats `{}` unchanged (leave it out)",
                    change.name
                ));
            }
            Some(item) => {
                if change.head.is_empty() {
                    change.head = std::mem::take(&mut item.head);
                }
                *item = change;
            }
            None => items.push(change),
        }
    }
    let mut whole = preamble;
    for (number, item) in items.iter().enumerate() {
        // Imports stand together, everything else apart.
        let together = item.name == "use" && number > 0 && items[number - 1].name == "use";
        if !whole.is_empty() && !together {
            whole.push('\n');
        }
        whole.push_str(&item.head);
        whole.push_str(&item.body);
    }
    Ok(whole)
}

/// Splits a file into its inner doc comment and its items.
fn parse(text: &str) -> Result<(String, Vec<Item>), String> {
    let mut lines = text.split_inclusive('\n').peekable();
    let mut preamble = String::new();
    while let Some(line) = lines.next_if(|line| line.starts_with("//!")) {
        preamble.push_str(line);
    }
    let mut items = Vec::new();
    let mut head = String::new();
    while let Some(line) = lines.next() {
        let bare = line.trim_end();
        if bare.is_empty() {
            continue;
        }
        if bare.starts_with("//") || bare.starts_with("#[") {
            head.push_str(line);
            continue;
        }
        let Some(name) = name(bare) else {
            return Err(format!("`{bare}` begins no item at the left margin"));
        };
        let mut body = line.to_owned();
        // `fn f() {}` and `use a;` end where they begin; `fn f() {` and `fn f(` go on.
        let mut last = bare;
        let mut first = true;
        while !ends(last, first) {
            let Some(line) = lines.next() else {
                return Err(format!("`{name}` has no end at the left margin"));
            };
            body.push_str(line);
            last = line.trim_end();
            first = false;
        }
        items.push(Item {
            name,
            head: std::mem::take(&mut head),
            body,
        });
    }
    Ok((preamble, items))
}

/// Whether an item ends with this line; `first` if it is the one that it begins with.
fn ends(line: &str, first: bool) -> bool {
    if first {
        line.ends_with(';') || line.ends_with('}')
    } else {
        // `) -> u64 {` and `where` go on; `}`, `};` and `];` end it.
        !line.starts_with([' ', '\t'])
            && (line.starts_with('}') || line.ends_with(';'))
            && !line.ends_with('{')
    }
}

/// What the item that begins with this line is called.
fn name(line: &str) -> Option<String> {
    if line.starts_with([' ', '\t', '}', ')']) {
        return None;
    }
    let mut words = line;
    if let Some(rest) = words.strip_prefix("pub(") {
        words = rest.split_once(") ")?.1;
    }
    loop {
        let (first, rest) = words.split_once([' ', '<', '!']).unwrap_or((words, ""));
        let is_const_fn =
            first == "const" && (rest.starts_with("fn ") || rest.starts_with("unsafe "));
        match first {
            "pub" | "unsafe" | "async" => words = rest,
            "const" if is_const_fn => words = rest,
            "extern" => words = rest.split_once("\" ")?.1,
            "use" => return Some("use".to_owned()),
            "impl" => {
                let header = words.trim_end_matches(['{', '}', ' ']);
                return Some(header.to_owned());
            }
            "fn" | "mod" | "static" | "const" | "macro_rules" => {
                return Some(format!("{first} {}", identifier(rest)?));
            }
            // One namespace: a struct may be replaced by an enum.
            "struct" | "enum" | "union" | "trait" | "type" => {
                return Some(format!("type {}", identifier(rest)?));
            }
            _ => return None,
        }
    }
}

fn identifier(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '!']);
    let text = text.strip_prefix("mut ").unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLUTION: &str = "\
//! Step 1.

use std::io;
use std::thread;

/// A counter.
#[derive(Debug)]
pub struct Counter {
    value: u64,
}

impl Counter {
    /// Zero.
    pub fn new() -> Self {
        Self { value: 0 }
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds.
#[must_use]
pub fn add(
    a: u64,
    b: u64,
) -> u64
where
    u64: Copy,
{
    a + b
}

const LIMITS: [u64; 2] = [
    1,
    2,
];

pub(crate) fn nothing() {}
";

    #[test]
    fn every_item_has_a_name_and_an_end() {
        let (preamble, items) = parse(SOLUTION).expect("items");
        assert_eq!(preamble, "//! Step 1.\n");
        let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "use",
                "use",
                "type Counter",
                "impl Counter",
                "impl Default for Counter",
                "fn add",
                "const LIMITS",
                "fn nothing"
            ]
        );
        assert_eq!(items[5].head, "/// Adds.\n#[must_use]\n");
        assert!(items[5].body.ends_with("    a + b\n}\n"));
        assert!(items[6].body.ends_with("];\n"));
    }

    #[test]
    fn an_item_replaces_its_namesake_and_keeps_its_documentation() {
        let whole = apply(
            SOLUTION,
            "//! Wrong: it subtracts\n\npub fn add(a: u64, b: u64) -> u64 {\n    a - b\n}\n",
        );
        let expected = SOLUTION.replace(
            "pub fn add(\n    a: u64,\n    b: u64,\n) -> u64\nwhere\n    u64: Copy,\n{\n    a + b\n}",
            "pub fn add(a: u64, b: u64) -> u64 {\n    a - b\n}",
        );
        assert_eq!(whole.expect("applied"), expected);
        let own = apply(SOLUTION, "/// Its own.\npub fn add() {}\n").expect("applied");
        assert!(
            own.contains("}\n\n/// Its own.\npub fn add() {}\n\nconst"),
            "{own}"
        );
    }

    #[test]
    fn imports_are_replaced_together_and_new_items_come_last() {
        let whole = apply(SOLUTION, "use std::fs;\n\nfn helper() {\n}\n").expect("applied");
        assert!(
            whole.starts_with("//! Step 1.\n\nuse std::fs;\n\n/// A counter."),
            "{whole}"
        );
        assert!(
            whole.ends_with("fn nothing() {}\n\nfn helper() {\n}\n"),
            "{whole}"
        );
    }

    #[test]
    fn changes_that_change_nothing_or_are_no_items_are_refused() {
        for (changes, says) in [
            ("//! Wrong: nothing\n", "changes nothing"),
            (
                "pub(crate) fn nothing() {}\n",
                "repeats `fn nothing` unchanged",
            ),
            (
                "use std::io;\nuse std::thread;\n",
                "its imports are those of the solution",
            ),
            ("fn a() {}\n\nfn a() {}\n", "has `fn a` twice"),
            ("    a + b\n", "begins no item"),
            ("fn a() {\n    1\n", "`fn a` has no end"),
        ] {
            let problem = apply(SOLUTION, changes).expect_err("refused");
            assert!(problem.contains(says), "{says}: {problem}");
        }
    }
}
