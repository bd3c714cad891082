//! Wrong: settles the account of a thread that went first only when it drops the guard
//! Changes: io_first
//! Fails: io_first::threads_that_compute_keep_half_of_the_time
//! Section: gil/exercise.md#bonus-beat-cpython

impl IoFirst {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::new(State {
                holder: None,
                since: Instant::now(),
                returning: VecDeque::new(),
                computing: VecDeque::new(),
                next_id: 0,
                credit: 1,
            }),
            switched: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }
    pub fn acquire(&self) -> IoFirstGuard<'_> {
        self.take(false);
        IoFirstGuard { lock: self }
    }

    fn take(&self, returning: bool) {
        let mut state = self.state();
        let waiter = Waiter {
            id: state.next_id,
            left: self.interval,
        };
        state.next_id += 1;
        if state.holder.is_none() {
            state.hold(Holder {
                waiter,
                first: returning,
            });
            return;
        }
        if returning {
            state.returning.push_back(waiter);
            if state.may_interrupt() {
                self.requested.store(true, Ordering::Relaxed);
            }
        } else {
            state.computing.push_back(waiter);
        }
        self.wait(state, waiter.id);
    }
    fn wait(&self, mut state: MutexGuard<'_, State>, id: u64) {
        loop {
            let (holder, left) = match state.holder {
                Some(holder) if holder.waiter.id == id => return,
                Some(holder) => (holder.waiter.id, holder.waiter.left),
                None => unreachable!("the lock is free, and somebody waits for it"),
            };
            let (guard, result) = self
                .switched
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if result.timed_out() && state.holder.map(|now| now.waiter.id) == Some(holder) {
                self.requested.store(true, Ordering::Relaxed);
            }
        }
    }

    fn release(&self) {
        let mut state = self.state();
        state.account(self.interval);
        state.pass_on();
        self.announce(&state);
    }
    fn switch(&self) -> bool {
        let mut state = self.state();
        let Some(holder) = state.holder else {
            return false;
        };
        let held = match holder.first {
            true => state.since.elapsed(),
            false => state.account(self.interval),
        };
        if !holder.first && state.computing.is_empty() && !state.goes_first() {
            // Only threads that came back wait, and they have had their half.
            state.hold(holder);
            self.announce(&state);
            return false;
        }
        let is_interrupted = state.goes_first() && !holder.first && held < holder.waiter.left;
        state.pass_on(); // before this thread is in a queue itself
        let id = state.next_id;
        state.next_id += 1;
        if is_interrupted {
            // It goes on next, with what is left of its interval.
            let left = holder.waiter.left.saturating_sub(held);
            state.computing.push_front(Waiter { id, left });
        } else {
            let left = self.interval;
            state.computing.push_back(Waiter { id, left });
        }
        self.announce(&state);
        self.wait(state, id);
        true
    }
    fn announce(&self, state: &State) {
        self.requested
            .store(state.may_interrupt(), Ordering::Relaxed);
        if state.holder.is_some() {
            self.switched.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
