//! `{{#picture FILE CAPTION}}` puts an SVG into the page, so that it takes the theme's colors, and `{{#legend}}` explains them.

use std::path::{Component, Path};

/// What each color and shape means, in every figure of the book.
const LEGEND: &str = include_str!("legend.html");

/// HTML with the SVG `src/<file>` and the caption below it; the caption is Markdown.
pub fn show(src: &Path, argument: &str) -> Result<String, String> {
    let (file, caption) = argument
        .split_once(char::is_whitespace)
        .map_or((argument, ""), |(file, caption)| (file, caption.trim()));
    let wrong = |what: String| Err(format!("{{{{#picture {file} …}}}}: {what}"));
    let path = Path::new(file);
    let is_inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !is_inside || path.extension().is_none_or(|ending| ending != "svg") {
        return wrong(
            "a picture is an .svg file inside src/ (as in memory/figures/idea.svg)".into(),
        );
    }
    if caption.is_empty() {
        return wrong(
            "say below the picture what it shows (write the caption after the file)".into(),
        );
    }
    let svg = match std::fs::read_to_string(src.join(path)) {
        Ok(svg) => svg,
        Err(error) => return wrong(format!("src/{file}: {error} (the path starts at src/)")),
    };
    // What a reader without eyes for it gets.
    if !(svg.trim_start().starts_with("<svg")
        && svg.contains("role=\"img\"")
        && svg.contains("<title"))
    {
        return wrong(format!(
            "src/{file} must begin with <svg role=\"img\" …> and have a <title>"
        ));
    }
    let svg: Vec<_> = svg.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(format!(
        "<figure class=\"picture\">\n{}\n<figcaption>\n\n{caption}\n\n</figcaption>\n</figure>",
        svg.join("\n")
    ))
}

/// The legend, in HTML.
pub fn legend() -> String {
    LEGEND.trim().to_owned()
}
