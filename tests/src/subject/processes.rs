//! A scheduler for processes that share memory: the test decides which of them accesses it next.
//!
//! A child has to pass a gate before every access to shared memory and around every lock. Who may pass depends on the
//! [`Policy`]. Every order is one that the kernel could have chosen, so correct code stays correct; and the wrong one is no
//! matter of luck. Children are held and released by events, never by a time: a parent that sleeps instead of waiting
//! finds that its children have done nothing.
//!
//! A parent that waits for something other than `Child::wait`, such as a byte in a pipe, isn't held up: the gates open when
//! the kernel says that it is blocked, but not asleep.

use super::shared::{self, PROCESSES, Shared};
use os_core::hook::{Access, Event, Space, When};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// In which order children access what they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// A child runs once its parent waits for that child, not before: a total that is read too early lacks its part.
    WhenAwaited,
    /// Once the parent waits, the children take turns, one access each.
    TakeTurns,
    /// Once the parent waits, a child that has read something waits until the others have run as far as they can.
    ReadersLast,
    /// Once the parent waits, the first child takes so many steps and stops, as long as the others can go on: it may hold a
    /// lock meanwhile.
    FirstStops {
        /// The number of its steps.
        after: u32,
    },
    /// Once the parent waits, a child drawn at random takes the next step.
    Random {
        /// Of the draw.
        seed: u64,
    },
}

impl Policy {
    /// One of each kind, and a few random ones.
    #[must_use]
    pub fn all(seed: u64) -> Vec<Self> {
        let random = (0..3).map(|n| Self::Random {
            seed: seed.wrapping_add(n),
        });
        [Self::WhenAwaited, Self::TakeTurns, Self::ReadersLast]
            .into_iter()
            .chain((1..=4).map(|after| Self::FirstStops { after }))
            .chain(random)
            .collect()
    }

    fn code(self) -> (u32, u64) {
        match self {
            Self::WhenAwaited => (1, 0),
            Self::TakeTurns => (2, 0),
            Self::ReadersLast => (3, 0),
            Self::Random { seed } => (4, seed),
            Self::FirstStops { after } => (5, u64::from(after)),
        }
    }
}

/// After so many accesses of one child everybody runs freely: it waits for a sibling that is held.
const MAX_STEPS: u32 = 5_000;
/// A parent that has polled shared memory so often, for so long, waits for its children in its own way.
const POLLS: u64 = 2_000;
const POLLING: Duration = Duration::from_secs(1);
/// A process blocked for so long where the kernel doesn't tell in what isn't asleep.
const BLOCKED: Duration = Duration::from_millis(1500);
/// A child that is passed over after a read more often than this has shown what it does.
const PREEMPTIONS: u32 = 8;

// The states of a slot. Zero: it has passed no gate yet.
const AT_GATE: u32 = 1;
const RUNNING: u32 = 2;
const ENDED: u32 = 3;
/// It waits for something that another process does, so nobody waits for it.
const WAITING: u32 = 4;

/// From here on the children that are forked access what they share in this order.
pub fn schedule(policy: Policy) {
    let Some(shared) = shared::get() else { return };
    let (code, seed) = policy.code();
    shared.seed.store(seed, SeqCst);
    shared.policy.store(code, SeqCst);
}

pub(super) fn steer(event: &Event<'_>) {
    let Some(shared) = shared::get() else { return };
    if shared.policy.load(SeqCst) == 0 {
        return;
    }
    let Some(me) = shared.own_slot() else { return };
    match *event {
        Event::Wait {
            when: When::Before,
            child,
        } => wait_for(shared, me, child),
        Event::Access {
            when,
            space,
            access,
            wrote,
            ..
        } if is_shared(space) => match when {
            When::Before if me == 0 => {
                shared.root_accesses.fetch_add(1, SeqCst);
            }
            When::Before => pass_gate(shared, me),
            When::After => {
                let read = access == Access::Load || !wrote || access == Access::Update;
                shared.slots[me].just_read.store(u32::from(read), SeqCst);
            }
        },
        Event::Lock {
            when: When::Before, ..
        } if me != 0 => {
            pass_gate(shared, me);
            // It may have to wait for whoever holds the lock: the turn is somebody else's meanwhile.
            shared.slots[me].state.store(WAITING, SeqCst);
            release(shared, me);
        }
        Event::Lock {
            when: When::After, ..
        }
        | Event::Unlock { .. }
            if me != 0 =>
        {
            pass_gate(shared, me);
        }
        Event::ChildEnd => {
            shared.slots[me].state.store(ENDED, SeqCst);
            release(shared, me);
        }
        _ => {}
    }
}

fn is_shared(space: Space) -> bool {
    matches!(
        space,
        Space::Mapping { shared: true, .. }
            | Space::Pages { shared: true, .. }
            | Space::Block { .. }
    )
}

/// The parent waits for a child: that child may run, and the parent sees which of the others have ended.
fn wait_for(shared: &Shared, me: usize, child: u32) {
    let Some(slot) = shared.slot(child) else {
        return;
    };
    shared.slots[me].state.store(WAITING, SeqCst);
    release(shared, me);
    shared.slots[slot].awaited.store(1, SeqCst);
    shared.waiting.fetch_add(1, SeqCst);
    let mut pause = Pause::default();
    while !matches!(os_core::process::has_ended(child), Ok(true) | Err(_)) {
        for (index, other) in shared.slots.iter().enumerate().skip(1) {
            let pid = other.pid.load(SeqCst);
            if pid != 0
                && other.state.load(SeqCst) != ENDED
                && matches!(os_core::process::has_ended(pid), Ok(true))
            {
                other.state.store(ENDED, SeqCst);
                release(shared, index);
            }
        }
        pause.pause();
    }
    shared.slots[slot].state.store(ENDED, SeqCst);
    release(shared, slot);
    shared.waiting.fetch_sub(1, SeqCst);
    shared.slots[me].state.store(RUNNING, SeqCst);
}

/// A child waits here until it may go on.
fn pass_gate(shared: &Shared, me: usize) {
    release(shared, me);
    shared.steps.fetch_add(1, SeqCst);
    if shared.slots[me].passed.fetch_add(1, SeqCst) > MAX_STEPS {
        shared.open.store(1, SeqCst);
    }
    shared.slots[me].state.store(AT_GATE, SeqCst);
    let awaited_only = shared.policy.load(SeqCst) == 1;
    let mut parent = Parent::new(shared);
    let mut others: Vec<Watched> = Vec::new();
    let mut pause = Pause::default();
    loop {
        let may_begin = if awaited_only {
            shared.slots[me].awaited.load(SeqCst) == 1
        } else {
            shared.waiting.load(SeqCst) > 0
        };
        if shared.open.load(SeqCst) == 1 || may_begin {
            break;
        }
        if parent.waits_otherwise(shared) || awaited_are_blocked(shared, &mut others) {
            shared.open.store(u32::from(awaited_only), SeqCst);
            break;
        }
        pause.pause();
    }
    if !awaited_only {
        take_turn(shared, me);
    }
    shared.slots[me].state.store(RUNNING, SeqCst);
}

/// Whether the children that their parent waits for are all blocked: they wait for one that is held.
fn awaited_are_blocked(shared: &Shared, others: &mut Vec<Watched>) -> bool {
    others.resize_with(PROCESSES, Watched::default);
    let mut awaited = shared
        .slots
        .iter()
        .zip(others)
        .filter(|(slot, _)| slot.awaited.load(SeqCst) == 1 && slot.state.load(SeqCst) != ENDED)
        .peekable();
    awaited.peek().is_some()
        && awaited.all(|(slot, other)| {
            slot.state.load(SeqCst) != AT_GATE
                && slot.state.load(SeqCst) != WAITING
                && other.is_stuck(slot)
                && slot.state.load(SeqCst) != ENDED
        })
}

/// Waits until it is this child's turn. Turns are numbered from 1: 0 is nobody's.
fn take_turn(shared: &Shared, me: usize) {
    let mine = u32::try_from(me).unwrap_or(0);
    let mut pause = Pause::default();
    let mut others: Vec<Watched> = Vec::new();
    others.resize_with(PROCESSES, Watched::default);
    while shared.open.load(SeqCst) == 0 {
        match shared.turn.load(SeqCst) {
            0 => {
                if let Some(next) = choose(shared, &mut others) {
                    let _ = shared.turn.compare_exchange(0, next, SeqCst, SeqCst);
                    continue; // whoever was first has decided
                }
            }
            turn if turn == mine => {
                shared.last.store(mine, SeqCst);
                return;
            }
            turn => {
                // Whoever has the turn may have died with it, or wait for somebody else.
                let holder = turn as usize;
                if others[holder].is_stuck(&shared.slots[holder]) {
                    let _ = shared.turn.compare_exchange(turn, 0, SeqCst, SeqCst);
                }
            }
        }
        pause.pause();
    }
}

fn release(shared: &Shared, me: usize) {
    let mine = u32::try_from(me).unwrap_or(0);
    let _ = shared.turn.compare_exchange(mine, 0, SeqCst, SeqCst);
}

/// Whose turn is next; `None` as long as somebody is on the way to a gate.
fn choose(shared: &Shared, others: &mut [Watched]) -> Option<u32> {
    let mut ready = Vec::new();
    for (index, slot) in shared.slots.iter().enumerate().skip(1) {
        if slot.pid.load(SeqCst) == 0 {
            break; // slots are filled in order
        }
        match slot.state.load(SeqCst) {
            AT_GATE => ready.push(index),
            ENDED | WAITING => {}
            _ if others[index].is_stuck(slot) => {}
            _ => return None,
        }
    }
    let last = shared.last.load(SeqCst) as usize;
    let after_last = ready
        .iter()
        .copied()
        .find(|index| *index > last)
        .or(ready.first().copied())?;
    let next = match shared.policy.load(SeqCst) {
        3 => {
            // The last one goes on, unless it has just read: then the others go first.
            let slot = &shared.slots[last];
            let preempt = slot.just_read.load(SeqCst) == 1
                && slot.preempted.load(SeqCst) < PREEMPTIONS
                && ready.len() > 1;
            if ready.contains(&last) && !preempt {
                last
            } else {
                if preempt {
                    slot.preempted.fetch_add(1, SeqCst);
                }
                // One that hasn't been passed over yet, so that it runs to its end.
                ready
                    .iter()
                    .copied()
                    .filter(|index| *index != last)
                    .min_by_key(|index| shared.slots[*index].preempted.load(SeqCst))
                    .unwrap_or(after_last)
            }
        }
        5 => {
            // Slot 1 is the first child.
            let may_go = u64::from(shared.slots[1].passed.load(SeqCst)) <= shared.seed.load(SeqCst);
            let others = ready.iter().copied().filter(|index| *index != 1);
            match ready.first() {
                Some(1) if may_go => 1,
                _ if ready.contains(&last) && last != 1 => last,
                _ => others.min().unwrap_or(after_last),
            }
        }
        4 => {
            let step = u64::from(shared.steps.load(SeqCst));
            let seed = shared.seed.load(SeqCst) ^ step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ready[fastrand::Rng::with_seed(seed).usize(..ready.len())]
        }
        _ => after_last,
    };
    u32::try_from(next).ok()
}

/// Whether another process is blocked or gone, looked at now and then.
#[derive(Default)]
struct Watched {
    since: Option<Instant>,
    looked: Option<Instant>,
}

impl Watched {
    /// Whether it has ended, or has been blocked outside a gate for a while: nobody waits for it then.
    fn is_stuck(&mut self, slot: &super::shared::Slot) -> bool {
        const LOOK: Duration = Duration::from_millis(1);
        const STUCK: Duration = Duration::from_millis(30);
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return false;
        }
        self.looked = Some(Instant::now());
        match task_state(slot.pid.load(SeqCst)) {
            None | Some('Z' | 'X') => {
                slot.state.store(ENDED, SeqCst);
                true
            }
            Some('R') => {
                self.since = None;
                false
            }
            // Also short sleeps of a busy machine: only one that lasts counts.
            Some(_) => self.since.get_or_insert_with(Instant::now).elapsed() > STUCK,
        }
    }
}

/// What a child that is held knows of the subject, its parent.
struct Parent {
    begin: Instant,
    polls: u64,
    blocked: Option<Instant>,
    looked: Option<Instant>,
}

impl Parent {
    fn new(shared: &Shared) -> Self {
        Self {
            begin: Instant::now(),
            polls: shared.root_accesses.load(SeqCst),
            blocked: None,
            looked: None,
        }
    }

    /// Whether the parent waits for its children in another way than by `Child::wait`.
    fn waits_otherwise(&mut self, shared: &Shared) -> bool {
        const LOOK: Duration = Duration::from_millis(2);
        const SURE: Duration = Duration::from_millis(20);
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return false;
        }
        self.looked = Some(Instant::now());
        let polled = shared.root_accesses.load(SeqCst).saturating_sub(self.polls) > POLLS;
        if polled && self.begin.elapsed() > POLLING {
            return true;
        }
        let root = shared.slots[0].pid.load(SeqCst);
        match task_state(root) {
            Some('S') => {
                let channel =
                    std::fs::read_to_string(format!("/proc/{root}/wchan")).unwrap_or_default();
                if channel.contains("nanosleep") {
                    self.blocked = None; // a sleep is no way to wait
                    return false;
                }
                let unknown = channel.is_empty() || channel == "0";
                let enough = if unknown { BLOCKED } else { SURE };
                self.blocked.get_or_insert_with(Instant::now).elapsed() > enough
            }
            Some('R' | 'D') => {
                self.blocked = None;
                false
            }
            // It has ended, or there is no /proc.
            _ => self.begin.elapsed() > BLOCKED,
        }
    }
}

/// The state of a process, as in `ps`; `None` when there is none, or no `/proc`.
fn task_state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Lets others run, more patiently as time goes by.
#[derive(Default)]
struct Pause(u32);

impl Pause {
    fn pause(&mut self) {
        self.0 = self.0.saturating_add(1);
        match self.0 {
            ..20 => std::thread::yield_now(),
            20..200 => std::thread::sleep(Duration::from_micros(20)),
            _ => std::thread::sleep(Duration::from_micros(200)),
        }
    }
}
