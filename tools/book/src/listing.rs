//! Shows a program under its file name, and below it what it printed and on which Python.

use crate::directives::{escape, to_top};
use std::path::{Component, Path};

/// The remedy when the output is missing or strange.
const BLESS: &str = "run the listing and keep what it prints with COURSE_BLESS=1 cargo test -p checks --test listings";

/// Markdown that shows `src/<file>` and the output beside it, `src/<file with .out>`.
pub fn show(src: &Path, chapter: &Path, file: &str) -> Result<String, String> {
    let relative = Path::new(file);
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return Err(format!(
            "{{{{#listing {file}}}}}: the path must lie inside src/ (as in memory/copy_on_write.py)"
        ));
    }
    let language = match relative.extension().and_then(|ending| ending.to_str()) {
        Some("py") => "python",
        Some("rs") => "rust,ignore",
        Some("c") => "c",
        _ => {
            return Err(format!(
                "{{{{#listing {file}}}}}: a listing is a .py, .rs or .c file (name one)"
            ));
        }
    };
    let read = |path: &Path, remedy: &str| {
        std::fs::read_to_string(src.join(path)).map_err(|error| {
            format!(
                "{{{{#listing {file}}}}}: src/{}: {error} ({remedy})",
                path.display()
            )
        })
    };
    let code = read(
        relative,
        "write the file, or mend its name: the path starts at src/",
    )?;
    let out = relative.with_extension("out");
    let printed = read(&out, BLESS)?;
    let (printer, output) = printed.split_once('\n').unwrap_or((&printed, ""));
    let Some(printer) = printer
        .strip_prefix("# ")
        .map(str::trim)
        .filter(|printer| !printer.is_empty())
    else {
        return Err(format!(
            "{{{{#listing {file}}}}}: src/{}: the first line must say who printed it, as in `# Python 3.13.0 (GIL), Linux 6.18 x86_64` ({BLESS})",
            out.display()
        ));
    };

    let (name, printer, top) = (escape(file), escape(printer), to_top(chapter));
    let code = fenced(&code, language);
    let output = if output.trim().is_empty() {
        "<p>It printed nothing.</p>".to_owned()
    } else {
        fenced(output, "text")
    };
    Ok(format!(
        "<div class=\"listing\">\n<figure class=\"listing-code\">\n<figcaption><a href=\"{top}{name}\" download>{name}</a></figcaption>\n\n\
         {code}\n\n</figure>\n<figure class=\"listing-output\">\n<figcaption>Printed by {printer}</figcaption>\n\n\
         {output}\n\n</figure>\n</div>"
    ))
}

/// A code block that nothing in `text` can end: tildes, so that it may stand inside an `admonish` block, and enough of them.
fn fenced(text: &str, language: &str) -> String {
    let longest = text
        .lines()
        .map(|line| line.trim_start().chars().take_while(|&c| c == '~').count())
        .max()
        .unwrap_or(0);
    let fence = "~".repeat(longest.max(2) + 1);
    format!(
        "{fence}{language}\n{}\n{fence}",
        without_directives(text.trim_end())
    )
}

/// `text` with a backslash before what mdBook would carry out even in code; mdBook takes the backslash away again.
fn without_directives(text: &str) -> String {
    let escaped = text.lines().map(|line| match line.rsplit_once("}}") {
        Some((inside, after)) => format!("{}}}}}{after}", inside.replace("{{#", "\\{{#")),
        None => line.to_owned(),
    });
    escaped.collect::<Vec<_>>().join("\n")
}
