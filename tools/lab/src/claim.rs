//! What a claim consists of. Each is one file, `claims/<id>.rs`, with its Python twin `experiments/<id>.py`.

use crate::chart::Chart;
use crate::{Language, Run, Unit, Verdict};
use std::io;

/// A sentence of the book, what is measured for it, and the rule that judges the measurement.
#[derive(Debug)]
pub struct Claim {
    /// Its name: `M1`.
    pub id: &'static str,
    /// The sentence, as fair as can be to the article that it came from.
    pub sentence: &'static str,
    /// What is measured.
    pub metrics: &'static [Metric],
    /// The rule, in words.
    pub rule: &'static str,
    /// The rule: a pure function of what was measured.
    pub judge: fn(&Run) -> Verdict,
    /// How the measurements are drawn.
    pub chart: Chart,
    /// How many rounds a run takes.
    pub rounds: Rounds,
    /// The experiment in Rust, given the number of rounds; `None` for a claim about CPython alone.
    pub experiment: Option<fn(usize) -> io::Result<()>>,
}

impl Claim {
    /// Returns the metric with this name.
    #[must_use]
    pub fn metric(&self, id: &str) -> Option<&'static Metric> {
        self.metrics.iter().find(|metric| metric.id == id)
    }

    /// Returns the metrics that the experiment in this language measures.
    pub fn metrics_of(&self, language: Language) -> impl Iterator<Item = &'static Metric> {
        let metrics = self.metrics.iter();
        metrics.filter(move |metric| metric.only.is_none_or(|only| only == language))
    }

    /// Returns the stem of its two files: `m1`.
    #[must_use]
    pub fn stem(&self) -> String {
        self.id.to_ascii_lowercase()
    }
}

/// How many rounds an experiment takes.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// In a full run.
    pub full: usize,
    /// In a run with `--quick`.
    pub quick: usize,
}

/// One thing that an experiment measures in each round.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name in records and in figures.
    pub id: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Its name for people.
    pub label: &'static str,
    /// The language whose experiment measures it; `None` means both.
    pub only: Option<Language>,
    /// The value that every sample has on every machine, if there is one. The tests check it.
    pub always: Option<f64>,
}

impl Metric {
    /// Defines a metric that both experiments measure.
    #[must_use]
    pub const fn both(id: &'static str, unit: Unit, label: &'static str) -> Self {
        Self {
            id,
            unit,
            label,
            only: None,
            always: None,
        }
    }

    /// Defines a metric of the Python experiment.
    #[must_use]
    pub const fn python(id: &'static str, unit: Unit, label: &'static str) -> Self {
        let mut metric = Self::both(id, unit, label);
        metric.only = Some(Language::Python);
        metric
    }

    /// Defines a metric of the Rust experiment.
    #[must_use]
    pub const fn rust(id: &'static str, unit: Unit, label: &'static str) -> Self {
        let mut metric = Self::both(id, unit, label);
        metric.only = Some(Language::Rust);
        metric
    }

    /// States the value that every sample must have.
    #[must_use]
    pub const fn always(mut self, value: f64) -> Self {
        self.always = Some(value);
        self
    }
}
