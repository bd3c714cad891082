//! The Pythons that measure claims.

pub use supervise::python::{Python, Search};

/// The oldest Python that the experiments are written for.
pub const OLDEST: (u32, u32) = (3, 9);

/// How an experiment is started: no `PYTHON…` variables (`PYTHON_GIL` among them), no user packages, no `__pycache__`.
pub(crate) const FLAGS: [&str; 3] = ["-E", "-s", "-B"];

/// Looks where the environment says: `LAB_PYTHON`, the `PATH`, pyenv.
#[must_use]
pub fn search() -> Search {
    Search::from_env("LAB_PYTHON", OLDEST)
}

/// Chooses what to measure when nobody names a Python: the newest with the GIL and the newest without.
#[must_use]
pub fn newest(found: &[Python]) -> Vec<Python> {
    let newest = |with_gil: bool| {
        let builds = found.iter().filter(|one| one.gil == with_gil);
        builds.max_by_key(|one| one.release())
    };
    let chosen = [newest(true), newest(false)];
    chosen.into_iter().flatten().cloned().collect()
}
