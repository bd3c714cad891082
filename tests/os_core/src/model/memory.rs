//! Mapped words in a model run: loads may return stale values, as the memory model of Rust and C++ lets them.
//!
//! The words of a [`Mapping`] are where the exercises teach orderings, so here, unlike in [`crate::sync`], an ordering
//! that is too weak shows. It is the operational view of release and acquire: each word keeps all that was stored in
//! it, and each thread has a *view*, which says for each word the oldest store that it may still read. A release store
//! carries its thread's view, and an acquire load that reads it takes the view over.
//!
//! `SeqCst` is that of C++20: its total order is the one in which the steps run. A `SeqCst` load reads no store that is older
//! than what `SeqCst` accesses to the same word wrote or read before, and orders no other word. Only a `SeqCst` fence does: after
//! it, loads see what was stored before any earlier such fence, and what earlier `SeqCst` accesses saw of their words.
//!
//! What is left out makes the model stricter than the language, never laxer: stores to one word take effect in the order
//! in which they run, and a load never reads a store that has not run yet. So a program that fails here is wrong. The
//! opposite order, "my loads come before the store that frees the slot", needs loads from the future; there, copies of
//! bytes are checked for data races instead, by the same views.

use super::run::{self, Run, with};
use super::{Op, point};
use crate::mapping::Mapping;
use crate::model::outcome::Failure;
use crate::region::WORD;
use crate::spaces;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many loads of one word in a row may be stale: stores become visible in finite time.
const PATIENCE: u32 = 3;

/// For each word, by its number, the index of the oldest store that may be read; for each thread, how far it is known. What
/// comes after the end is 0. Every step of a run compares some of these, so they are lists, not maps.
#[derive(Debug, Default)]
pub(super) struct View {
    words: Vec<usize>,
    threads: Vec<u64>,
}

impl Clone for View {
    fn clone(&self) -> Self {
        Self {
            words: self.words.clone(),
            threads: self.threads.clone(),
        }
    }

    /// Allocates nothing where there is room already.
    fn clone_from(&mut self, other: &Self) {
        self.words.clone_from(&other.words);
        self.threads.clone_from(&other.threads);
    }
}

impl View {
    fn join(&mut self, other: &Self) {
        raise(&mut self.words, &other.words);
        raise(&mut self.threads, &other.threads);
    }

    fn knows(&self, (thread, at): (usize, u64)) -> bool {
        self.threads.get(thread).is_some_and(|known| *known >= at)
    }
}

/// Takes the later of each two.
fn raise<T: Ord + Copy + Default>(mine: &mut Vec<T>, other: &[T]) {
    if mine.len() < other.len() {
        mine.resize(other.len(), T::default());
    }
    for (mine, other) in mine.iter_mut().zip(other) {
        *mine = (*mine).max(*other);
    }
}

/// The entry at `index`, after a list that was too short was filled up.
fn entry<T: Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}

/// What a thread knows.
#[derive(Debug, Default)]
struct Thread {
    now: View,
    /// What relaxed loads have read: an acquire fence takes it over.
    acquirable: View,
    /// What the last release fence has seen: relaxed stores carry it.
    released: View,
    clock: u64,
    /// Stale loads in a row, of each word.
    stale: Vec<u32>,
}

struct Store {
    value: u64,
    view: View,
}

struct Location {
    object: usize,
    stores: Vec<Store>,
    /// As plain data: who wrote it last, and who has read it since, each with its clock.
    written: Option<(usize, u64)>,
    read: BTreeMap<usize, u64>,
}

/// Which of the stores that it may read a load returns.
#[derive(Clone, Debug)]
pub(super) enum Staleness {
    /// The latest.
    None,
    /// The oldest.
    Oldest,
    /// Any, with this probability; else the latest.
    Random(f64, fastrand::Rng),
}

/// The mapped memory of a run.
pub(super) struct Memory {
    staleness: Staleness,
    threads: Vec<Thread>,
    locations: Vec<Location>,
    /// The location of each address that is mapped now.
    by_address: BTreeMap<usize, usize>,
    /// For each word, the oldest store that a `SeqCst` load, and any load after a `SeqCst` fence, may still read.
    consistent: Vec<usize>,
    /// What operations that are full barriers have in common.
    synchronized: View,
    names: BTreeMap<usize, &'static str>,
    /// Words that hold nothing but data, however they are accessed.
    data: Vec<Range<usize>>,
}

impl Memory {
    pub fn new(staleness: Staleness) -> Self {
        Self {
            staleness,
            threads: Vec::new(),
            locations: Vec::new(),
            by_address: BTreeMap::new(),
            consistent: Vec::new(),
            synchronized: View::default(),
            names: BTreeMap::new(),
            data: Vec::new(),
        }
    }

    fn pick(&mut self, thread: usize, location: usize, oldest: usize) -> usize {
        let latest = self.locations[location].stores.len() - 1;
        let stale = entry(&mut entry(&mut self.threads, thread).stale, location);
        let chosen = match &mut self.staleness {
            _ if *stale >= PATIENCE => latest,
            Staleness::None => latest,
            Staleness::Oldest => oldest,
            Staleness::Random(probability, random) => match random.f64() < *probability {
                true => random.usize(oldest..=latest),
                false => latest,
            },
        };
        *stale = if chosen < latest { *stale + 1 } else { 0 };
        chosen
    }
}

fn acquires(order: Ordering) -> bool {
    !matches!(order, Ordering::Relaxed | Ordering::Release)
}

fn releases(order: Ordering) -> bool {
    !matches!(order, Ordering::Relaxed | Ordering::Acquire)
}

impl Run {
    /// The thread that takes the step, its clock advanced.
    fn thread(&mut self) -> (usize, &mut Thread) {
        let me = self.current;
        let thread = entry(&mut self.memory.threads, me);
        thread.clock += 1;
        *entry(&mut thread.now.threads, me) = thread.clock;
        (me, thread)
    }

    fn location(&mut self, address: usize, value: u64) -> usize {
        if let Some(location) = self.memory.by_address.get(&address) {
            return *location;
        }
        let name = match self.memory.names.get(&address) {
            Some(name) => (*name).to_owned(),
            None => match spaces::of_word(address) {
                Some((_, index)) => format!("word {index}"),
                None => "word".to_owned(),
            },
        };
        let object = self.add_object(name);
        let location = self.memory.locations.len();
        self.memory.locations.push(Location {
            object,
            stores: vec![Store {
                value,
                view: View::default(),
            }],
            written: None,
            read: BTreeMap::new(),
        });
        self.memory.by_address.insert(address, location);
        location
    }

    /// A `SeqCst` fence and those before it. It orders loads and stores of words; alone, it doesn't order plain data.
    fn meet_earlier_fences(&mut self) {
        let (me, _) = self.thread();
        let memory = &mut self.memory;
        let now = &mut memory.threads[me].now;
        raise(&mut now.words, &memory.consistent);
        raise(&mut memory.consistent, &now.words);
    }

    fn load(&mut self, location: usize, order: Ordering) -> (u64, bool) {
        let (me, thread) = self.thread();
        let mut oldest = thread.now.words.get(location).copied().unwrap_or(0);
        if order == Ordering::SeqCst {
            let seen = self.memory.consistent.get(location).copied();
            oldest = oldest.max(seen.unwrap_or(0));
        }
        let chosen = self.memory.pick(me, location, oldest);
        self.read_store(location, chosen, order)
    }

    fn read_store(&mut self, location: usize, chosen: usize, order: Ordering) -> (u64, bool) {
        let (me, _) = self.thread();
        let memory = &mut self.memory;
        let stores = &memory.locations[location].stores;
        let store = &stores[chosen];
        let thread = &mut memory.threads[me];
        *entry(&mut thread.now.words, location) = chosen;
        if acquires(order) {
            thread.now.join(&store.view);
        } else {
            thread.acquirable.join(&store.view);
        }
        if order == Ordering::SeqCst {
            *entry(&mut memory.consistent, location) = chosen;
        }
        (store.value, chosen + 1 < stores.len())
    }

    /// Adds a store. `before` is the view of the store that an update has read: it goes on with its release sequence.
    fn store(&mut self, location: usize, value: u64, order: Ordering, before: Option<View>) {
        let (me, _) = self.thread();
        let memory = &mut self.memory;
        let at = memory.locations[location].stores.len();
        let thread = &mut memory.threads[me];
        *entry(&mut thread.now.words, location) = at;
        let mut view = match releases(order) {
            true => thread.now.clone(),
            false => thread.released.clone(),
        };
        if order == Ordering::SeqCst {
            *entry(&mut memory.consistent, location) = at;
        }
        *entry(&mut view.words, location) = at;
        if let Some(before) = before {
            view.join(&before);
        }
        memory.locations[location]
            .stores
            .push(Store { value, view });
    }

    fn latest(&self, location: usize) -> usize {
        self.memory.locations[location].stores.len() - 1
    }

    fn fence(&mut self, order: Ordering) {
        let (_, thread) = self.thread();
        if acquires(order) {
            thread.now.join(&thread.acquirable);
        }
        if order == Ordering::SeqCst {
            self.meet_earlier_fences();
        }
        let (_, thread) = self.thread();
        if releases(order) {
            thread.released.clone_from(&thread.now);
        }
    }

    /// Checks an access to plain data for a race.
    fn data(&mut self, location: usize, writes: bool) {
        let (me, thread) = self.thread();
        let clock = thread.clock;
        let now = &self.memory.threads[me].now;
        let data = &self.memory.locations[location];
        let racing_write = data.written.filter(|write| !now.knows(*write));
        let racing_read = data
            .read
            .iter()
            .map(|(thread, at)| (*thread, *at))
            .find(|read| writes && !now.knows(*read));
        let object = data.object;
        if let Some((other, did)) = racing_write
            .map(|(other, _)| (other, "wrote"))
            .or(racing_read.map(|(other, _)| (other, "read")))
        {
            let does = if writes { "writes" } else { "reads" };
            self.fail(Failure::Race(format!(
                "{} {does} `{}`, which {} {did}, and nothing orders the two",
                run::label(me),
                self.object_name(object),
                run::label(other),
            )));
            return;
        }
        let data = &mut self.memory.locations[location];
        if writes {
            data.written = Some((me, clock));
            data.read.clear();
        } else {
            data.read.insert(me, clock);
        }
    }

    fn is_data(&self, address: usize) -> bool {
        let mut ranges = self.memory.data.iter();
        ranges.any(|range| range.contains(&address))
    }

    /// Everything that a started thread's parent knows, it knows too; the other way round for a join.
    pub(super) fn hand_over(&mut self, from: usize, to: usize) {
        let view = entry(&mut self.memory.threads, from).now.clone();
        entry(&mut self.memory.threads, to).now.join(&view);
    }

    /// Operations of `crate::sync`, and those of the kernel, order everything before and after them.
    pub(super) fn full_barrier(&mut self) {
        self.fence(Ordering::SeqCst);
        let (me, _) = self.thread();
        let memory = &mut self.memory;
        let thread = &mut memory.threads[me];
        thread.now.join(&memory.synchronized);
        thread.released.clone_from(&thread.now);
        memory.synchronized.join(&thread.now);
    }
}

/// What an access does to a word.
pub(crate) enum Change<'a> {
    Load(Ordering),
    Store(u64, Ordering),
    /// Computes the new value; `None` leaves the old one, and the second ordering applies.
    Update(&'a dyn Fn(u64) -> Option<u64>, Ordering, Ordering),
}

/// One access to a word in a model run. Returns the value that was there, and whether a value was written.
pub(crate) fn access(atomic: &AtomicU64, change: &Change<'_>) -> (u64, bool) {
    point();
    let address = std::ptr::from_ref(atomic) as usize;
    let result = with(|run| {
        let location = run.location(address, atomic.load(Ordering::Relaxed));
        let data = run.is_data(address);
        let object = run.memory.locations[location].object;
        let (seen, wrote, op) = match *change {
            Change::Load(order) => {
                assert!(
                    !matches!(order, Ordering::Release | Ordering::AcqRel),
                    "a load can't be `{order:?}`"
                );
                if data && order == Ordering::Relaxed {
                    run.data(location, false);
                }
                let (seen, stale) = run.load(location, order);
                let value = match stale {
                    true => format!("{seen}, a stale value"),
                    false => seen.to_string(),
                };
                (seen, None, Op::Load { value })
            }
            Change::Store(value, order) => {
                assert!(
                    !matches!(order, Ordering::Acquire | Ordering::AcqRel),
                    "a store can't be `{order:?}`"
                );
                if data && order == Ordering::Relaxed {
                    run.data(location, true);
                }
                run.store(location, value, order, None);
                let op = Op::Store {
                    value: value.to_string(),
                };
                (0, Some(value), op)
            }
            Change::Update(update, success, failure) => {
                let latest = run.latest(location);
                let store = &run.memory.locations[location].stores[latest];
                let (seen, before) = (store.value, store.view.clone());
                let new = update(seen);
                let order = if new.is_some() { success } else { failure };
                run.read_store(location, latest, order);
                let op = match new {
                    Some(new) => {
                        run.store(location, new, order, Some(before));
                        Op::Update {
                            before: seen.to_string(),
                            after: new.to_string(),
                        }
                    }
                    None => Op::Load {
                        value: seen.to_string(),
                    },
                };
                (seen, new, op)
            }
        };
        if let Some(value) = wrote {
            atomic.store(value, Ordering::Relaxed);
        }
        run.note(Some(object), op);
        (seen, wrote.is_some())
    });
    run::leave_if_stopped();
    result
}

/// A fence, in a model run.
pub(crate) fn fence(order: Ordering) {
    point();
    with(|run| run.fence(order));
}

/// The number of the word, for those who wait for it, if it holds `value` at this moment.
pub(crate) fn futex(atomic: &AtomicU64, value: u64) -> Option<usize> {
    let address = std::ptr::from_ref(atomic) as usize;
    with(|run| {
        let location = run.location(address, atomic.load(Ordering::Relaxed));
        run.full_barrier();
        let latest = run.latest(location);
        let holds = run.memory.locations[location].stores[latest].value;
        (holds == value).then_some(run.memory.locations[location].object)
    })
}

/// The number of the word, for whoever wakes those who wait for it.
pub(crate) fn futex_to_wake(atomic: &AtomicU64) -> usize {
    let address = std::ptr::from_ref(atomic) as usize;
    with(|run| {
        run.full_barrier();
        let location = run.location(address, atomic.load(Ordering::Relaxed));
        run.memory.locations[location].object
    })
}

/// A copy of bytes is about to begin; nothing comes between this and the copy.
#[inline]
pub(crate) fn before_data() {
    if run::running() {
        point();
    }
}

/// Bytes were copied into a mapping.
#[inline]
pub(crate) fn data_written(mapping: &Mapping, first: usize, bytes: usize) {
    if run::running() {
        data(mapping, first, bytes, true);
    }
}

/// Bytes were copied out of a mapping.
#[inline]
pub(crate) fn data_read(mapping: &Mapping, first: usize, bytes: usize) {
    if run::running() {
        data(mapping, first, bytes, false);
    }
}

fn data(mapping: &Mapping, first: usize, bytes: usize, writes: bool) {
    if bytes == 0 {
        return;
    }
    with(|run| {
        for index in first..first + bytes.div_ceil(WORD) {
            let value = mapping.peek(index);
            let location = run.location(mapping.address_of(index), value);
            run.data(location, writes);
            if writes {
                // Whoever reads the word as a word sees that it has changed.
                run.store(location, value, Ordering::Relaxed, None);
            }
            if index == first {
                let object = run.memory.locations[location].object;
                let value = match bytes {
                    1 => "1 byte".to_owned(),
                    n => format!("{n} bytes"),
                };
                let op = match writes {
                    true => Op::Store { value },
                    false => Op::Load { value },
                };
                run.note(Some(object), op);
            }
        }
    });
    run::leave_if_stopped();
}

/// Words that are mapped no longer.
pub(crate) fn forget(addresses: Range<usize>) {
    if !run::running() {
        return;
    }
    with(|run| {
        let memory = &mut run.memory;
        memory.by_address.retain(|at, _| !addresses.contains(at));
        memory.names.retain(|at, _| !addresses.contains(at));
        memory
            .data
            .retain(|range| !addresses.contains(&range.start));
    });
}

/// In a model run, for the judge: what the words of a mapping are called in schedules, and from which word on they hold
/// nothing but data. There, relaxed accesses are checked for races as copies of bytes are. Elsewhere it does nothing.
pub fn describe(mapping: &Mapping, names: &[(usize, &'static str)], data_from: usize) {
    if !run::running() {
        return;
    }
    with(|run| {
        for (index, name) in names {
            let address = mapping.address_of(*index);
            run.memory.names.insert(address, name);
        }
        let data = mapping.address_of(data_from)..mapping.address_of(mapping.len());
        run.memory.data.push(data);
    });
}
