//! How long all tests of a submission may take together: longer on a machine whose processors are taken by others.

use std::{
    fs,
    time::{Duration, Instant},
};

/// How many times its time a run gets on a machine where somebody waits for a processor nearly always.
const STARVED: u32 = 4;

/// A running budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    allowed: Duration,
    began: Instant,
    /// How long somebody had waited for a processor by then.
    waited: Option<Duration>,
}

impl Budget {
    pub(super) fn start(allowed: Duration) -> Self {
        Self {
            allowed,
            began: Instant::now(),
            waited: waited(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        let elapsed = self.began.elapsed();
        // The file is read only when it matters.
        elapsed >= self.allowed && {
            let waited = waited()
                .zip(self.waited)
                .map(|(now, then)| now.saturating_sub(then));
            !self.goes_on(elapsed, waited)
        }
    }

    /// Whether a run goes on that has used up its time: somebody `waited` for a processor in more than half of it.
    fn goes_on(&self, elapsed: Duration, waited: Option<Duration>) -> bool {
        elapsed < STARVED * self.allowed && waited.is_some_and(|waited| waited > elapsed / 2)
    }
}

/// The time since the machine started in which at least one task waited for a processor, where the kernel tells.
fn waited() -> Option<Duration> {
    parse(&fs::read_to_string("/proc/pressure/cpu").ok()?)
}

/// Takes the total from `some avg10=0.00 avg60=0.00 avg300=0.00 total=123`, in microseconds.
fn parse(pressure: &str) -> Option<Duration> {
    let some = pressure.lines().find(|line| line.starts_with("some "))?;
    let (_, total) = some.rsplit_once("total=")?;
    total.trim().parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starved_run_gets_four_times_its_time() {
        let budget = Budget::start(Duration::from_secs(100));
        let seconds = Duration::from_secs;
        for (elapsed, waited, goes_on) in [
            (100, Some(60), true),
            (399, Some(390), true),
            (400, Some(400), false),
            (100, Some(50), false),
            (100, None, false),
        ] {
            let found = budget.goes_on(seconds(elapsed), waited.map(seconds));
            assert_eq!(found, goes_on, "{elapsed} s, {waited:?} waited");
        }
        assert!(!budget.is_over());
    }

    #[test]
    fn the_kernels_account_is_read() {
        let text = "some avg10=99.99 avg60=99.94 avg300=99.55 total=24169842216\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(parse(text), Some(Duration::from_micros(24_169_842_216)));
        assert_eq!(parse(""), None);
        assert_eq!(parse("some total=x\n"), None);
    }
}
