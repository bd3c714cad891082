//! Draws a claim: bars as inline SVG in the colours of the book's theme, and the same data as a table.
//!
//! The picture has no fixed width: bars are placed in percent and text in pixels, so it can be read on a phone.

use crate::record::Owner;
use crate::wording::{count, escape, quantity, spread};
use crate::{Claim, Error, Measurement, Record, Run, Unit, claim};
use std::fmt::Write as _;
use std::path::Path;

/// The chart of a claim as a `<figure>`: the reference record and, once there, the reader's own beside it.
///
/// There is no blank line in it, so it may stand in Markdown. A record of the reader's that cannot be used is
/// named in the caption, and the reference is drawn all the same.
///
/// # Errors
/// [`Error::UnknownClaim`], and what reading the reference record gives.
pub fn chart(root: &Path, claim: &str) -> Result<String, Error> {
    let claim = claim::find(claim)?;
    let reference = Record::read(root, claim, Owner::Reference)?;
    Ok(draw(
        claim,
        &reference,
        Record::read_mine(root, claim).as_ref(),
    ))
}

/// What a chart shows.
struct Picture {
    title: &'static str,
    scale: Scale,
    groups: Vec<Group>,
}

#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Logarithmic,
}

struct Group {
    title: String,
    rows: Vec<Row>,
}

struct Row {
    label: String,
    reference: Option<Bar>,
    mine: Option<Bar>,
}

struct Bar {
    value: f64,
    low: f64,
    high: f64,
    /// The value in words.
    text: String,
    /// The value with its spread, for the table.
    full: String,
    runtime: String,
    samples: usize,
}

/// A row: its label, and the measurement that it shows.
type Line = (&'static str, &'static str);

/// Rows of one runtime: a title, in which `{}` is the runtime's name, the runtime, and the rows.
type Section = (&'static str, &'static str, &'static [Line]);

const M1: &[Section] = &[
    (
        "10 MiB of bytes, {}",
        "rust",
        &[
            ("a child reads them", "child_reads_private_dirty"),
            ("a child writes them", "child_writes_private_dirty"),
        ],
    ),
    (
        "10 MiB of bytes, {}",
        "python",
        &[
            ("a child reads them", "child_reads_private_dirty"),
            ("a child writes them", "child_writes_private_dirty"),
        ],
    ),
    (
        "Lists that lie on 10 MiB, {}",
        "python",
        &[
            ("a child does nothing", "lists_idle"),
            ("a child looks at each list", "lists_read"),
            (
                "a child looks at each, after gc.freeze()",
                "lists_read_frozen",
            ),
            ("a child runs gc.collect()", "lists_collect"),
            (
                "a child runs gc.collect(), after gc.freeze()",
                "lists_collect_frozen",
            ),
        ],
    ),
];

const M2: &[Section] = &[
    (
        "1 MiB of bytes, {}",
        "rust",
        &[
            ("shared memory", "shared_memory"),
            ("Unix socket", "socket"),
            ("pipe", "pipe"),
        ],
    ),
    (
        "1 MiB of bytes, {}",
        "python",
        &[
            ("shared_memory", "shared_memory"),
            ("socket", "socket"),
            ("os.pipe", "pipe"),
            ("multiprocessing.Pipe", "mp_pipe_bytes"),
            ("multiprocessing.Queue", "mp_queue_bytes"),
            ("pickle and back alone", "pickle_bytes"),
        ],
    ),
    (
        "1 MiB of pickled objects, {}",
        "python",
        &[
            ("multiprocessing.Pipe, list of ints", "mp_pipe_ints"),
            ("pickle and back alone, list of ints", "pickle_ints"),
            ("multiprocessing.Pipe, list of dicts", "mp_pipe_records"),
            ("pickle and back alone, list of dicts", "pickle_records"),
        ],
    ),
];

const M3: &[Section] = &[
    (
        "To a thread (Queue), {}",
        "python",
        &[
            ("64 B", "thread_64_b"),
            ("64 KiB", "thread_64_kib"),
            ("1 MiB", "thread_1_mib"),
            ("16 MiB", "thread_16_mib"),
        ],
    ),
    (
        "To a process (Pipe), {}",
        "python",
        &[
            ("64 B", "process_64_b"),
            ("64 KiB", "process_64_kib"),
            ("1 MiB", "process_1_mib"),
            ("16 MiB", "process_16_mib"),
        ],
    ),
];

const LOCKED: &str = "lost_locked";

/// The loops of M4.
const M4: &[Line] = &[
    ("n += 1", "lost_bare"),
    ("n = f(n)", "lost_call"),
    ("with lock: n = f(n)", LOCKED),
];
const M4_RUST: &[Line] = &[
    ("load, then store", "lost_load_store"),
    ("fetch_add", "lost_fetch_add"),
    ("Mutex", "lost_mutex"),
];

fn picture(claim: &Claim, reference: &Record, mine: Option<&Record>) -> Picture {
    let (title, scale, sections) = match claim.id {
        "M1" => ("Pages that a forked child copied", Scale::Linear, M1),
        "M2" => ("Time to hand 1 MiB to another process", Scale::Linear, M2),
        "M3" => (
            "Time to hand an object over, by its size",
            Scale::Logarithmic,
            M3,
        ),
        _ => {
            return Picture {
                title: "Additions lost in the worst round",
                scale: Scale::Linear,
                groups: races(reference, mine),
            };
        }
    };
    let groups = sections.iter().map(|(title, family, lines)| {
        let run = reference.family(family);
        let own = mine.and_then(|mine| mine.family(family));
        let name = run
            .or(own)
            .map_or_else(|| (*family).to_owned(), |run| run.runtime.to_string());
        let rows = lines.iter().map(|(label, id)| Row {
            label: (*label).to_owned(),
            reference: run.and_then(|run| median(run, id)),
            mine: own.and_then(|run| median(run, id)),
        });
        Group {
            title: title.replace("{}", &name),
            rows: rows.collect(),
        }
    });
    Picture {
        title,
        scale,
        groups: groups.collect(),
    }
}

fn median(run: &Run, id: &str) -> Option<Bar> {
    let one = run.get(id)?;
    Some(Bar {
        value: one.median,
        low: one.p10,
        high: one.p90,
        text: quantity(one.median, one.unit),
        full: spread(one),
        runtime: run.runtime.to_string(),
        samples: one.samples,
    })
}

/// M4: a group per loop, a row per Python; and one group for Rust.
fn races(reference: &Record, mine: Option<&Record>) -> Vec<Group> {
    let mut all = reference.clone();
    for run in mine.iter().flat_map(|mine| &mine.runs) {
        if all.family(&run.runtime.key()).is_none() {
            all.add(run.clone()); // only to have a row, in its place
        }
    }
    let worst =
        |record: &Record, key: &str, id: &str| record.family(key).and_then(|run| worst(run, id));
    // Under a lock all are alike, so the newest will do.
    let newest: Vec<_> = [Some(reference), mine]
        .into_iter()
        .flatten()
        .flat_map(|record| [record.family("python"), record.family("python-t")])
        .flatten()
        .map(|run| run.runtime.key())
        .collect();
    let mut groups: Vec<_> = M4
        .iter()
        .map(|(label, id)| {
            let pythons = all.runs.iter().filter(|run| {
                let shown = *id != LOCKED || newest.contains(&run.runtime.key());
                run.runtime.language == crate::Language::Python && shown
            });
            let rows = pythons.map(|run| {
                let key = run.runtime.key();
                Row {
                    label: run.runtime.to_string(),
                    reference: worst(reference, &key, id),
                    mine: mine.and_then(|mine| worst(mine, &key, id)),
                }
            });
            Group {
                title: (*label).to_owned(),
                rows: rows.collect(),
            }
        })
        .collect();
    let name = all
        .family("rust")
        .map_or_else(|| "Rust".to_owned(), |run| run.runtime.to_string());
    let rows = M4_RUST.iter().map(|(label, id)| Row {
        label: (*label).to_owned(),
        reference: worst(reference, "rust", id),
        mine: mine.and_then(|mine| worst(mine, "rust", id)),
    });
    groups.push(Group {
        title: name,
        rows: rows.collect(),
    });
    groups
}

fn worst(run: &Run, id: &str) -> Option<Bar> {
    let one: &Measurement = run.get(id)?;
    let given = run
        .given
        .get("additions")
        .map_or(f64::NAN, |additions| *additions as f64);
    let of = if given > 0.0 {
        format!(" of {}", count(given))
    } else {
        String::new()
    };
    Some(Bar {
        value: one.max(),
        low: one.max(),
        high: one.max(),
        text: format!("{} %", count(100.0 * one.max() / given)).replace("NaN", "?"),
        full: format!(
            "{}{of}, some in {} of {} rounds",
            count(one.max()),
            one.times(),
            one.samples
        ),
        runtime: run.runtime.to_string(),
        samples: one.samples,
    })
}

/// How much of the width the longest bar takes, in percent: the rest is for its value.
const WIDTH: f64 = 70.0;
/// Heights in pixels.
const TITLE: u32 = 24;
const GROUP: u32 = 30;
const LABEL: u32 = 18;
const BAR: u32 = 12;
const GAP: u32 = 8;

/// Where a value is, in percent of the width.
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Axis {
    fn over(picture: &Picture) -> Self {
        let bars = || {
            picture
                .groups
                .iter()
                .flat_map(|group| &group.rows)
                .flat_map(|row| row.reference.iter().chain(&row.mine))
        };
        let high = bars()
            .map(|bar| bar.high.max(bar.value))
            .fold(0.0, f64::max);
        if picture.scale == Scale::Linear || high <= 0.0 {
            return Self {
                scale: Scale::Linear,
                low: 0.0,
                high: if high > 0.0 { high } else { 1.0 },
            };
        }
        let low = bars().map(|bar| bar.low.max(1e-3)).fold(high, f64::min);
        Self {
            scale: Scale::Logarithmic,
            low: 10_f64.powf(low.log10().floor()),
            high: 10_f64.powf(high.log10().ceil()),
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => value / self.high,
            Scale::Logarithmic => {
                (value.max(self.low) / self.low).log10() / (self.high / self.low).log10().max(1.0)
            }
        };
        WIDTH * part.clamp(0.0, 1.0)
    }

    /// The powers of ten of a logarithmic axis.
    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => Vec::new(),
            Scale::Logarithmic => {
                let decades = (self.high / self.low).log10().round() as i32;
                (0..=decades)
                    .map(|decade| self.low * 10_f64.powi(decade))
                    .collect()
            }
        }
    }
}

const REFERENCE: &str = "var(--links)";
const MINE: &str = "var(--fg)";

fn draw(claim: &Claim, reference: &Record, mine: Result<&Option<Record>, &Error>) -> String {
    let own = mine.ok().and_then(Option::as_ref);
    let picture = picture(claim, reference, own);
    let mut html = format!("<figure class=\"chart\" id=\"chart-{}\">\n", claim.id);
    svg(&mut html, claim, &picture);
    legend(&mut html, reference, own);
    caption(&mut html, claim, reference, mine, &picture);
    table(&mut html, &picture, own.is_some());
    verdicts(&mut html, reference, own);
    html.push_str("</figure>\n");
    html
}

// Writing to a string cannot fail, so what `writeln!` returns is dropped.
macro_rules! line {
    ($html:expr, $($what:tt)*) => { let _ = writeln!($html, $($what)*); };
}

fn svg(html: &mut String, claim: &Claim, picture: &Picture) {
    let axis = Axis::over(picture);
    let mut body = String::new();
    let mut y = TITLE;
    line!(
        body,
        "<text x=\"0\" y=\"{}\" style=\"font-size:1.5rem;font-weight:bold\">{}</text>",
        y - 8,
        escape(picture.title)
    );
    for group in &picture.groups {
        y += GROUP;
        line!(
            body,
            "<text x=\"0\" y=\"{}\" style=\"font-weight:bold\">{}</text>",
            y - 10,
            escape(&group.title)
        );
        for row in &group.rows {
            line!(
                body,
                "<text x=\"0\" y=\"{}\">{}</text>",
                y + LABEL - 5,
                escape(&row.label)
            );
            y += LABEL;
            for (bar, colour) in [(&row.reference, REFERENCE), (&row.mine, MINE)] {
                if let Some(bar) = bar {
                    draw_bar(&mut body, &axis, bar, colour, y);
                    y += BAR + 2;
                }
            }
            if row.reference.is_none() && row.mine.is_none() {
                line!(
                    body,
                    "<text x=\"0\" y=\"{}\" opacity=\"0.7\">not measured</text>",
                    y + BAR - 2
                );
                y += BAR + 2;
            }
            y += GAP;
        }
    }
    let mut ticks = String::new();
    if axis.scale == Scale::Logarithmic {
        for tick in axis.ticks() {
            let (at, name) = (
                axis.at(tick),
                quantity(tick, Unit::Micros)
                    .replace(".00", "")
                    .replace(".0", ""),
            );
            line!(
                ticks,
                "<line x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"{TITLE}\" y2=\"{y}\" style=\"stroke:var(--fg)\" opacity=\"0.15\"/>"
            );
            let anchor = if at < 1.0 { "start" } else { "middle" };
            line!(
                ticks,
                "<text x=\"{at:.2}%\" y=\"{}\" text-anchor=\"{anchor}\" opacity=\"0.7\" style=\"font-size:1.1rem\">{name}</text>",
                y + 14
            );
        }
        y += 20;
        line!(
            ticks,
            "<text x=\"0\" y=\"{}\" opacity=\"0.7\">logarithmic scale: each line is ten times the one before</text>",
            y + 10
        );
        y += 18;
    }
    let id = claim.id;
    line!(
        html,
        "<svg role=\"img\" aria-labelledby=\"chart-{id}-title chart-{id}-desc\" xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\" height=\"{y}\" \
         style=\"width:100%;max-width:60rem;height:{y}px;font-size:1.3rem;fill:var(--fg)\">"
    );
    line!(
        html,
        "<title id=\"chart-{id}-title\">{}</title>",
        escape(picture.title)
    );
    line!(
        html,
        "<desc id=\"chart-{id}-desc\">{}</desc>",
        escape(&description(picture))
    );
    html.push_str(&ticks);
    html.push_str(&body);
    html.push_str("</svg>\n");
}

fn draw_bar(body: &mut String, axis: &Axis, bar: &Bar, colour: &str, y: u32) {
    let (at, low, high) = (axis.at(bar.value), axis.at(bar.low), axis.at(bar.high));
    let middle = y + BAR / 2;
    match axis.scale {
        Scale::Linear => {
            line!(
                body,
                "<rect x=\"0\" y=\"{y}\" width=\"{:.2}%\" height=\"{BAR}\" style=\"fill:{colour}\"/>",
                at.max(0.2)
            );
        }
        Scale::Logarithmic => {
            // No bar: on this scale the length of one means nothing.
            line!(
                body,
                "<circle cx=\"{at:.2}%\" cy=\"{middle}\" r=\"5\" style=\"fill:{colour}\"/>"
            );
        }
    }
    if high - low > 0.5 {
        line!(
            body,
            "<line x1=\"{low:.2}%\" x2=\"{high:.2}%\" y1=\"{middle}\" y2=\"{middle}\" style=\"stroke:var(--fg);stroke-width:1.5\"/>"
        );
    }
    let text = at.max(high);
    line!(
        body,
        "<text x=\"{text:.2}%\" dx=\"8\" y=\"{}\">{}</text>",
        y + BAR - 2,
        escape(&bar.text)
    );
}

/// The picture in words, for those who hear it.
fn description(picture: &Picture) -> String {
    let mut text = String::new();
    for group in &picture.groups {
        let rows = group
            .rows
            .iter()
            .filter_map(|row| Some((row, row.reference.as_ref().or(row.mine.as_ref())?)));
        let rows: Vec<_> = rows
            .map(|(row, bar)| format!("{}: {}", row.label, bar.text))
            .collect();
        let _ = write!(text, "{}: {}. ", group.title, rows.join("; "));
    }
    text.trim_end().to_owned()
}

fn legend(html: &mut String, reference: &Record, mine: Option<&Record>) {
    let Some(mine) = mine else { return };
    let of = |record: &Record| {
        let names: Vec<_> = record
            .runs
            .iter()
            .map(|run| run.runtime.to_string())
            .collect();
        escape(&format!("{} ({})", record.machine, names.join(", ")))
    };
    let mark = |colour: &str| {
        format!(
            "<svg aria-hidden=\"true\" xmlns=\"http://www.w3.org/2000/svg\" width=\"12\" height=\"12\" style=\"display:inline-block;width:12px;height:12px\"><rect width=\"12\" height=\"12\" style=\"fill:{colour}\"/></svg>"
        )
    };
    line!(
        html,
        "<ul class=\"chart-legend\" style=\"list-style:none;padding-left:0;font-size:0.85em\">"
    );
    line!(
        html,
        "<li>{} the book's: {}</li>",
        mark(REFERENCE),
        of(reference)
    );
    line!(html, "<li>{} yours: {}</li>", mark(MINE), of(mine));
    line!(html, "</ul>");
}

fn caption(
    html: &mut String,
    claim: &Claim,
    reference: &Record,
    mine: Result<&Option<Record>, &Error>,
    picture: &Picture,
) {
    let bars = || {
        picture
            .groups
            .iter()
            .flat_map(|group| &group.rows)
            .filter_map(|row| row.reference.as_ref())
    };
    let (fewest, most) = (
        bars().map(|bar| bar.samples).min().unwrap_or(0),
        bars().map(|bar| bar.samples).max().unwrap_or(0),
    );
    let samples = if fewest == most {
        count(most as f64)
    } else {
        format!("{fewest} to {most}")
    };
    let what = match (claim.id, picture.scale) {
        ("M4", _) => format!("The worst of {samples} rounds."),
        (_, Scale::Linear) => format!(
            "Bars are medians of {samples} samples; a thin line goes from the 10th to the 90th percentile."
        ),
        (_, Scale::Logarithmic) => format!(
            "Dots are medians of {samples} samples; a thin line goes from the 10th to the 90th percentile."
        ),
    };
    let day = reference
        .runs
        .iter()
        .map(Run::day)
        .max()
        .unwrap_or_default();
    line!(html, "<figcaption>");
    line!(
        html,
        "{what} Measured on {}, {day}.",
        escape(&reference.machine.to_string())
    );
    let command = format!("<code>cargo course lab {}</code>", claim.id);
    match mine {
        Ok(Some(_)) => {
            line!(html, "Measure again with {command}.");
        }
        Ok(None) => {
            line!(html, "See yours beside it: {command}.");
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

fn table(html: &mut String, picture: &Picture, with_mine: bool) {
    line!(html, "<details><summary>The same as a table</summary>");
    line!(html, "<div class=\"table-wrapper\"><table>");
    let mine = if with_mine {
        "<th scope=\"col\">yours</th>"
    } else {
        ""
    };
    line!(
        html,
        "<thead><tr><th scope=\"col\">what</th><th scope=\"col\">the book's</th>{mine}</tr></thead>"
    );
    line!(html, "<tbody>");
    for group in &picture.groups {
        let columns = if with_mine { 3 } else { 2 };
        line!(
            html,
            "<tr><th colspan=\"{columns}\" scope=\"colgroup\" style=\"text-align:left\">{}</th></tr>",
            escape(&group.title)
        );
        for row in &group.rows {
            let cell = |bar: &Option<Bar>| match bar {
                Some(bar) => escape(&bar.full),
                None => "not measured".to_owned(),
            };
            let own = match &row.mine {
                _ if !with_mine => String::new(),
                Some(bar) => format!(
                    "<td>{} <small>{}, {} samples</small></td>",
                    escape(&bar.full),
                    escape(&bar.runtime),
                    bar.samples
                ),
                None => "<td>not measured</td>".to_owned(),
            };
            line!(
                html,
                "<tr><th scope=\"row\" style=\"text-align:left;font-weight:normal\">{}</th><td>{}</td>{own}</tr>",
                escape(&row.label),
                cell(&row.reference)
            );
        }
    }
    line!(html, "</tbody></table></div></details>");
}

/// What the rule makes of each run, the reader's first, and the rule itself.
fn verdicts(html: &mut String, reference: &Record, mine: Option<&Record>) {
    line!(
        html,
        "<details><summary>The verdicts, and their rule</summary>"
    );
    line!(html, "<p>The rule: {}</p>", escape(&reference.rule));
    let owned = mine.map(|record| ("Yours, ", record));
    for (whose, record) in owned.into_iter().chain([("", reference)]) {
        line!(html, "<ul>");
        for run in &record.runs {
            line!(
                html,
                "<li>{whose}{}: {}</li>",
                escape(&run.runtime.to_string()),
                escape(&run.verdict.text)
            );
        }
        line!(html, "</ul>");
    }
    line!(html, "</details>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Runtime, Verdict, machine::Machine};

    /// A record with a value for every measurement, in Rust and in two Pythons.
    fn record(claim: &Claim, factor: f64, cpu: &str, pythons: &[&str]) -> Record {
        let machine = Machine {
            os: "Linux".into(),
            kernel: "6.1".into(),
            arch: "x86_64".into(),
            cpu: cpu.into(),
            cpus: 2,
        };
        let mut record = Record::new(claim, machine);
        let runtimes = pythons
            .iter()
            .map(|version| match version.strip_suffix('t') {
                Some(version) => Runtime::python(version, true, false),
                None => Runtime::python(version, false, true),
            });
        for runtime in runtimes.chain([Runtime::rust()]) {
            let metrics = claim
                .metrics
                .iter()
                .filter(|metric| metric.is_for(runtime.language));
            let measurements = (1..).zip(metrics).filter_map(|(number, metric)| {
                let value = factor * 3_f64.powi(number);
                Measurement::new(metric.id, metric.unit, &[0.9 * value, value, 1.1 * value])
            });
            record.add(Run {
                measurements: measurements.collect(),
                runtime,
                taken_at: "2026-11-22T19:30:00Z".into(),
                given: [("additions".into(), 800_000)].into(),
                verdict: Verdict::not_shown("a <test> & \"more\"".into()),
            });
        }
        record
    }

    fn parsed<T>(html: &str, check: impl FnOnce(roxmltree::Node<'_, '_>) -> T) -> T {
        let document =
            roxmltree::Document::parse(html).unwrap_or_else(|error| panic!("{error}: {html}"));
        check(document.root_element())
    }

    fn count_of(figure: roxmltree::Node<'_, '_>, name: &str) -> usize {
        figure
            .descendants()
            .filter(|node| node.has_tag_name(name) || node.tag_name().name() == name)
            .count()
    }

    #[test]
    fn every_chart_is_well_formed_accessible_and_fit_for_markdown() {
        for claim in claim::CLAIMS {
            let reference = record(claim, 1.0, "R <&> \"D\"", &["3.9.18", "3.13.0", "3.13.5t"]);
            let mine = Some(record(claim, 2.5, "Mine", &["3.12.1", "3.13.0"]));
            for own in [&None, &mine] {
                let html = draw(claim, &reference, Ok(own));
                assert!(
                    html.lines().all(|line| !line.trim().is_empty()),
                    "a blank line would end the HTML"
                );
                assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
                parsed(&html, |figure| {
                    let svg = figure
                        .descendants()
                        .find(|node| node.attribute("role") == Some("img"))
                        .unwrap();
                    for id in svg.attribute("aria-labelledby").unwrap().split(' ') {
                        let named = svg
                            .descendants()
                            .find(|node| node.attribute("id") == Some(id))
                            .unwrap();
                        assert!(!named.text().unwrap().is_empty());
                    }
                    assert!(count_of(svg, "rect") + count_of(svg, "circle") > 5);
                    assert_eq!(count_of(figure, "table"), 1);
                    assert_eq!(count_of(figure, "figcaption"), 1);
                    let ids: Vec<_> = figure
                        .descendants()
                        .filter_map(|node| node.attribute("id"))
                        .collect();
                    assert!(
                        ids.iter()
                            .all(|id| id.starts_with(&format!("chart-{}", claim.id))),
                        "{ids:?}"
                    );
                });
            }
        }
    }

    #[test]
    fn the_readers_own_stands_beside_with_a_legend_that_says_whose() {
        let claim = claim::find("M1").unwrap();
        let reference = record(claim, 1.0, "Theirs", &["3.13.0"]);
        let alone = draw(claim, &reference, Ok(&None));
        assert!(
            !alone.contains("chart-legend")
                && alone.contains("See yours beside it: <code>cargo course lab M1</code>")
        );
        let mine = Some(record(claim, 2.0, "My CPU", &["3.12.1"]));
        let both = draw(claim, &reference, Ok(&mine));
        assert!(alone.contains("The rule: ") && !alone.contains("Yours, Python"));
        assert!(both.contains("<li>Yours, Python 3.12.1") && both.contains("<li>Python 3.13.0"));
        assert!(
            both.contains("yours: My CPU, 2 CPUs, Linux 6.1 x86_64 (Rust"),
            "{both}"
        );
        assert!(both.contains("Python 3.12.1 (GIL), 3 samples"));
        let bars =
            |html: &str, colour: &str| html.matches(&format!("style=\"fill:{colour}\"")).count();
        assert_eq!(bars(&both, MINE), bars(&both, REFERENCE));
        assert_eq!(bars(&alone, MINE), 0);
    }

    #[test]
    fn a_python_that_only_the_reader_has_gets_a_row_among_the_races() {
        let claim = claim::find("M4").unwrap();
        let reference = record(claim, 1.0, "Theirs", &["3.9.18", "3.13.0"]);
        let mine = record(claim, 1.0, "Mine", &["3.12.1", "3.13.0"]);
        let groups = races(&reference, Some(&mine));
        let labels: Vec<_> = groups[0]
            .rows
            .iter()
            .map(|row| row.label.as_str())
            .collect();
        assert_eq!(
            labels,
            [
                "Python 3.9.18 (GIL)",
                "Python 3.12.1 (GIL)",
                "Python 3.13.0 (GIL)"
            ]
        );
        let sides: Vec<_> = groups[0]
            .rows
            .iter()
            .map(|row| (row.reference.is_some(), row.mine.is_some()))
            .collect();
        assert_eq!(sides, [(true, false), (false, true), (true, true)]);
    }

    #[test]
    fn a_record_of_the_readers_that_is_broken_is_named_and_the_rest_drawn() {
        let root = tempfile::tempdir().unwrap();
        let claim = claim::find("M2").unwrap();
        let reference = record(claim, 1.0, "Theirs", &["3.13.0"]);
        let (machine, runs) = (reference.machine, reference.runs);
        Record::write(root.path(), claim, Owner::Reference, &machine, runs).unwrap();
        assert!(matches!(
            chart(root.path(), "M1"),
            Err(Error::NoRecord { .. })
        ));
        std::fs::create_dir_all(root.path().join("records/mine")).unwrap();
        std::fs::write(root.path().join("records/mine/M2.json"), "{").unwrap();
        let html = chart(root.path(), "M2").unwrap();
        assert!(
            html.contains("Yours cannot be shown: records/mine/M2.json: not a usable record"),
            "{html}"
        );
        parsed(&html, |figure| assert_eq!(count_of(figure, "table"), 1));
    }

    #[test]
    fn scales_place_values_and_a_logarithmic_one_says_so() {
        let linear = Axis {
            scale: Scale::Linear,
            low: 0.0,
            high: 200.0,
        };
        assert_eq!(
            [linear.at(0.0), linear.at(100.0), linear.at(200.0)],
            [0.0, WIDTH / 2.0, WIDTH]
        );
        let log = Axis {
            scale: Scale::Logarithmic,
            low: 10.0,
            high: 1000.0,
        };
        assert_eq!(
            [log.at(1.0), log.at(100.0), log.at(1000.0)],
            [0.0, WIDTH / 2.0, WIDTH]
        );
        assert_eq!(log.ticks(), [10.0, 100.0, 1000.0]);
        let claim = claim::find("M3").unwrap();
        let html = draw(claim, &record(claim, 1.0, "x", &["3.13.0"]), Ok(&None));
        assert!(html.contains("logarithmic scale"));
        let empty = draw(claim, &record(claim, 1.0, "x", &[]), Ok(&None));
        assert!(
            empty.contains("not measured"),
            "no Python, no bars, no failure"
        );
    }
}
