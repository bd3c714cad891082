//! A play for a lock: each thread has a script, and what happened is compared with rules, under many schedules.

use crate::{Gil, Holder};
use checks::{Explored, explore_schedules};
use os_core::model::{self, Time};
use os_core::sync::Arc;
use os_core::thread;
use os_core::time::Duration;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

/// Something that a thread does. Times are in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Act {
    /// Waits until this moment.
    Until(u64),
    /// Waits for the lock.
    Acquire,
    /// Computes for so long, without a safe point.
    Work(u64),
    /// Calls `safe_point`.
    SafePoint,
    /// So many times: computes for so long, then calls `safe_point`.
    Compute(u32, u64),
    /// `allow_threads`, for so long.
    Io(u64),
    /// So many times: `allow_threads` for so long, then computes for so long.
    Serve(u32, u64, u64),
    /// `allow_threads` with work that acquires the lock itself, for so long.
    IoThatAcquires(u64),
    /// `allow_threads`, with work that panics after so long. The panic is caught.
    IoThatPanics(u64),
    /// Drops the guard.
    Release,
    /// Panics. The thread ends by that.
    Panic,
}

/// What time means in the run, and how many waits end for no reason.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// A virtual clock; otherwise, timeouts come at any moment.
    pub clock: bool,
    /// How many waits end with no notification.
    pub spurious: usize,
    /// How many schedules are tried.
    pub schedules: usize,
}

/// With a clock.
pub const CLOCK: Setting = Setting {
    clock: true,
    spurious: 0,
    schedules: 40,
};

/// With timeouts at any moment.
pub const HOSTILE: Setting = Setting {
    clock: false,
    schedules: 120,
    ..CLOCK
};

/// What must hold of a play, beside that at most one thread holds the lock at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Rule {
    /// Whoever passes the lock on at a safe point has held it for so long.
    SlicesOf(u64),
    /// No thread waits longer for the lock.
    WaitsUpTo(u64),
    /// This thread gets the lock for the n-th time (from 0) within these two moments.
    Gets(usize, usize, u64, u64),
    /// The threads get the lock in this order, from the first time on.
    Order(Vec<usize>),
    /// A safe point that passes the lock on returns `true`, any other one `false`.
    TellsTheTruth,
    /// No safe point passes the lock on.
    Keeps,
    /// The play ends at this moment.
    EndsAt(u64),
    /// This thread has the lock again so soon after each `work`.
    BackWithin(usize, u64),
    /// This thread holds the lock for so long in all, up to this moment.
    HoldsFor(usize, u64, u64),
    /// These threads hold it for so long together, up to this moment.
    HoldTogether(Vec<usize>, u64, u64),
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Waits,
    /// Waits for the lock after `work`.
    Back,
    Holds,
    LetsGo,
    /// Reaches a safe point.
    Offers,
    /// Leaves it, with what it returned.
    Goes(bool),
    /// A panic in `work` did not come through.
    Swallowed,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    thread: usize,
    what: What,
}

/// Runs the play under many schedules. What comes out of each is a complaint, or `None`.
pub fn play(
    new: impl Fn() -> Arc<dyn Gil> + Send + Sync + 'static,
    interval: Option<Duration>,
    scripts: Vec<Vec<Act>>,
    rules: Vec<Rule>,
    setting: Setting,
) -> Explored<Option<String>> {
    let (scripts, rules) = (Arc::new(scripts), Arc::new(rules));
    explore_schedules(setting.schedules, move || {
        model::set_time(match setting.clock {
            true => Time::Virtual,
            false => Time::Hostile,
        });
        model::set_spurious_wakeups(setting.spurious);
        let stage = Arc::new(Stage {
            gil: new(),
            entries: Mutex::default(),
        });
        let threads: Vec<_> = (0..scripts.len())
            .map(|thread| {
                let (stage, scripts) = (stage.clone(), scripts.clone());
                thread::spawn(move || {
                    let script = &scripts[thread];
                    unless_planned(|| stage.perform(thread, script));
                })
            })
            .collect();
        for thread in threads {
            thread
                .join()
                .unwrap_or_else(|payload| resume_unwind(payload));
        }
        let entries = stage.entries();
        let setting = match interval {
            Some(interval) => format!("The interval is {interval:?}. The threads"),
            None => "The threads".into(),
        };
        let told = |complaint| format!("{complaint}. {setting}:{}", describe(&scripts));
        let complaint = never(&entries);
        let complaint = complaint.or_else(|| rules.iter().find_map(|rule| rule.broken(&entries)));
        complaint.map(told)
    })
}

struct Stage {
    gil: Arc<dyn Gil>,
    /// Not of `os::sync`: no scheduling point, and never held across one.
    entries: Mutex<Vec<Entry>>,
}

impl Stage {
    fn note(&self, thread: usize, what: What) {
        let at = u64::try_from(model::now().as_micros()).unwrap_or(u64::MAX);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { at, thread, what });
    }

    fn entries(&self) -> Vec<Entry> {
        let entries = self.entries.lock();
        entries.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn perform(&self, thread: usize, script: &[Act]) {
        let mut holder: Option<Box<dyn Holder + '_>> = None;
        for act in script {
            match *act {
                Act::Until(moment) => {
                    let moment = Duration::from_micros(moment);
                    thread::sleep(moment.saturating_sub(model::now()));
                }
                Act::Acquire => {
                    self.note(thread, What::Waits);
                    holder = Some(self.gil.acquire());
                    self.note(thread, What::Holds);
                }
                Act::Work(micros) => work(micros),
                Act::SafePoint => self.safe_point(thread, held(&mut holder)),
                Act::Compute(times, micros) => {
                    for _ in 0..times {
                        work(micros);
                        self.safe_point(thread, held(&mut holder));
                    }
                }
                Act::Io(micros) => self.io(thread, held(&mut holder), &mut || work(micros)),
                Act::Serve(times, io, micros) => {
                    for _ in 0..times {
                        self.io(thread, held(&mut holder), &mut || work(io));
                        work(micros);
                    }
                }
                Act::IoThatAcquires(micros) => self.io(thread, held(&mut holder), &mut || {
                    self.note(thread, What::Waits);
                    let inner = self.gil.acquire();
                    self.note(thread, What::Holds);
                    work(micros);
                    self.note(thread, What::LetsGo);
                    drop(inner);
                }),
                Act::IoThatPanics(micros) => {
                    let holder = held(&mut holder);
                    let came_through = unless_planned(|| {
                        self.io(thread, holder, &mut || {
                            work(micros);
                            self.note(thread, What::Back);
                            resume_unwind(Box::new(Planned));
                        });
                    });
                    self.note(
                        thread,
                        if came_through {
                            What::Holds
                        } else {
                            What::Swallowed
                        },
                    );
                }
                Act::Release => {
                    self.note(thread, What::LetsGo);
                    holder = None;
                }
                Act::Panic => {
                    self.note(thread, What::LetsGo);
                    resume_unwind(Box::new(Planned));
                }
            }
        }
        if holder.is_some() {
            self.note(thread, What::LetsGo);
        }
    }

    fn safe_point(&self, thread: usize, holder: &mut dyn Holder) {
        self.note(thread, What::Offers);
        let switched = holder.safe_point();
        self.note(thread, What::Goes(switched));
    }

    fn io(&self, thread: usize, holder: &mut dyn Holder, work: &mut dyn FnMut()) {
        self.note(thread, What::LetsGo);
        let answer = holder.allow_threads(&mut || {
            work();
            self.note(thread, What::Back); // from here on nothing but the lock is in the way
            42
        });
        assert_eq!(answer, 42, "what `work` returned");
        self.note(thread, What::Holds);
    }
}

/// What a script's panics carry.
struct Planned;

/// Runs `body`; returns whether one of the script's panics came out of it. Any other one goes on.
fn unless_planned(body: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(()) => false,
        Err(payload) if payload.is::<Planned>() => true,
        Err(other) => resume_unwind(other),
    }
}

fn held<'a, 'b>(holder: &'a mut Option<Box<dyn Holder + 'b>>) -> &'a mut (dyn Holder + 'b) {
    &mut **holder.as_mut().expect("the script acquires first")
}

fn work(micros: u64) {
    thread::sleep(Duration::from_micros(micros));
}

/// The scripts in words, a line for each thread.
fn describe(scripts: &[Vec<Act>]) -> String {
    let mut text = String::new();
    for (thread, script) in scripts.iter().enumerate() {
        let acts = script.iter().filter(|act| !matches!(act, Act::Until(0)));
        let acts: Vec<String> = acts.map(Act::describe).collect();
        text += &format!("\n    {}: {}", name(thread), in_short(&acts));
    }
    text
}

/// A list in which what comes again and again is said once.
fn in_short(mut acts: &[String]) -> String {
    let mut said = Vec::new();
    while !acts.is_empty() {
        // How often the list begins with its first few.
        let times = |few: usize| {
            let groups = acts.chunks(few);
            groups.take_while(|other| *other == &acts[..few]).count()
        };
        let mut many = (1..=3.min(acts.len())).map(|few| (few, times(few)));
        let (few, times) = many.find(|(_, times)| *times > 2).unwrap_or((1, 1));
        let first = acts[..few].join(", ");
        said.push(match times {
            1 => first,
            times => format!("{times} × ({first})"),
        });
        acts = &acts[few * times..];
    }
    said.join(", ")
}

impl Act {
    fn describe(&self) -> String {
        match *self {
            Self::Until(moment) => format!("waits until {}", ms(moment)),
            Self::Acquire => "acquires".into(),
            Self::Work(micros) => format!("computes for {}", ms(micros)),
            Self::SafePoint => "safe point".into(),
            Self::Compute(times, micros) => {
                format!("{times} × (computes for {}, safe point)", ms(micros))
            }
            Self::Io(micros) => format!("allow_threads for {}", ms(micros)),
            Self::Serve(times, io, micros) => {
                format!(
                    "{times} × (allow_threads for {}, computes for {})",
                    ms(io),
                    ms(micros)
                )
            }
            Self::IoThatAcquires(micros) => {
                format!(
                    "allow_threads with work that acquires the lock for {}",
                    ms(micros)
                )
            }
            Self::IoThatPanics(micros) => {
                format!("allow_threads with work that panics after {}", ms(micros))
            }
            Self::Release => "drops the guard".into(),
            Self::Panic => "panics".into(),
        }
    }
}

/// `A`, `B`, …, as in schedules.
fn name(thread: usize) -> char {
    (b'A'..=b'Z').nth(thread).map_or('?', char::from)
}

fn ms(micros: u64) -> String {
    format!("{:?}", Duration::from_micros(micros))
}

/// Who held the lock when: taken up, given up, and whether at a safe point.
struct Slice {
    thread: usize,
    from: u64,
    to: u64,
    at_safe_point: bool,
}

/// The times for which threads held the lock, as they see it. A safe point that passes the lock on is the end of one and the
/// beginning of another.
fn slices(entries: &[Entry]) -> Vec<Slice> {
    let mut slices: Vec<Slice> = Vec::new();
    let close = |slices: &mut Vec<Slice>, thread: usize, to: u64, at_safe_point: bool| {
        let mine = slices.iter_mut().rev().find(|s| s.thread == thread);
        if let Some(slice) = mine {
            (slice.to, slice.at_safe_point) = (to, at_safe_point);
        }
    };
    for (place, entry) in entries.iter().enumerate() {
        let thread = entry.thread;
        let open = Slice {
            thread,
            from: entry.at,
            to: u64::MAX,
            at_safe_point: false,
        };
        match entry.what {
            What::Holds => slices.push(open),
            What::LetsGo => close(&mut slices, thread, entry.at, false),
            What::Offers if others_hold_before_it_goes(&entries[place..]) => {
                close(&mut slices, thread, entry.at, true);
            }
            What::Goes(_)
                if slices
                    .iter()
                    .rev()
                    .find(|s| s.thread == thread)
                    .is_some_and(|s| s.to != u64::MAX) =>
            {
                slices.push(open);
            }
            _ => {}
        }
    }
    slices
}

/// Whether another thread gets the lock between the first entry, a safe point's beginning, and its end.
fn others_hold_before_it_goes(entries: &[Entry]) -> bool {
    let thread = entries[0].thread;
    let own_end = |e: &&Entry| e.thread == thread && matches!(e.what, What::Goes(_));
    let end = entries
        .iter()
        .position(|e| own_end(&e))
        .unwrap_or(entries.len());
    entries[..end]
        .iter()
        .any(|e| e.thread != thread && matches!(e.what, What::Holds | What::Goes(_)))
}

/// How a complaint about two holders begins.
const TWO_HOLDERS: &str = "two threads held the lock at the same time";

/// What a complaint says of a lock that stayed with its holder.
const MISSED_A_SWITCH: &str = "then it stayed with the last one";

/// Whether under some schedule two threads held the lock at the same time.
pub fn has_two_holders(explored: &Explored<Option<String>>) -> bool {
    explored.complains(|complaint| complaint.starts_with(TWO_HOLDERS))
}

/// Whether under some schedule the order was right, and ended too early.
pub fn misses_a_switch(explored: &Explored<Option<String>>) -> bool {
    explored.complains(|complaint| complaint.contains(MISSED_A_SWITCH))
}

/// What no play may show: two threads that hold the lock at the same time, a panic that is lost.
fn never(entries: &[Entry]) -> Option<String> {
    if let Some(entry) = entries.iter().find(|e| e.what == What::Swallowed) {
        let thread = name(entry.thread);
        return Some(format!(
            "the panic in `work` of {thread} didn't go on to its caller"
        ));
    }
    let mut holder: Option<usize> = None;
    for (place, entry) in entries.iter().enumerate() {
        let thread = entry.thread;
        match entry.what {
            What::Holds | What::Goes(_) => match holder {
                // Which two depends on the schedule, which follows: the message itself is always the same.
                Some(other) if other != thread => {
                    return Some(format!("{TWO_HOLDERS}, at {}", ms(entry.at)));
                }
                _ => holder = Some(thread),
            },
            What::LetsGo => holder = holder.filter(|other| *other != thread),
            What::Offers if others_hold_before_it_goes(&entries[place..]) => {
                holder = holder.filter(|other| *other != thread);
            }
            _ => {}
        }
    }
    None
}

impl Rule {
    fn broken(&self, entries: &[Entry]) -> Option<String> {
        match self {
            Self::SlicesOf(least) => slices(entries)
                .iter()
                .find(|slice| slice.at_safe_point && slice.to - slice.from < *least)
                .map(|slice| {
                    format!(
                        "{} passed the lock on at {}, after {} of an interval of {}",
                        name(slice.thread),
                        ms(slice.to),
                        ms(slice.to - slice.from),
                        ms(*least)
                    )
                }),
            Self::WaitsUpTo(most) => waits(entries)
                .into_iter()
                .find(|wait| wait.time() > *most)
                .map(|wait| {
                    format!(
                        "{} waited for the lock from {} to {}: {}, which is more than {}",
                        name(wait.thread),
                        ms(wait.from),
                        ms(wait.to),
                        ms(wait.time()),
                        ms(*most)
                    )
                }),
            Self::Gets(thread, nth, from, to) => {
                let gets: Vec<_> = slices(entries).into_iter().filter(|s| s.thread == *thread).collect();
                match gets.get(*nth) {
                    Some(slice) if (*from..=*to).contains(&slice.from) => None,
                    Some(slice) => Some(format!(
                        "{} got the lock at {}, and {}",
                        name(*thread),
                        ms(slice.from),
                        match (*from, *to) {
                            (from, u64::MAX) => format!("not after {}", ms(from)),
                            (from, to) if from == to => format!("not at {}", ms(to)),
                            (from, to) => format!("not between {} and {}", ms(from), ms(to)),
                        }
                    )),
                    None => Some(format!("{} never got the lock", name(*thread))),
                }
            }
            Self::Order(expected) => {
                let got: Vec<usize> = slices(entries).iter().map(|s| s.thread).collect();
                let text = |threads: &[usize]| threads.iter().map(|t| name(*t)).collect::<String>();
                (!got.starts_with(expected)).then(|| match expected.starts_with(&got) {
                    true => format!(
                        "the threads got the lock in the order {}, and {MISSED_A_SWITCH}: the order must be {}",
                        text(&got),
                        text(expected)
                    ),
                    false => format!("the threads got the lock in the order {}, and not {}", text(&got), text(expected)),
                })
            }
            Self::TellsTheTruth => entries.iter().enumerate().find_map(|(place, entry)| {
                let others = entry.what == What::Offers && others_hold_before_it_goes(&entries[place..]);
                let own = entries[place..].iter().find(|e| e.thread == entry.thread && matches!(e.what, What::Goes(_)));
                match (entry.what, own?.what) {
                    (What::Offers, What::Goes(told)) if told != others => Some(format!(
                        "a safe point of {} returned {told} at {}, though {} thread held the lock meanwhile",
                        name(entry.thread),
                        ms(entry.at),
                        if others { "another" } else { "no other" },
                    )),
                    _ => None,
                }
            }),
            Self::Keeps => entries.iter().find(|e| e.what == What::Goes(true)).map(|entry| {
                format!("a safe point of {} returned true at {}", name(entry.thread), ms(entry.at))
            }),
            Self::EndsAt(moment) => {
                let end = entries.last().map_or(0, |entry| entry.at);
                (end != *moment).then(|| format!("the last thread was done at {}, and not at {}", ms(end), ms(*moment)))
            }
            Self::BackWithin(thread, most) => waits(entries)
                .into_iter()
                .find(|wait| wait.after_work && wait.thread == *thread && wait.time() > *most)
                .map(|wait| {
                    format!(
                        "{} came back at {} and had the lock again at {}: after {}, which is more than {}",
                        name(*thread),
                        ms(wait.from),
                        ms(wait.to),
                        ms(wait.time()),
                        ms(*most)
                    )
                }),
            Self::HoldsFor(thread, least, end) => {
                let held = held_until(entries, &[*thread], *end);
                (held < *least).then(|| {
                    format!(
                        "{} held the lock for {} up to {}, and not for {}",
                        name(*thread),
                        ms(held),
                        ms(*end),
                        ms(*least)
                    )
                })
            }
            Self::HoldTogether(threads, least, end) => {
                let held = held_until(entries, threads, *end);
                (held < *least).then(|| {
                    format!(
                        "the threads that compute held the lock for {} up to {}, and not for {}",
                        ms(held),
                        ms(*end),
                        ms(*least)
                    )
                })
            }
        }
    }
}

/// How long these threads held the lock, up to this moment.
fn held_until(entries: &[Entry], threads: &[usize], end: u64) -> u64 {
    let slices = slices(entries).into_iter();
    slices
        .filter(|slice| threads.contains(&slice.thread))
        .map(|slice| slice.to.min(end).saturating_sub(slice.from))
        .sum()
}

/// A thread waited for the lock.
struct Wait {
    thread: usize,
    from: u64,
    to: u64,
    after_work: bool,
}

impl Wait {
    fn time(&self) -> u64 {
        self.to - self.from
    }
}

/// Who waited for the lock: at `acquire`, after `work`, and at safe points.
fn waits(entries: &[Entry]) -> Vec<Wait> {
    let mut waits = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let begins = match entry.what {
            What::Waits | What::Back => true,
            What::Offers => others_hold_before_it_goes(&entries[place..]),
            _ => false,
        };
        if begins {
            let ends = |e: &&Entry| {
                e.thread == entry.thread && matches!(e.what, What::Holds | What::Goes(_))
            };
            let end = entries[place..].iter().find(ends);
            waits.push(Wait {
                thread: entry.thread,
                from: entry.at,
                to: end.map_or(u64::MAX, |e| e.at),
                after_work: entry.what == What::Back,
            });
        }
    }
    waits
}
