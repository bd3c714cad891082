//! Checks every link of the built pages: the file must be there, and so must the anchor.
//!
//! It looks at the HTML, not at the Markdown: only there is it known what mdBook made of each heading.

use crate::Error;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Chapters once more: the first one as the front page, and all of them on one page to print.
const COPIES: [&str; 2] = ["index.html", "print.html"];

/// What is wrong with the links of the site in `dir`, one line for each; empty when all is well.
///
/// Links to other hosts are not followed, but a page that loads a script, a style or a picture from one is reported:
/// the book works without a network.
pub fn check(dir: &Path) -> Result<Vec<String>, Error> {
    let mut pages = BTreeMap::new();
    read_pages(dir, dir, &mut pages)?;
    let is_copy = |path: &Path| COPIES.iter().any(|copy| path == Path::new(copy));
    let mut wrong = Vec::new();
    for (path, page) in pages.iter().filter(|(path, _)| !is_copy(path)) {
        check_page(dir, path, page, &pages, &mut wrong);
    }
    // What is wrong in a chapter is wrong in its copy too: do not say it twice.
    if wrong.is_empty() {
        for (path, page) in pages.iter().filter(|(path, _)| is_copy(path)) {
            check_page(dir, path, page, &pages, &mut wrong);
        }
    }
    Ok(wrong)
}

fn check_page(
    dir: &Path,
    path: &Path,
    page: &Page,
    pages: &BTreeMap<PathBuf, Page>,
    wrong: &mut Vec<String>,
) {
    for id in &page.repeated {
        wrong.push(format!(
            "{}: two elements have the id `{id}`",
            path.display()
        ));
    }
    let mut said = BTreeSet::new();
    for link in &page.links {
        if let Err(why) = follow(dir, path, page, link, pages)
            && said.insert(&link.target)
        {
            wrong.push(format!("{}: {}: {why}", path.display(), link.target));
        }
    }
}

fn follow(
    dir: &Path,
    from: &Path,
    page: &Page,
    link: &Link,
    pages: &BTreeMap<PathBuf, Page>,
) -> Result<(), &'static str> {
    let target = link.target.as_str();
    if let Some((scheme, _)) = target.split_once(':').filter(|(scheme, _)| {
        scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    }) {
        let foreign = link.is_resource && scheme != "data";
        return if foreign {
            Err("the page loads this from another host")
        } else {
            Ok(())
        };
    }
    if target.starts_with("//") {
        return Err("the page depends on another host");
    }
    let (address, fragment) = target.split_once('#').unwrap_or((target, ""));
    let address = decode(address.split('?').next().unwrap_or_default());
    let fragment = decode(fragment);

    let mut file = if address.is_empty() {
        from.to_owned()
    } else {
        resolve(from, page.base.as_deref(), &address).ok_or("outside the site")?
    };
    if dir.join(&file).is_dir() {
        file.push("index.html");
    }
    if !dir.join(&file).is_file() {
        return Err("no such file");
    }
    match pages.get(&file) {
        Some(page) if !fragment.is_empty() && !page.ids.contains(fragment.as_str()) => {
            Err("no such anchor on that page")
        }
        _ => Ok(()),
    }
}

/// The file that `address` means on the page `from`, relative to the site's folder.
fn resolve(from: &Path, base: Option<&str>, address: &str) -> Option<PathBuf> {
    let (start, address) = match (address.strip_prefix('/'), base) {
        (Some(address), _) => (PathBuf::new(), address),
        (None, Some(base)) => (PathBuf::from(base.trim_matches('/')), address),
        (None, None) => (from.parent()?.to_owned(), address),
    };
    let mut path = PathBuf::new();
    for part in start.join(address).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => path.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Undoes `%41`.
pub(crate) fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match hex.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Default)]
struct Page {
    ids: BTreeSet<String>,
    repeated: BTreeSet<String>,
    links: Vec<Link>,
    base: Option<String>,
}

struct Link {
    target: String,
    /// Loaded with the page, not followed by the reader.
    is_resource: bool,
}

fn read_pages(dir: &Path, folder: &Path, pages: &mut BTreeMap<PathBuf, Page>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if path.is_dir() {
            read_pages(dir, &path, pages)?;
        } else if path.extension().is_some_and(|ending| ending == "html") {
            let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
            pages.insert(
                path.strip_prefix(dir).unwrap_or(&path).to_owned(),
                parse(&text),
            );
        }
    }
    Ok(())
}

fn parse(html: &str) -> Page {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Collector::default(), TokenizerOpts::default());
    // Only a sink that runs scripts pauses it.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[derive(Default)]
struct Collector(RefCell<Page>);

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else {
            return TokenSinkResult::Continue;
        };
        if tag.kind != TagKind::StartTag {
            return TokenSinkResult::Continue;
        }
        self.0.borrow_mut().note(&tag);
        match &*tag.name {
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }
}

impl Page {
    fn note(&mut self, tag: &Tag) {
        let element = &*tag.name;
        for attribute in &tag.attrs {
            let value = attribute.value.to_string();
            match (&*attribute.name.local, element) {
                ("id", _) if self.ids.contains(&value) => drop(self.repeated.insert(value)),
                ("id", _) => drop(self.ids.insert(value)),
                ("name", "a") => drop(self.ids.insert(value)),
                ("href", "base") => self.base = Some(value),
                ("href" | "xlink:href", "a" | "area") => self.links.push(Link {
                    target: value,
                    is_resource: false,
                }),
                ("href" | "xlink:href", "link" | "use" | "image")
                | ("src" | "poster", _)
                | ("data", "object") => self.links.push(Link {
                    target: value,
                    is_resource: true,
                }),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`check`] says of a site of these pages.
    fn wrong(pages: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in pages {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        check(dir.path()).unwrap()
    }

    #[test]
    fn good_links_of_every_kind() {
        let index = r##"<h2 id="top">T</h2><a href="#top"></a><a href="#"></a><a href="deep/page.html#%C3%BC&amp;x"></a>
            <a href="deep/"></a><a href="https://example.org/#any"></a><a href="mailto:a@b"></a><a href="listing.py?x=1"></a>
            <img src="data:image/png;base64,AA=="><script>"<a href='nowhere.html'>"</script><!-- <a href="nowhere.html"> -->"##;
        let deep =
            r#"<h2 id="ü&amp;x">Ü</h2><a href="../index.html#top"></a><a href="/index.html"></a>"#;
        let pages = [
            ("index.html", index),
            ("deep/page.html", deep),
            ("deep/index.html", ""),
            ("listing.py", ""),
        ];
        assert_eq!(wrong(&pages), Vec::<String>::new());
    }

    #[test]
    fn bad_links_of_every_kind() {
        let cases = [
            (
                r##"<a href="#gone">"##,
                "a.html: #gone: no such anchor on that page",
            ),
            (
                r#"<a href="b.html#gone">"#,
                "a.html: b.html#gone: no such anchor on that page",
            ),
            (r#"<a href="gone.html">"#, "a.html: gone.html: no such file"),
            (r#"<img src="gone.png">"#, "a.html: gone.png: no such file"),
            (
                r#"<a href="../../etc/passwd">"#,
                "a.html: ../../etc/passwd: outside the site",
            ),
            (
                r#"<script src="https://example.org/x.js">"#,
                "a.html: https://example.org/x.js: the page loads this from another host",
            ),
            (
                r#"<a href="//example.org/">"#,
                "a.html: //example.org/: the page depends on another host",
            ),
            (
                r#"<p id="x"><p id="x">"#,
                "a.html: two elements have the id `x`",
            ),
        ];
        for (page, expected) in cases {
            assert_eq!(wrong(&[("a.html", page), ("b.html", "")]), [expected]);
        }
    }

    #[test]
    fn the_page_for_what_is_not_there_starts_at_the_top() {
        let page = r#"<base href="/"><a href="a.html"></a><a href="gone.html"></a>"#;
        assert_eq!(
            wrong(&[("deep/404.html", page), ("a.html", "")]),
            ["deep/404.html: gone.html: no such file"]
        );
    }

    #[test]
    fn the_copies_are_checked_when_all_else_is_well() {
        let bad = r#"<a href="gone.html">"#;
        assert_eq!(
            wrong(&[("a.html", bad), ("print.html", bad)]),
            ["a.html: gone.html: no such file"]
        );
        assert_eq!(
            wrong(&[("a.html", ""), ("print.html", bad)]),
            ["print.html: gone.html: no such file"]
        );
    }
}
