//! Right: whoever was interrupted waits in a place of its own; each turn has a deadline, and the account counts the turn under way
//! Replaces: io_first

use os::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering};
use os::time::{Duration, Instant};
use std::collections::VecDeque;

type Ticket = u64;

#[derive(Debug)]
pub struct IoFirst {
    interval: Duration,
    desk: Mutex<Desk>,
    called: Condvar,
    requested: AtomicBool,
}

#[derive(Debug)]
struct Desk {
    last: Ticket,
    /// Who has the lock: 0 for nobody.
    holder: Ticket,
    went_first: bool,
    since: Instant,
    until: Instant,
    back: VecDeque<Ticket>,
    interrupted: Option<(Ticket, Duration)>,
    line: VecDeque<Ticket>,
    /// What those that compute have saved, in nanoseconds.
    saved: i128,
    most: i128,
}

impl Desk {
    fn ticket(&mut self) -> Ticket {
        self.last += 1;
        self.last
    }

    fn saved_now(&self) -> i128 {
        let held = self.since.elapsed().as_nanos() as i128;
        match (self.holder, self.went_first) {
            (0, _) => self.saved,
            (_, true) => self.saved - held,
            (_, false) => (self.saved + held).min(self.most),
        }
    }

    fn somebody_waits(&self) -> bool {
        !self.back.is_empty() || self.interrupted.is_some() || !self.line.is_empty()
    }

    fn one_goes_first(&self) -> bool {
        !self.back.is_empty() && self.saved_now() >= 0
    }

    fn begin(&mut self, holder: Ticket, went_first: bool, time: Duration) {
        self.holder = holder;
        self.went_first = went_first;
        self.since = Instant::now();
        self.until = self.since + time;
    }

    /// Ends the turn of the holder and begins that of the next one, if anybody waits.
    fn call_next(&mut self, interval: Duration) {
        let first = self.one_goes_first();
        self.saved = self.saved_now();
        self.holder = 0;
        let next = match first {
            true => self.back.pop_front().map(|ticket| (ticket, true, interval)),
            false => None,
        };
        let next = next
            .or_else(|| {
                let (ticket, rest) = self.interrupted.take()?;
                Some((ticket, false, rest))
            })
            .or_else(|| Some((self.line.pop_front()?, false, interval)))
            .or_else(|| Some((self.back.pop_front()?, true, interval)));
        if let Some((ticket, first, time)) = next {
            self.begin(ticket, first, time);
        }
    }
}

impl IoFirst {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        let now = Instant::now();
        Self {
            interval,
            desk: Mutex::new(Desk {
                last: 0,
                holder: 0,
                went_first: false,
                since: now,
                until: now,
                back: VecDeque::new(),
                interrupted: None,
                line: VecDeque::new(),
                saved: 0,
                most: 2 * interval.as_nanos() as i128,
            }),
            called: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> IoFirstGuard<'_> {
        let mut desk = self.desk.lock().unwrap();
        let mine = desk.ticket();
        match desk.holder {
            0 => desk.begin(mine, false, self.interval),
            _ => {
                desk.line.push_back(mine);
                self.wait(desk, mine);
            }
        }
        IoFirstGuard { lock: self }
    }

    fn come_back(&self) {
        let mut desk = self.desk.lock().unwrap();
        let mine = desk.ticket();
        if desk.holder == 0 {
            desk.begin(mine, true, self.interval);
            return;
        }
        desk.back.push_back(mine);
        self.request_if_due(&desk);
        self.wait(desk, mine);
    }

    /// A thread that comes back doesn't interrupt one that went first itself: that one has its interval.
    fn request_if_due(&self, desk: &Desk) {
        let due = Instant::now() >= desk.until || !desk.went_first && desk.one_goes_first();
        if due {
            self.requested.store(true, Ordering::Relaxed);
        }
    }

    fn wait(&self, mut desk: MutexGuard<'_, Desk>, mine: Ticket) {
        while desk.holder != mine {
            let left = desk.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.requested.store(true, Ordering::Relaxed);
                desk = self.called.wait(desk).unwrap();
            } else {
                desk = self.called.wait_timeout(desk, left).unwrap().0;
            }
        }
    }

    fn leave(&self) {
        let mut desk = self.desk.lock().unwrap();
        desk.call_next(self.interval);
        self.called(&desk);
    }

    fn called(&self, desk: &Desk) {
        self.requested.store(false, Ordering::Relaxed);
        if desk.holder != 0 {
            // What was left of an interrupted turn may be over already, and then it is nobody's business.
            if desk.somebody_waits() {
                self.request_if_due(desk);
            }
            self.called.notify_all();
        }
    }

    fn step_aside(&self) -> bool {
        let mut desk = self.desk.lock().unwrap();
        let others_compute = desk.interrupted.is_some() || !desk.line.is_empty();
        if !desk.went_first && !others_compute && !desk.one_goes_first() {
            desk.saved = desk.saved_now();
            let holder = desk.holder;
            desk.begin(holder, false, self.interval);
            self.called(&desk);
            return false;
        }
        let mine = desk.ticket();
        let rest = desk.until.saturating_duration_since(Instant::now());
        let interrupted = !desk.went_first && !rest.is_zero() && desk.one_goes_first();
        desk.call_next(self.interval);
        match interrupted {
            true => desk.interrupted = Some((mine, rest)),
            false => desk.line.push_back(mine),
        }
        if desk.holder == 0 {
            desk.call_next(self.interval);
        }
        self.called(&desk);
        self.wait(desk, mine);
        true
    }
}

#[must_use]
#[derive(Debug)]
pub struct IoFirstGuard<'a> {
    lock: &'a IoFirst,
}

impl IoFirstGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        self.lock.requested.load(Ordering::Relaxed) && self.lock.step_aside()
    }

    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        struct Back<'a>(&'a IoFirst);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.come_back();
            }
        }
        self.lock.leave();
        let _back = Back(self.lock);
        work()
    }
}

impl Drop for IoFirstGuard<'_> {
    fn drop(&mut self) {
        self.lock.leave();
    }
}
