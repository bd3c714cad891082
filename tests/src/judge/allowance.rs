//! How long a submission's functions may compute without an answer, so that one that loops costs seconds.
//!
//! Only a grader sets a limit, in seconds of processor time, by `CHECKS_COMPUTES`. All calls of a function that haven't
//! answered share it, on a busy machine as on an idle one. A function that was given up once is asked again, by other tests,
//! but for a fraction of the time.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use supervise::Allowance;

/// What the calls of `function` may use together.
pub(super) fn of(function: &'static str) -> Option<Arc<Allowance>> {
    static KNOWN: Mutex<BTreeMap<&str, Arc<Allowance>>> = Mutex::new(BTreeMap::new());
    static KIN: Mutex<Option<Arc<AtomicU32>>> = Mutex::new(None);

    let seconds = std::env::var("CHECKS_COMPUTES").ok()?.parse().ok()?;
    let total = Duration::try_from_secs_f64(seconds).ok()?;
    let mut kin = KIN.lock().unwrap_or_else(PoisonError::into_inner);
    let kin = kin.get_or_insert_default();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let allowance = known
        .entry(function)
        .or_insert_with(|| Allowance::new(total, kin));
    Some(allowance.clone())
}
