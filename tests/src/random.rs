//! Random inputs with a seed that a failure prints and `CHECKS_SEED` replays.

use crate::failure;

/// Random inputs for this test.
///
/// ```
/// let mut random = checks::random();
/// let threads = random.usize(2..=4);
/// let work: Vec<u64> = (0..threads).map(|_| random.u64(1..100)).collect();
/// assert!(work.len() >= 2);
/// ```
///
/// # Panics
/// When `CHECKS_SEED` is no number.
#[must_use]
pub fn random() -> fastrand::Rng {
    fastrand::Rng::with_seed(seed())
}

/// The seed of this test: given, or drawn at its first use.
pub(crate) fn seed() -> u64 {
    if let Some(seed) = failure::seed() {
        return seed;
    }
    let seed = match std::env::var("CHECKS_SEED") {
        Ok(text) => text.trim().parse().unwrap_or_else(|_| {
            failure::infrastructure(format!(
                "CHECKS_SEED is {text:?}, which is no number; give the number that a failure printed"
            ))
        }),
        Err(_) => fastrand::u64(..1_000_000_000),
    };
    failure::remember_seed(seed);
    seed
}
