//! A claim for the tests, so that they depend on none of the book's.

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series};
use crate::claim::{Claim, Metric, Rounds};
use crate::record::{Measurement, Run};
use crate::{Language, Runtime, Unit, Verdict, machine::Machine};

/// Both languages measure `lost`; Python also `time`.
pub static CLAIM: Claim = Claim {
    id: "S1",
    sentence: "A sample loses additions.",
    metrics: &[
        Metric::both(
            "lost",
            Unit::count("addition", "additions"),
            "additions lost",
        ),
        Metric::python("time", Unit::MICROS, "time taken"),
        Metric::rust("spins", Unit::count("spin", "spins"), "spins"),
    ],
    rule: "It holds if anything was lost.",
    judge: |run| match run.median("lost") {
        Some(lost) if lost > 0.0 => Verdict::holds("additions were lost"),
        _ => Verdict::not_shown("nothing was lost"),
    },
    chart: Chart {
        title: "Additions lost",
        axis: Axis {
            scale: Scale::Linear,
            share_of: Some("additions"),
        },
        sections: &[Section {
            title: "with <tags> & \"quotes\"",
            rows: &[
                Row {
                    label: "n += 1",
                    series: &[
                        Series(Runtimes::Named("rust"), "lost"),
                        Series(Runtimes::EveryPython, "lost"),
                    ],
                },
                Row {
                    label: "newest",
                    series: &[Series(Runtimes::NewestPythons, "lost")],
                },
            ],
        }],
    },
    rounds: Rounds { full: 5, quick: 2 },
    experiment: None,
};

/// A chart of times, on a logarithmic axis.
pub static TIMES: Claim = Claim {
    id: "S2",
    chart: Chart {
        title: "Time taken",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[Section {
            title: "",
            rows: &[Row {
                label: "time",
                series: &[Series(Runtimes::Named("python"), "time")],
            }],
        }],
    },
    ..CLAIM
};

pub fn machine() -> Machine {
    Machine {
        os: "Linux".into(),
        kernel: "6.1.0".into(),
        arch: "x86_64".into(),
        cpu: "Test CPU".into(),
        cpus: 2,
    }
}

/// A run with three samples of each metric around `value`.
pub fn run(runtime: Runtime, value: f64) -> Run {
    let values = [0.5 * value, value, 2.0 * value];
    let metrics = CLAIM.metrics_of(runtime.language);
    let measured = metrics.filter_map(|one| Measurement::new(one.id, one.unit.name, &values));
    let mut run = Run {
        measurements: measured.collect(),
        taken_at: "2026-11-22T19:30:00Z".into(),
        given: [("additions".into(), 800_000)].into(),
        verdict: Verdict::not_shown("a <test> & \"more\""),
        runtime,
    };
    if run.runtime.language == Language::Python {
        run.given.insert("pythons".into(), 1);
    }
    run.verdict = (CLAIM.judge)(&run);
    run
}

/// Judges samples of a claim, as if Python had measured them.
pub fn judged(claim: &Claim, given: &[(&str, u64)], samples: &[(&str, &[f64])]) -> Verdict {
    let runtime = Runtime::python("3.13.0", false, true);
    judged_in(runtime, claim, given, samples)
}

/// Judges samples of a claim that a runtime measured.
pub fn judged_in(
    runtime: Runtime,
    claim: &Claim,
    given: &[(&str, u64)],
    samples: &[(&str, &[f64])],
) -> Verdict {
    let measured = samples.iter().map(|(id, values)| {
        let metric = claim.metric(id).unwrap_or_else(|| panic!("no metric {id}"));
        Measurement::new(id, metric.unit.name, values).unwrap()
    });
    let given = given.iter();
    let run = Run {
        runtime,
        taken_at: String::new(),
        given: given
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect(),
        measurements: measured.collect(),
        verdict: Verdict::not_shown(""),
    };
    (claim.judge)(&run)
}
