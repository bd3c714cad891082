//! Finds a section of the book from the address that a test names: `memory.md#copy-on-write`.

use files::markdown::{headings, outside_fences};
use std::{fs, path::Path};

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

impl Section {
    /// How to get there: its address if `cargo course` is serving the book, else the line of its source.
    pub fn link(&self, root: &Path) -> String {
        let place = match book::serve::running(root) {
            Some(address) => format!("{address}/{}", self.page),
            None => self.source.clone(),
        };
        format!("\"{}\"  {place}", self.title)
    }
}

/// How to get to the page of a chapter, as [`Section::link`].
pub fn page(root: &Path, chapter: &str) -> String {
    match book::serve::running(root) {
        Some(address) => format!("{address}/{chapter}.html"),
        None => format!("src/{chapter}.md"),
    }
}

/// The section at an address such as `memory.md#copy-on-write`; none when the book has no such heading.
pub fn find(root: &Path, address: &str) -> Option<Section> {
    let (file, id) = address.split_once('#')?;
    search(root, file, |heading| heading == id)
}

/// The section, in the chapter's exercise or in the chapter, that presents step `number` (from 1) of a chapter: `Step 1: lost updates`.
pub fn of_step(root: &Path, chapter: &str, number: usize) -> Option<Section> {
    let start = format!("step-{number}-");
    let pages = [format!("{chapter}/exercise.md"), format!("{chapter}.md")];
    let mut found = pages
        .iter()
        .filter_map(|page| search(root, page, |heading| heading.starts_with(&start)));
    found.next()
}

/// The title of a chapter: the first heading of its page.
pub fn title(root: &Path, chapter: &str) -> Option<String> {
    let text = fs::read_to_string(root.join("src").join(format!("{chapter}.md"))).ok()?;
    headings(&text)
        .into_iter()
        .next()
        .map(|heading| heading.title)
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
    let heading = headings(&text)
        .into_iter()
        .find(|heading| wanted(&heading.id))?;
    let page = file.strip_suffix(".md").unwrap_or(file);
    Some(Section {
        title: heading.title,
        page: format!("{page}.html#{}", heading.id),
        source: format!("src/{file}:{}", heading.line),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            lost.link(root.path()),
            "\"Two additions, one lost\"  src/memory.md:4"
        );
        assert_eq!(lost.page, "memory.html#two-additions-one-lost");
        fs::create_dir(root.path().join("src/memory")).unwrap();
        let exercise = root.path().join("src/memory/exercise.md");
        fs::write(exercise, "# Build\n\n## Step 2: pages\n").unwrap();
        let second = of_step(root.path(), "memory", 2).unwrap();
        assert_eq!(second.page, "memory/exercise.html#step-2-pages");
        assert_eq!(
            of_step(root.path(), "memory", 1).unwrap().source,
            "src/memory.md:2"
        );
        assert_eq!(of_step(root.path(), "memory", 3), None);
        assert_eq!(find(root.path(), "memory.md#nowhere"), None);
        assert_eq!(find(root.path(), "../../etc/passwd"), None);
    }
}
