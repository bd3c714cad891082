//! Loads an interactive element on the pages that use it, and on no other.
//!
//! `<memory-pages>` is defined by `src/widgets/memory-pages.js` and styled by `src/widgets/memory-pages.css`: a chapter that
//! brings an element brings these files and edits none that others share.
//!
//! The styles stand in the page itself, before the text, so that the page has its height before the module comes. A link
//! would not do: mdBook puts all chapters on one page to print, and there the path of a nested chapter's leads nowhere.
//! The module's path begins with `path_to_root`, which mdBook declares on every page.

use crate::Error;
use pulldown_cmark::{Event, Options, Parser};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// The text of a chapter, after the styles and modules of the elements in it. `src` is the folder of the chapters.
///
/// # Errors
/// When a style sheet is there and can't be read.
pub fn with_their_files(text: &str, src: &Path) -> Result<String, Error> {
    let mut files = String::new();
    for name in custom_elements(text) {
        let path = |ending: &str| src.join("widgets").join(format!("{name}.{ending}"));
        if !path("js").is_file() {
            continue; // another module's, or made by a directive
        }
        match fs::read_to_string(path("css")) {
            Ok(css) => {
                let _ = writeln!(files, "<style>\n{}\n</style>", css.trim_end());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Build(format!("{}: {error}", path("css").display()))),
        }
        let _ = writeln!(
            files,
            "<script type=\"module\">import(\"./\" + path_to_root + \"widgets/{name}.js\")</script>"
        );
    }
    Ok(if files.is_empty() {
        text.to_owned()
    } else {
        format!("{files}\n{text}")
    })
}

/// The names of the custom elements that begin in a text, outside code: those with a hyphen.
fn custom_elements(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        if let Event::Html(html) | Event::InlineHtml(html) = event {
            names.extend(html.split('<').skip(1).filter_map(|tag| {
                let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                let name = &tag[..tag.find(|c| !is_name(c)).unwrap_or(tag.len())];
                (name.contains('-') && !name.starts_with('-')).then(|| name.to_owned())
            }));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_page_loads_the_elements_it_uses_and_no_other() {
        let src = tempfile::tempdir().unwrap();
        fs::create_dir(src.path().join("widgets")).unwrap();
        for (file, text) in [
            ("a-b.js", ""),
            ("a-b.css", "a-b {\n}\n\nb {\n}\n"),
            ("plain-one.js", ""),
            ("other-one.js", ""),
        ] {
            fs::write(src.path().join("widgets").join(file), text).unwrap();
        }
        let shown = |text: &str| with_their_files(text, src.path()).unwrap();
        let text = "# Title\n\n<a-b>\n<table></table>\n</a-b>\n\nAn inline <plain-one></plain-one>, `<other-one>`, <no-file></no-file>.\n";
        let module = |name: &str| {
            format!(
                "<script type=\"module\">import(\"./\" + path_to_root + \"widgets/{name}.js\")</script>\n"
            )
        };
        assert_eq!(
            shown(text),
            format!(
                "<style>\na-b {{\n}}\n\nb {{\n}}\n</style>\n{}{}\n{text}",
                module("a-b"),
                module("plain-one")
            )
        );
        assert_eq!(shown("# Title\n"), "# Title\n");
    }
}
