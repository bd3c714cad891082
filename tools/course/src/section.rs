//! Finds a section of the book from the address that a test names: `memory.md#copy-on-write`.

use std::{fmt, fs, path::Path};

/// A section of the book, as a reader finds it: in the browser, or in the source.
#[derive(Debug, PartialEq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Its address below the book's root: `memory.html#copy-on-write`.
    pub page: String,
    /// Where its source is, from the root of the course: `src/memory.md:120`.
    pub source: String,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"  {}  ({})", self.title, self.page, self.source)
    }
}

/// The section at an address such as `memory.md#copy-on-write`; none when the book has no such heading.
pub fn find(root: &Path, address: &str) -> Option<Section> {
    let (file, id) = address.split_once('#')?;
    search(root, file, |heading| heading == id)
}

/// The section that presents step `number` (from 1) of a chapter: `Step 1: lost updates`.
pub fn of_step(root: &Path, chapter: &str, number: usize) -> Option<Section> {
    let start = format!("step-{number}-");
    search(root, &format!("{chapter}.md"), |heading| {
        heading.starts_with(&start)
    })
}

/// The title of a chapter: the first heading of its page.
pub fn title(root: &Path, chapter: &str) -> Option<String> {
    let text = fs::read_to_string(root.join("src").join(format!("{chapter}.md"))).ok()?;
    headings(&text).next().map(|(_, title, _)| title)
}

/// What a sentence calls a chapter: its title in the summary, up to a colon (`Memory` of `Memory: who sees my write?`).
pub fn short_title(root: &Path, chapter: &str) -> Option<String> {
    let text = fs::read_to_string(root.join("src/SUMMARY.md")).ok()?;
    let title = outside_fences(&text).find_map(|(_, line)| {
        let (_, link) = line.split_once('[')?;
        let (title, target) = link.split_once("](")?;
        let page = target.split(')').next()?.trim_start_matches("./");
        (page.strip_suffix(".md") == Some(chapter)).then_some(title)
    })?;
    let title = title.split(':').next().unwrap_or(title);
    Some(title.trim().replace('`', "")).filter(|title| !title.is_empty())
}

fn search(root: &Path, file: &str, wanted: impl Fn(&str) -> bool) -> Option<Section> {
    let text = fs::read_to_string(root.join("src").join(file)).ok()?;
    let (line, title, id) = headings(&text).find(|(_, _, id)| wanted(id))?;
    let page = file.strip_suffix(".md").unwrap_or(file);
    Some(Section {
        title,
        page: format!("{page}.html#{id}"),
        source: format!("src/{file}:{line}"),
    })
}

/// The headings of a Markdown text: line number, title, and the id that mdBook gives it.
fn headings(text: &str) -> impl Iterator<Item = (usize, String, String)> {
    outside_fences(text).filter_map(|(line, text)| {
        let title = text.trim_start_matches('#');
        let level = text.len() - title.len();
        if !(1..=6).contains(&level) || !title.starts_with([' ', '\t']) {
            return None;
        }
        let title = title.trim().trim_end_matches('#').trim_end();
        let (title, id) = match title.strip_suffix('}').and_then(|t| t.split_once("{#")) {
            Some((title, id)) => (title.trim_end(), id.to_owned()),
            None => (title, id_of(title)),
        };
        Some((line, title.replace('`', ""), id))
    })
}

/// The lines of a Markdown text that are in no fenced code block, with their numbers from 1.
pub fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return true,
            _ => {}
        }
        false
    })
}

/// mdBook's rule: letters and digits in lower case, white space as `-`, the rest left out.
fn id_of(title: &str) -> String {
    let kept = title.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_get_the_ids_that_mdbook_gives() {
        let text = "# Memory: who sees `my` write?\n\n```python\n# no heading\n```\n## Copy on write ##\n### Named {#other}\n#none\n";
        let found: Vec<_> = headings(text).collect();
        let expected = [
            (1, "Memory: who sees my write?", "memory-who-sees-my-write"),
            (6, "Copy on write", "copy-on-write"),
            (7, "Named", "other"),
        ];
        let expected: Vec<_> = expected
            .map(|(line, title, id)| (line, title.to_owned(), id.to_owned()))
            .into();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_summary_names_a_chapter_in_a_word_or_two() {
        let root = tempfile::tempdir().unwrap();
        let name = |chapter: &str| short_title(root.path(), chapter);
        assert_eq!(name("memory"), None, "there is no summary yet");
        fs::create_dir(root.path().join("src")).unwrap();
        let text = "# Summary\n\n[Introduction](introduction.md)\n\n- [What is a process?]()\n\
                    - [Memory: who sees my write?](./memory.md)\n  - [The `GIL`](gil.md)\n- [](untitled.md)\n";
        fs::write(root.path().join("src/SUMMARY.md"), text).unwrap();
        assert_eq!(name("introduction").as_deref(), Some("Introduction"));
        assert_eq!(name("memory").as_deref(), Some("Memory"));
        assert_eq!(name("gil").as_deref(), Some("The GIL"));
        assert_eq!(name("untitled"), None);
        assert_eq!(name("ipc"), None);
    }

    #[test]
    fn a_section_is_found_by_address_and_by_step() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("src")).unwrap();
        let text =
            "# Memory\n## Step 1: lost updates\n## Step 10: more\n## Two additions, one lost\n";
        fs::write(root.path().join("src/memory.md"), text).unwrap();
        let lost = find(root.path(), "memory.md#two-additions-one-lost").unwrap();
        assert_eq!(
            lost.to_string(),
            "\"Two additions, one lost\"  memory.html#two-additions-one-lost  (src/memory.md:4)"
        );
        assert_eq!(
            of_step(root.path(), "memory", 1).unwrap().source,
            "src/memory.md:2"
        );
        assert_eq!(of_step(root.path(), "memory", 2), None);
        assert_eq!(find(root.path(), "memory.md#nowhere"), None);
        assert_eq!(find(root.path(), "../../etc/passwd"), None);
    }
}
