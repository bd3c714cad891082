//! Finds in the records what a chart shows.

use super::spec::{Row, Runtimes, Series};
use crate::format::{count, quantity, spread};
use crate::rule::upper_bound;
use crate::{Claim, Language, Record, Run, Unit};

/// A chart with its points.
pub struct Picture {
    pub title: &'static str,
    pub sections: Vec<Group>,
    /// The unit of the axis; `None` for percentages.
    pub unit: Option<Unit>,
}

/// A section with its points.
pub struct Group {
    pub title: &'static str,
    pub rows: Vec<(&'static str, Vec<Line>)>,
}

/// One runtime in a row.
pub struct Line {
    pub language: Language,
    /// The runtime in short: `Python 3.13t`.
    pub name: String,
    pub reference: Option<Point>,
    pub mine: Option<Point>,
}

/// A median with its interval, as the axis shows it.
pub struct Point {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    /// The value in words.
    pub text: String,
    /// The value with its spread, for the table.
    pub full: String,
    /// The runtime in full.
    pub runtime: String,
    pub samples: usize,
    /// Whether the event happened in no round.
    pub never: bool,
}

impl Point {
    /// The highest value drawn.
    pub fn highest(&self) -> f64 {
        self.high.max(self.value)
    }
}

/// A point with the words beside it.
pub struct Label<'a> {
    pub point: &'a Point,
    pub is_mine: bool,
    pub text: String,
}

impl Line {
    /// The points from top to bottom.
    pub fn labels(&self) -> impl Iterator<Item = Label<'_>> {
        let whose = [(&*self.name, &self.reference), ("yours", &self.mine)];
        let points = whose
            .into_iter()
            .filter_map(|(whose, point)| Some((whose, point.as_ref()?)));
        points.map(|(whose, point)| Label {
            point,
            is_mine: whose == "yours",
            text: format!("{whose}: {}", point.text),
        })
    }
}

impl Picture {
    /// Takes the points of a claim's chart from the records.
    pub fn new(claim: &Claim, reference: &Record, mine: Option<&Record>) -> Self {
        let chart = &claim.chart;
        let lines = |row: &Row| {
            let series = row.series.iter();
            series
                .flat_map(|series| lines_of(claim, *series, reference, mine))
                .collect()
        };
        let sections = chart.sections.iter().map(|section| Group {
            title: section.title,
            rows: section
                .rows
                .iter()
                .map(|row| (row.label, lines(row)))
                .collect(),
        });
        let mut series = chart
            .sections
            .iter()
            .flat_map(|section| section.rows)
            .flat_map(|row| row.series);
        let unit = series.find_map(|Series(_, id)| Some(claim.metric(id)?.unit));
        Self {
            title: chart.title,
            sections: sections.collect(),
            unit: unit.filter(|_| chart.axis.share_of.is_none()),
        }
    }

    /// All lines, from top to bottom.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        let rows = self.sections.iter().flat_map(|section| &section.rows);
        rows.flat_map(|(_, lines)| lines)
    }

    /// All points, the reader's too.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.lines()
            .flat_map(|line| line.reference.iter().chain(&line.mine))
    }
}

fn lines_of(
    claim: &Claim,
    Series(runtimes, id): Series,
    reference: &Record,
    mine: Option<&Record>,
) -> Vec<Line> {
    let names: Vec<String> = match runtimes {
        Runtimes::Named(name) => vec![name.to_owned()],
        Runtimes::NewestPythons => vec!["python".into(), "python-t".into()],
        Runtimes::EveryPython => {
            let mut all = reference.clone();
            for run in mine.iter().flat_map(|mine| &mine.runs) {
                all.add(run.clone()); // sorts
            }
            let runs = all.runs.iter();
            let pythons = runs.filter(|run| run.runtime.language == Language::Python);
            pythons.map(|run| run.runtime.key()).collect()
        }
    };
    let lines = names.iter().filter_map(|name| {
        let run = reference.find_run(name);
        let own = mine.and_then(|mine| mine.find_run(name));
        let optional = !matches!(runtimes, Runtimes::Named(_));
        if optional && run.is_none() && own.is_none() {
            return None;
        }
        let language = match name.as_str() {
            "rust" => Language::Rust,
            _ => Language::Python,
        };
        let shown = run.or(own).map(|run| run.runtime.short());
        Some(Line {
            language,
            name: shown.unwrap_or_else(|| format!("{language:?}")),
            reference: run.and_then(|run| point(claim, run, id)),
            mine: own.and_then(|run| point(claim, run, id)),
        })
    });
    lines.collect()
}

fn point(claim: &Claim, run: &Run, id: &str) -> Option<Point> {
    let (one, unit) = (run.get(id)?, claim.metric(id)?.unit);
    let whole = match claim.chart.axis.share_of {
        Some(name) => Some(run.given(name).filter(|whole| *whole > 0.0)?),
        None => None,
    };
    let scaled = |value: f64| whole.map_or(value, |whole| 100.0 * value / whole);
    let never = whole.is_some() && one.times() == 0;
    let full = match whole {
        Some(whole) => format!(
            "{} of {}; {} of {} rounds{}",
            spread(one, &unit),
            count(whole),
            one.times(),
            one.samples,
            if never {
                bound(one.samples)
            } else {
                String::new()
            }
        ),
        None => spread(one, &unit),
    };
    let text = match whole {
        Some(_) if never => format!("0 of {} rounds", one.samples),
        Some(_) => format!("{} %", count(scaled(one.median))),
        None => quantity(one.median, &unit),
    };
    Some(Point {
        value: scaled(one.median),
        low: scaled(one.p10),
        high: scaled(one.p90),
        text,
        full,
        runtime: run.runtime.to_string(),
        samples: one.samples,
        never,
    })
}

/// The words for an event that was seen in no round.
fn bound(rounds: usize) -> String {
    let bound = count(100.0 * upper_bound(rounds));
    format!(" (so at most {bound} % of rounds, with 95 % confidence)")
}
