//! Shows a program under its file name, and below it what it printed and on which Python.
//!
//! `{{#listing FILE}}` shows all of it. `{{#listing FILE REGION}}` shows the lines that the file marks as that region,
//! with the whole program one press away; in print the whole takes the region's place. See [`region`].

use crate::markup::{escape, to_top};
use crate::region;
use std::path::{Component, Path};

/// The remedy when the output is missing or strange.
const BLESS: &str = "run the listing and keep what it prints with COURSE_BLESS=1 cargo test -p checks --test listings";

/// Markdown that shows a listing. `argument` is a file below `src/`, and perhaps the name of a region in it. Its output is
/// in the file beside it that ends in `.out`.
pub fn show(src: &Path, chapter: &Path, argument: &str) -> Result<String, String> {
    let mut words = argument.split_whitespace();
    let file = words.next().unwrap_or_default();
    let wanted = words.next();
    if words.next().is_some() {
        return Err(format!(
            "{{{{#listing {argument}}}}}: a listing is a file and at most one region (as in memory/copy_on_write.py shown)"
        ));
    }
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
    let code = match wanted {
        None => fenced(&region::whole(&code), language),
        Some(wanted) => {
            let part = region::cut(&code, wanted).map_err(|(line, what)| {
                format!("{{{{#listing {argument}}}}}: src/{file}:{line}: {what}")
            })?;
            let whole = region::whole(&code);
            format!(
                "<div class=\"listing-part\">\n\n{}\n\n</div>\n<details class=\"listing-whole\">\n<summary>The whole program, {} lines</summary>\n\n{}\n\n</details>",
                fenced(&part, language),
                whole.lines().count(),
                fenced(&whole, language),
            )
        }
    };
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
