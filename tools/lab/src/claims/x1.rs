//! X1: TODO: the claim in a few words.
//!
//! TODO: what the experiment does, in a sentence or two.

use crate::chart::{Axis, Chart, Row, Scale, Section, each};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, micros, report};
use crate::format::quantity;
use crate::{Run, Unit, Verdict, need};
use serde_json::json;
use std::io;

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "X1",
    sentence: "TODO: the sentence of the book, fair to the article that it came from.",
    // TODO: what is measured. `Metric::both`, or `python` or `rust` for one language; `.always(0.0)` for a value that
    // every sample has on every machine.
    metrics: &[Metric::both("example", Unit::MICROS, "TODO: its name")],
    rule: "TODO: what must be measured for the claim to hold, to hold with a restriction, and not to hold.",
    judge,
    chart: Chart {
        title: "TODO: what is drawn",
        axis: Axis {
            scale: Scale::Linear, // TODO: logarithmic, if values lie more than a factor of 50 apart
            share_of: None,
        },
        sections: &[Section {
            title: "",
            rows: &[Row {
                label: "TODO: what is at the left",
                series: &each("example"),
            }],
        }],
    },
    rounds: Rounds { full: 31, quick: 7 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let example = need!(run, "example");
    // TODO: the rule. What decides is deterministic; times only add a restriction, by `rule::ratio` behind `rule::aa`.
    Verdict::not_shown(&format!(
        "the rule is not written yet (measured: {})",
        quantity(example.median, &Unit::MICROS)
    ))
}

fn experiment(rounds: usize) -> io::Result<()> {
    // TODO: prepare what all rounds share, and say what the experiment was given.
    let given = json!({ "items": 1 });
    report(rounds, 1, &given, |_| {
        // TODO: measure one round.
        let time = micros(|| Ok(()))?;
        Ok(Round::from([("example", Some(time))]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, sample};

    #[test]
    fn todo_name_what_the_rule_does() {
        // TODO: a case for each outcome of the rule.
        let verdict = sample::judged(&CLAIM, &[], &[("example", &[1.0, 2.0, 3.0])]);
        assert_eq!(verdict.outcome, Outcome::NotShown);
    }
}
