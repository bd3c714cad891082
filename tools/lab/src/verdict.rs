//! Verdicts: what measurements say of a claim.

use crate::Run;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// The measurement agrees with the claim.
    #[serde(rename = "holds")]
    Holds,
    /// It agrees, with a restriction that the claim leaves out.
    #[serde(rename = "holds, but")]
    HoldsBut,
    /// The experiment did not show the effect, which proves nothing.
    #[serde(rename = "not shown")]
    NotShown,
    /// The measurement contradicts the claim.
    #[serde(rename = "does not hold")]
    DoesNotHold,
}

/// An outcome with its explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The kind.
    pub outcome: Outcome,
    /// A sentence that begins with the outcome: `holds, but …`.
    pub text: String,
}

impl Verdict {
    fn new(outcome: Outcome, text: String) -> Self {
        Self { outcome, text }
    }

    /// The claim holds, because of `why`.
    #[must_use]
    pub fn holds(why: &str) -> Self {
        Self::new(Outcome::Holds, format!("holds: {why}"))
    }

    /// The claim holds, with a restriction.
    #[must_use]
    pub fn holds_but(restriction: &str) -> Self {
        Self::new(Outcome::HoldsBut, format!("holds, but {restriction}"))
    }

    /// The claim does not hold on the runtime of `run`.
    #[must_use]
    pub fn does_not_hold(run: &Run, why: &str) -> Self {
        let text = format!("does not hold on {}: {why}", run.runtime);
        Self::new(Outcome::DoesNotHold, text)
    }

    /// The experiment proves nothing here.
    #[must_use]
    pub fn not_shown(why: &str) -> Self {
        Self::new(Outcome::NotShown, format!("not shown here: {why}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
