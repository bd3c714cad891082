//! What the rules of the claims have in common.
//!
//! A rule decides by what is deterministic: pages, faults, identities, lost additions. Times only add a restriction,
//! as ratios of medians, with half of the advantage that was seen when the rule was made, and only where a quantity
//! measured against itself (A/A) came out the same.

use crate::Run;
use crate::format::digits;

/// Returns a measurement from the enclosing rule's run. Where it is missing, the rule returns "not shown".
#[macro_export]
macro_rules! need {
    ($run:expr, $id:literal) => {
        match $run.get($id) {
            Some(found) => found,
            None => {
                return $crate::Verdict::not_shown(concat!($id, " could not be measured"));
            }
        }
    };
}

/// How far the ratio of a quantity to itself may lie from 1 for times to be compared.
const AA: std::ops::RangeInclusive<f64> = 0.9..=1.1;

/// Returns the ratio of the medians of two measurements; `None` where one is missing.
#[must_use]
pub fn ratio(run: &Run, a: &str, b: &str) -> Option<f64> {
    let (a, b) = (run.median(a)?, run.median(b)?);
    (b > 0.0).then(|| a / b)
}

/// Checks that a quantity measured twice came out the same, so that times may be compared.
///
/// # Errors
/// The words for the verdict, when the machine was too busy or one of the two is missing.
pub fn aa(run: &Run, again: &str, first: &str) -> Result<f64, String> {
    let aa = ratio(run, again, first);
    aa.filter(|aa| AA.contains(aa)).ok_or_else(|| {
        let aa = aa.map_or_else(|| "missing".into(), digits);
        format!("times not compared: the machine was too busy, A/A {aa}")
    })
}

/// Returns the largest share of rounds in which an event may happen that was seen in none of `rounds`, with 95 % confidence.
///
/// The exact binomial bound, 1 − 0.05^(1/n); about 3/n for many rounds (the rule of three).
///
/// ```
/// assert_eq!((100.0 * lab::rule::upper_bound(11)).round(), 24.0);
/// assert_eq!(lab::rule::upper_bound(0), 1.0);
/// ```
#[must_use]
pub fn upper_bound(rounds: usize) -> f64 {
    if rounds == 0 {
        return 1.0;
    }
    1.0 - 0.05_f64.powf(1.0 / rounds as f64)
}
