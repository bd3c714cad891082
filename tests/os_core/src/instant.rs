//! A clock that is the kernel's in a plain run and the scheduler's in a model run.

use crate::model;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use std::time::Duration;

/// A moment, as [`std::time::Instant`].
///
/// ```
/// # extern crate os_core as os;
/// use os::time::{Duration, Instant};
/// let begin = Instant::now();
/// os::thread::sleep(Duration::from_millis(2));
/// assert!(begin.elapsed() >= Duration::from_millis(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Which);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Which {
    /// Since the run began.
    Model(Duration),
    Std(std::time::Instant),
}

impl Instant {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        if model::running() {
            model::point(); // a loop that looks at the clock lets others run
            Self(Which::Model(model::now()))
        } else {
            Self(Which::Std(std::time::Instant::now()))
        }
    }

    /// How long ago this moment was.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Self::now().duration_since(*self)
    }

    /// How much later this moment is than `earlier`; zero if it is not later, or if one of the two is of a model run and
    /// the other is not.
    #[must_use]
    pub fn duration_since(&self, earlier: Self) -> Duration {
        match (self.0, earlier.0) {
            (Which::Model(late), Which::Model(early)) => late.saturating_sub(early),
            (Which::Std(late), Which::Std(early)) => late.saturating_duration_since(early),
            _ => Duration::ZERO,
        }
    }

    /// The same as [`duration_since`](Self::duration_since).
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// The moment so much later; `None` if there is none.
    #[must_use]
    pub fn checked_add(&self, time: Duration) -> Option<Self> {
        Some(Self(match self.0 {
            Which::Model(at) => Which::Model(at.checked_add(time)?),
            Which::Std(at) => Which::Std(at.checked_add(time)?),
        }))
    }

    /// The moment so much earlier; `None` if there is none.
    #[must_use]
    pub fn checked_sub(&self, time: Duration) -> Option<Self> {
        Some(Self(match self.0 {
            Which::Model(at) => Which::Model(at.checked_sub(time)?),
            Which::Std(at) => Which::Std(at.checked_sub(time)?),
        }))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// # Panics
    /// When there is no such moment.
    fn add(self, time: Duration) -> Self {
        self.checked_add(time).expect("the moment is too late")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, time: Duration) {
        *self = *self + time;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// # Panics
    /// When there is no such moment.
    fn sub(self, time: Duration) -> Self {
        self.checked_sub(time).expect("the moment is too early")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, time: Duration) {
        *self = *self - time;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}
