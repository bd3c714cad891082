//! Draws the rows of a chart: names at the left, dots with intervals on a common axis.
//!
//! Each line of a row is an SVG of its own, in percent of its width, so that a narrow page puts the name above the
//! plot. Everything is in the text's color, so that charts follow the theme, print, and forced colors: the language is
//! told by the marker's shape, and the reader's own points are hollow.

use super::axis::{Axis, GAP, START};
use super::points::{Label, Line, Picture};
use super::spec::Scale;
use crate::Language;
use crate::format::{count, digits, escape, quantity};
use std::fmt::Write as _;

/// The height of a line in pixels, and where its middle is.
const LINE: u32 = 22;
const MIDDLE: u32 = 11;

const ROW: &str = "display:flex;flex-wrap:wrap;column-gap:1.2rem;margin-top:4px;line-height:22px";
const LABEL: &str = "flex:1 1 16rem;min-width:0";
const PLOT: &str = "flex:3 1 30rem;min-width:0";
const SVG: &str = "display:block;width:100%;max-width:none;margin:0;overflow:visible;color:inherit;fill:currentColor;font-size:1.25rem";

// Writing to a string cannot fail, so what `writeln!` returns is dropped.
macro_rules! line {
    ($html:expr, $($what:tt)*) => { let _ = writeln!($html, $($what)*); };
}
pub(super) use line;

/// Draws a picture for the claim `id`; readers of the screen hear `description`.
pub fn plot(html: &mut String, id: &str, picture: &Picture, scale: Scale) {
    let axis = Axis::over(picture, scale);
    line!(
        html,
        "<p class=\"chart-title\" style=\"margin:0 0 0.6rem\"><strong id=\"chart-{id}-title\">{}</strong></p>",
        escape(picture.title)
    );
    line!(
        html,
        "<div class=\"chart-plot\" role=\"img\" aria-labelledby=\"chart-{id}-title\" aria-describedby=\"chart-{id}-desc\" style=\"font-size:1.4rem\">"
    );
    for section in &picture.sections {
        if !section.title.is_empty() {
            line!(
                html,
                "<div style=\"font-weight:bold;margin-top:0.8rem\">{}</div>",
                escape(section.title)
            );
        }
        for (label, lines) in &section.rows {
            row(html, label, |html| {
                for one in lines {
                    draw_line(html, &axis, one);
                }
            });
        }
    }
    let name = match axis.scale {
        Scale::Linear => "",
        Scale::Logarithmic => "logarithmic scale",
    };
    row(html, name, |html| draw_ticks(html, &axis, picture));
    line!(html, "</div>");
    line!(
        html,
        "<p id=\"chart-{id}-desc\" hidden=\"hidden\">{}</p>",
        escape(&description(picture))
    );
}

fn row(html: &mut String, label: &str, plot: impl FnOnce(&mut String)) {
    line!(
        html,
        "<div style=\"{ROW}\"><div style=\"{LABEL}\">{}</div><div style=\"{PLOT}\">",
        escape(label)
    );
    plot(html);
    line!(html, "</div></div>");
}

fn draw_line(html: &mut String, axis: &Axis, one: &Line) {
    if one.reference.is_none() && one.mine.is_none() {
        let text = format!("{}: not measured", one.name);
        svg(html, LINE, |body| {
            let y = MIDDLE + 4;
            line!(
                body,
                "<text x=\"{START}%\" y=\"{y}\" opacity=\"0.8\">{}</text>",
                escape(&text)
            );
        });
    }
    for label in one.labels() {
        svg(html, LINE, |body| {
            draw_point(body, axis, one.language, &label)
        });
    }
    fn svg(html: &mut String, height: u32, draw: impl FnOnce(&mut String)) {
        line!(
            html,
            "<svg aria-hidden=\"true\" xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\" height=\"{height}\" style=\"{SVG};height:{height}px\">"
        );
        draw(html);
        line!(html, "</svg>");
    }
}

fn draw_point(
    body: &mut String,
    axis: &Axis,
    language: Language,
    Label {
        point,
        is_mine,
        text,
    }: &Label<'_>,
) {
    grid(body, axis, LINE);
    let (at, low, high) = (
        axis.at(point.value),
        axis.at(point.low),
        axis.at(point.high),
    );
    if high - low > 0.2 {
        line!(
            body,
            "<line x1=\"{low:.2}%\" x2=\"{high:.2}%\" y1=\"{MIDDLE}\" y2=\"{MIDDLE}\" stroke=\"currentColor\" stroke-width=\"3\" stroke-linecap=\"round\" opacity=\"0.5\"/>"
        );
    }
    line!(
        body,
        "<svg x=\"{at:.2}%\" y=\"{MIDDLE}\" width=\"1\" height=\"1\" style=\"overflow:visible\">{}</svg>",
        marker(language, *is_mine)
    );
    line!(
        body,
        "<text x=\"{:.2}%\" dx=\"{GAP}\" y=\"{}\">{}</text>",
        at.max(high),
        MIDDLE + 4,
        escape(text)
    );
}

/// A marker around the origin: a diamond for Rust, a dot for Python.
pub fn marker(language: Language, hollow: bool) -> String {
    let class = if hollow { "mine" } else { "reference" };
    let paint = match hollow {
        true => "fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"",
        false => "fill=\"currentColor\"",
    };
    match language {
        Language::Rust => format!("<path class=\"{class}\" d=\"M0 -6 6 0 0 6 -6 0Z\" {paint}/>"),
        Language::Python => format!("<circle class=\"{class}\" r=\"5\" {paint}/>"),
    }
}

fn grid(body: &mut String, axis: &Axis, height: u32) {
    for tick in axis.ticks() {
        let at = axis.at(tick);
        line!(
            body,
            "<line x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"0\" y2=\"{height}\" stroke=\"currentColor\" opacity=\"0.15\"/>"
        );
    }
}

fn draw_ticks(html: &mut String, axis: &Axis, picture: &Picture) {
    line!(
        html,
        "<svg aria-hidden=\"true\" xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\" height=\"{LINE}\" style=\"{SVG};height:{LINE}px\">"
    );
    grid(html, axis, 5);
    let ticks = axis.ticks();
    let last = ticks.len() - 1;
    let name = |(number, tick): (usize, &f64)| match &picture.unit {
        None => format!("{} %", count(*tick)),
        // The unit once, at the end, where the numbers are of one unit.
        Some(unit) if unit.others.is_empty() && number < last => bare(*tick),
        Some(unit) => quantity(*tick, unit).replace(".00", "").replace(".0 ", " "),
    };
    let names: Vec<_> = ticks.iter().enumerate().map(name).collect();
    let shown = axis.with_room(&names);
    for (number, ((tick, name), shown)) in ticks.iter().zip(&names).zip(shown).enumerate() {
        if !shown {
            continue;
        }
        let (at, anchor) = match number {
            0 => (0.0, "start"),
            _ => (axis.at(*tick), "middle"),
        };
        line!(
            html,
            "<text x=\"{at:.2}%\" y=\"18\" text-anchor=\"{anchor}\" opacity=\"0.8\" style=\"font-size:1.15rem\">{}</text>",
            escape(name)
        );
    }
    line!(html, "</svg>");
}

/// A number without a unit, and without the zeros at its end: `1,000`, `0.5`.
fn bare(tick: f64) -> String {
    match tick.fract() {
        0.0 => count(tick),
        _ => digits(tick).trim_end_matches('0').to_owned(),
    }
}

/// The picture in words, for screen readers.
fn description(picture: &Picture) -> String {
    let mut text = String::new();
    for section in &picture.sections {
        let rows = section.rows.iter().flat_map(|(label, lines)| {
            lines.iter().map(move |line| {
                let point = line.reference.as_ref().or(line.mine.as_ref());
                let value = point.map_or("not measured", |point| &point.text);
                format!("{label}, {}: {value}", line.name)
            })
        });
        let rows = rows.collect::<Vec<_>>().join("; ");
        let title = match section.title {
            "" => String::new(),
            title => format!("{title}: "),
        };
        let _ = write!(text, "{title}{rows}. ");
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_between_whole_numbers_keep_their_fraction() {
        let ticks = [0.0, 0.5, 0.2 * 3.0, 1.0, 1500.0];
        assert_eq!(ticks.map(bare), ["0", "0.5", "0.6", "1", "1,500"]);
    }
}
