//! The chart's data as a table.

use super::points::{Picture, Point};
use super::svg::line;
use crate::format::escape;
use std::fmt::Write as _;

/// Writes all points with their spreads; the reader's in a column of their own.
pub fn table(html: &mut String, picture: &Picture, with_mine: bool) {
    let (mine, columns) = match with_mine {
        true => ("<th scope=\"col\">yours</th>", 4),
        false => ("", 3),
    };
    line!(html, "<details><summary>The same as a table</summary>");
    line!(html, "<div class=\"table-wrapper\"><table>");
    line!(
        html,
        "<thead><tr><th scope=\"col\">what</th><th scope=\"col\">in</th><th scope=\"col\">the book’s</th>{mine}</tr></thead>"
    );
    line!(html, "<tbody>");
    for section in &picture.sections {
        if !section.title.is_empty() {
            line!(
                html,
                "<tr><th colspan=\"{columns}\" scope=\"colgroup\" style=\"text-align:left\">{}</th></tr>",
                escape(section.title)
            );
        }
        for (label, lines) in &section.rows {
            for one in lines {
                let mine = match &one.mine {
                    _ if !with_mine => String::new(),
                    Some(point) => format!("<td>{}, {}</td>", cell(point), escape(&point.runtime)),
                    None => "<td>not measured</td>".to_owned(),
                };
                let reference = one.reference.as_ref().map_or("not measured".into(), cell);
                line!(
                    html,
                    "<tr><th scope=\"row\" style=\"text-align:left;font-weight:normal\">{}</th><td>{}</td><td>{reference}</td>{mine}</tr>",
                    escape(label),
                    escape(&one.name)
                );
            }
        }
    }
    line!(html, "</tbody></table></div></details>");
}

fn cell(point: &Point) -> String {
    escape(&format!("{}; n = {}", point.full, point.samples))
}
