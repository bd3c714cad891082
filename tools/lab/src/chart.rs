//! Draws a claim as HTML: a chart, its caption, the same data as a table, and the verdicts with their rule.

mod axis;
mod points;
mod spec;
mod svg;
mod table;

pub use spec::{Axis, Chart, Row, Runtimes, Scale, Section, Series, each, python};

use crate::format::{count, escape};
use crate::record::Owner;
use crate::rule::upper_bound;
use crate::{Claim, Error, Language, Record, Run, claims};
use points::Picture;
use std::fmt::Write as _;
use std::path::Path;
use svg::line;

/// Draws the chart of a claim as a `<figure>`: the reference record and, once there, the reader's own beside it.
///
/// The HTML has no blank line, so it may stand in Markdown. If the reader's record cannot be used, the caption says
/// so and the reference is drawn all the same.
///
/// # Errors
/// [`Error::UnknownClaim`], and those of reading the reference record.
pub fn chart(root: &Path, claim: &str) -> Result<String, Error> {
    let claim = claims::find(claim)?;
    let reference = Record::read(root, claim, Owner::Reference)?;
    let mine = Record::read_mine(root, claim);
    Ok(draw(claim, &reference, mine.as_ref()))
}

fn draw(claim: &Claim, reference: &Record, mine: Result<&Option<Record>, &Error>) -> String {
    let own = mine.ok().and_then(Option::as_ref);
    let picture = Picture::new(claim, reference, own);
    let mut html = format!("<figure class=\"chart\" id=\"chart-{}\">\n", claim.id);
    svg::plot(&mut html, claim.id, &picture, claim.chart.axis.scale);
    legend(&mut html, &picture, reference, own);
    caption(&mut html, claim, reference, mine, &picture);
    table::table(&mut html, &picture, own.is_some());
    verdicts(&mut html, reference, own);
    html.push_str("</figure>\n");
    html
}

/// Which shape is which language and, once the reader has a record, whose points are hollow.
fn legend(html: &mut String, picture: &Picture, reference: &Record, mine: Option<&Record>) {
    let mark = |language, hollow| {
        let marker = svg::marker(language, hollow);
        format!(
            "<svg aria-hidden=\"true\" xmlns=\"http://www.w3.org/2000/svg\" width=\"14\" height=\"14\" viewBox=\"-7 -7 14 14\" style=\"display:inline-block;width:14px;height:14px;color:inherit;vertical-align:-2px\">{marker}</svg>"
        )
    };
    let languages: Vec<_> = [Language::Rust, Language::Python]
        .into_iter()
        .filter(|language| picture.lines().any(|line| line.language == *language))
        .collect();
    let names = languages
        .iter()
        .map(|language| format!("{} {language:?}", mark(*language, false)));
    line!(
        html,
        "<ul class=\"chart-legend\" style=\"list-style:none;padding-left:0;margin:0.6rem 0;font-size:0.85em\">"
    );
    line!(html, "<li>{}</li>", names.collect::<Vec<_>>().join(" · "));
    if let Some(mine) = mine {
        for (whose, record, hollow) in [("the book’s", reference, false), ("yours", mine, true)] {
            let marks: String = languages.iter().map(|one| mark(*one, hollow)).collect();
            // A record may hold more than this chart draws.
            let drawn = picture
                .lines()
                .filter_map(|line| {
                    if hollow {
                        line.mine.as_ref()
                    } else {
                        line.reference.as_ref()
                    }
                })
                .map(|point| point.runtime.as_str())
                .collect::<Vec<_>>();
            let runs = record.runs.iter().map(|run| run.runtime.to_string());
            let runs = runs.filter(|run| drawn.contains(&run.as_str()));
            let runs = runs.collect::<Vec<_>>().join(", ");
            let what = escape(&format!("{} ({runs})", record.machine));
            line!(html, "<li>{marks} {whose}: {what}</li>");
        }
    }
    line!(html, "</ul>");
}

/// `11`, or `9 to 11`; none of nothing.
fn range(numbers: impl Iterator<Item = usize>) -> Option<String> {
    let numbers: Vec<usize> = numbers.collect();
    let (fewest, most) = (*numbers.iter().min()?, *numbers.iter().max()?);
    Some(match fewest == most {
        true => count(most as f64),
        false => format!("{fewest} to {most}"),
    })
}

fn caption(
    html: &mut String,
    claim: &Claim,
    reference: &Record,
    mine: Result<&Option<Record>, &Error>,
    picture: &Picture,
) {
    let points = || picture.lines().filter_map(|line| line.reference.as_ref());
    let rounds = range(points().map(|point| point.samples)).unwrap_or_default();
    let own = picture.lines().filter_map(|line| line.mine.as_ref());
    let own = range(own.map(|point| point.samples)).filter(|own| *own != rounds);
    let own = own.map_or_else(String::new, |own| format!(" (yours: {own})"));
    let never = points()
        .filter(|point| point.never)
        .map(|point| point.samples);
    let never = never.min().map_or_else(String::new, |rounds| {
        let bound = count(100.0 * upper_bound(rounds));
        format!(
            " None in {rounds} rounds still allows up to {bound} % of rounds (95 % confidence)."
        )
    });
    let scale = match claim.chart.axis.scale {
        Scale::Linear => "",
        Scale::Logarithmic => " The axis is logarithmic.",
    };
    let day = reference.runs.iter().map(Run::day).max();
    line!(html, "<figcaption>");
    line!(
        html,
        "Marker: median of {rounds} rounds{own}; line: 10th to 90th percentile.{scale}{never} Measured on {}, {}.",
        escape(&reference.machine.to_string()),
        day.unwrap_or_default()
    );
    let command = format!("<code>cargo course lab {}</code>", claim.id);
    match mine {
        Ok(Some(_)) => {
            line!(html, "Measure again with {command}.");
        }
        Ok(None) => {
            line!(html, "Add your own: {command}.");
        }
        Err(error) => {
            line!(
                html,
                "<strong>Yours cannot be shown: {}.</strong>",
                escape(&error.to_string())
            );
        }
    }
    line!(html, "</figcaption>");
}

/// The verdict on each run, the reader's first, and the rule itself.
fn verdicts(html: &mut String, reference: &Record, mine: Option<&Record>) {
    line!(
        html,
        "<details><summary>The verdicts and their rule</summary>"
    );
    line!(html, "<p>The rule: {}</p>", escape(&reference.rule));
    let owned = mine.map(|record| ("Yours, ", record));
    for (whose, record) in owned.into_iter().chain([("", reference)]) {
        line!(html, "<ul>");
        for run in &record.runs {
            let runtime = escape(&run.runtime.to_string());
            let verdict = escape(&run.verdict.text);
            line!(html, "<li>{whose}{runtime}: {verdict}</li>");
        }
        line!(html, "</ul>");
    }
    line!(html, "</details>");
}

#[cfg(test)]
mod tests;
