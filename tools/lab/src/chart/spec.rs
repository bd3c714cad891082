//! What a claim's chart shows, as data.

use crate::{Claim, Language};

/// The chart of a claim: rows of points on one common axis.
///
/// Every point is a median with an interval from the 10th to the 90th percentile, as in the prose and in the verdicts.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// What is drawn: `Time to hand 1 MiB to another process`.
    pub title: &'static str,
    /// The common axis.
    pub axis: Axis,
    /// Groups of rows.
    pub sections: &'static [Section],
}

/// The axis that all rows share. Its unit is that of the metrics.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// How values become positions.
    pub scale: Scale,
    /// Draws percentages of what the experiment was given under this name: `additions`. A sample above zero is then an
    /// event, and the chart says in how many rounds there was one.
    pub share_of: Option<&'static str>,
}

/// How values become positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From zero, in equal steps.
    Linear,
    /// By powers of ten, where values lie far apart. The chart says so.
    Logarithmic,
}

/// Rows under a title.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The title; an empty one is left out.
    pub title: &'static str,
    /// The rows.
    pub rows: &'static [Row],
}

/// One thing, measured in one or several runtimes.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, at the left.
    pub label: &'static str,
    /// What is drawn beside the name, one line for each runtime.
    pub series: &'static [Series],
}

/// A metric, in some runtimes.
#[derive(Clone, Copy, Debug)]
pub struct Series(
    /// The runtimes.
    pub Runtimes,
    /// The metric's id.
    pub &'static str,
);

/// Which runtimes a series shows.
#[derive(Clone, Copy, Debug)]
pub enum Runtimes {
    /// The one with this name, as in the path of a figure: `rust`, `python`, `python-t`, `python-3.13`.
    Named(&'static str),
    /// The newest Python with the GIL and the newest without.
    NewestPythons,
    /// Every Python that was measured.
    EveryPython,
}

impl Runtimes {
    fn language(self) -> Language {
        match self {
            Self::Named("rust") => Language::Rust,
            _ => Language::Python,
        }
    }
}

/// Rust and the newest Python, both measuring the same metric.
///
/// ```
/// use lab::chart::{Row, each};
/// const ROW: Row = Row { label: "pipe", series: &each("pipe") };
/// ```
#[must_use]
pub const fn each(metric: &'static str) -> [Series; 2] {
    [
        Series(Runtimes::Named("rust"), metric),
        Series(Runtimes::Named("python"), metric),
    ]
}

/// The newest Python.
#[must_use]
pub const fn python(metric: &'static str) -> [Series; 1] {
    [Series(Runtimes::Named("python"), metric)]
}

impl Chart {
    /// Checks the chart against the claim's metrics.
    ///
    /// # Errors
    /// One line on a metric that the claim lacks or that the series' language does not measure, on metrics of
    /// different units, or on a chart without rows.
    pub fn check(&self, claim: &Claim) -> Result<(), String> {
        let rows = self.sections.iter().flat_map(|section| section.rows);
        let mut unit = None;
        for row in rows {
            for Series(runtimes, id) in row.series {
                let language = runtimes.language();
                let mut metrics = claim.metrics_of(language);
                let metric = metrics.find(|metric| metric.id == *id).ok_or_else(|| {
                    let row = row.label;
                    format!("chart, row `{row}`: no metric `{id}` in {language:?}")
                })?;
                if unit.is_some_and(|unit| unit != metric.unit) {
                    return Err(format!(
                        "chart, row `{}`: `{id}` has another unit than the rows before",
                        row.label
                    ));
                }
                unit = Some(metric.unit);
            }
        }
        unit.map(|_| ())
            .ok_or_else(|| "the chart has no rows".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    const fn row(label: &'static str, series: &'static [Series]) -> Row {
        Row { label, series }
    }

    const UNKNOWN: &[Row] = &[row("x", &python("dreams"))];
    const PYTHON_ONLY: &[Row] = &[row("x", &each("time"))];
    const MIXED: &[Row] = &[row("x", &python("time")), row("y", &python("lost"))];

    #[test]
    fn a_chart_that_does_not_fit_its_claim_is_refused() {
        let check = |sections| {
            let chart = Chart {
                sections,
                ..sample::CLAIM.chart
            };
            chart.check(&sample::CLAIM)
        };
        const fn section(rows: &'static [Row]) -> Section {
            Section { title: "", rows }
        }
        assert_eq!(sample::CLAIM.chart.check(&sample::CLAIM), Ok(()));
        assert!(check(&[]).unwrap_err().contains("no rows"));
        let unknown = const { &[section(UNKNOWN)] };
        assert!(
            check(unknown)
                .unwrap_err()
                .contains("no metric `dreams` in Python")
        );
        let python_only = const { &[section(PYTHON_ONLY)] };
        assert!(
            check(python_only)
                .unwrap_err()
                .contains("no metric `time` in Rust")
        );
        let mixed = const { &[section(MIXED)] };
        assert!(
            check(mixed)
                .unwrap_err()
                .contains("row `y`: `lost` has another unit")
        );
    }
}
