//! Processor time that several programs share until they answer: ten runs of one endless loop cost little more than one.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

/// A program that was given up once gets this part of the time from then on.
const AFTERWARDS: u32 = 30;

/// What programs that haven't answered may use together. Each of them is looked at by its [`Running`](crate::Running).
#[derive(Debug)]
pub struct Allowance {
    total: Duration,
    /// How many allowances of one kin have been used up.
    kin: Arc<AtomicU32>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// What those have used that have neither answered nor been given up.
    current: BTreeMap<u64, Duration>,
    given_up: u32,
}

impl Allowance {
    /// `total` for each set of programs. Where another allowance of the same `kin` was used up, this one is smaller.
    #[must_use]
    pub fn new(total: Duration, kin: &Arc<AtomicU32>) -> Arc<Self> {
        Arc::new(Self {
            total,
            kin: kin.clone(),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One program's share, from a question to its answer.
#[derive(Debug)]
pub(crate) struct Share {
    allowance: Arc<Allowance>,
    number: u64,
}

impl Share {
    pub(crate) fn of(allowance: &Arc<Allowance>) -> Self {
        let mut state = allowance.state();
        state.next += 1;
        let number = state.next;
        state.current.insert(number, Duration::ZERO);
        drop(state);
        Self {
            allowance: allowance.clone(),
            number,
        }
    }

    /// Whether a program that has used this much is to be given up.
    pub(crate) fn is_used_up(&self, used: Duration) -> bool {
        let allowance = &self.allowance;
        let mut state = allowance.state();
        state.current.insert(self.number, used);
        let least = allowance.total / AFTERWARDS;
        if state.given_up > 0 {
            return used >= least;
        }
        let total = allowance.total / (1 << allowance.kin.load(Relaxed).min(2));
        let together: Duration = state.current.values().sum();
        together >= total && used >= least
    }

    /// Notes that the program is given up, whatever for.
    pub(crate) fn give_up(&self) {
        let mut state = self.allowance.state();
        if state.given_up == 0 {
            self.allowance.kin.fetch_add(1, Relaxed);
        }
        state.given_up += 1;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.allowance.state().current.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn programs_share_until_they_answer() {
        let allowance = Allowance::new(3 * SECOND, &Arc::default());
        let [one, two] = [(); 2].map(|()| Share::of(&allowance));
        assert!(!one.is_used_up(2 * SECOND));
        assert!(two.is_used_up(SECOND));
        // An answer gives back what it took.
        drop(one);
        assert!(!two.is_used_up(SECOND));
        assert!(two.is_used_up(3 * SECOND));
    }

    #[test]
    fn who_was_given_up_gets_little() {
        let allowance = Allowance::new(3 * SECOND, &Arc::default());
        let looping = Share::of(&allowance);
        looping.give_up();
        drop(looping);
        let next = Share::of(&allowance);
        assert!(!next.is_used_up(SECOND / 20) && next.is_used_up(SECOND / 10));
    }

    #[test]
    fn others_get_less_but_no_trifle() {
        let kin = Arc::default();
        let [one, other] = [(); 2].map(|()| Allowance::new(3 * SECOND, &kin));
        Share::of(&one).give_up();
        let share = Share::of(&other);
        assert!(!share.is_used_up(SECOND) && share.is_used_up(3 * SECOND / 2));
    }
}
