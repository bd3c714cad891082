//! From measurements to verdicts: one stated rule per claim, each a pure function.
//!
//! What decides is deterministic: pages, faults, identities, lost additions. Times only add a "but", as ratios, with
//! half of the advantage that was seen when the rule was made, and only where a thing measured against itself
//! (A/A) came out the same.

use crate::wording::{count, digits};
use crate::{Language, Run};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What measurements say of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// It is as the claim says.
    #[serde(rename = "holds")]
    Holds,
    /// It is, and something belongs to it that the claim leaves out.
    #[serde(rename = "holds, but")]
    HoldsBut,
    /// The experiment did not show it, which proves nothing.
    #[serde(rename = "not shown")]
    NotShown,
    /// It is not as the claim says.
    #[serde(rename = "does not hold")]
    DoesNotHold,
}

/// An outcome, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The kind.
    pub outcome: Outcome,
    /// A sentence, of which the outcome is the beginning: `holds, but …`.
    pub text: String,
}

impl Verdict {
    fn new(outcome: Outcome, text: String) -> Self {
        Self { outcome, text }
    }

    fn holds(why: &str) -> Self {
        Self::new(Outcome::Holds, format!("holds: {why}"))
    }

    fn holds_but(what: &str) -> Self {
        Self::new(Outcome::HoldsBut, format!("holds, but {what}"))
    }

    fn does_not_hold(run: &Run, why: &str) -> Self {
        Self::new(
            Outcome::DoesNotHold,
            format!("does not hold on {}: {why}", run.runtime),
        )
    }

    pub(crate) fn not_shown(why: String) -> Self {
        Self::new(Outcome::NotShown, format!("not shown here: {why}"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A measurement that a rule needs, or a verdict that says it is missing.
macro_rules! need {
    ($run:expr, $id:literal) => {
        match $run.get($id) {
            Some(found) => found,
            None => return Verdict::not_shown(format!("{} could not be measured", $id)),
        }
    };
}

/// M1 in words.
pub const M1: &str = "A child overwrites 10 MiB that it has from its parent. \
It holds if the parent sees none of the writes, and sees all of them through a shared mapping (else the experiment is blind, and nothing is shown). \
It does not hold if the parent sees one. \
But: where a child that reads copies at most 5 % of the pages and one that writes at least 95 %, the memory is shared until somebody writes; \
and where a child that reads Python lists copies at least half of the pages they lie on, reading them is writing.";

/// M1: processes share no memory by default.
pub fn m1(run: &Run) -> Verdict {
    let seen = need!(run, "parent_sees_private").max();
    let control = need!(run, "parent_sees_shared").min();
    if seen > 0.0 {
        let seen = count(seen);
        return Verdict::does_not_hold(
            run,
            &format!("the parent saw {seen} pages change that its child wrote to"),
        );
    }
    let Some(pages) = run.given.get("pages").map(|pages| *pages as f64) else {
        return Verdict::not_shown("the record does not say how many pages there were".into());
    };
    if control < pages {
        let control = count(control);
        return Verdict::not_shown(format!(
            "through the shared mapping the parent saw only {control} pages change, so the experiment is blind"
        ));
    }
    let (Some(read), Some(written)) = (
        run.median("child_reads_private_dirty"),
        run.median("child_writes_private_dirty"),
    ) else {
        return Verdict::holds(
            "the parent saw none of its child's writes (this system does not say which pages were copied)",
        );
    };
    if read > 0.05 * pages || written < 0.95 * pages {
        return Verdict::holds("the parent saw none of its child's writes");
    }
    let mut but = format!(
        "the pages stay shared until somebody writes: a child that read {} pages copied {}, one that wrote to them copied {}",
        count(pages),
        count(read),
        count(written)
    );
    if let (Some(lists), Some(copied)) = (run.median("lists_pages"), run.median("lists_read"))
        && copied >= 0.5 * lists
    {
        but += &format!(
            "; and reading Python objects is writing: a child that looked at lists on {} pages copied {}",
            count(lists),
            count(copied)
        );
    }
    Verdict::holds_but(&but)
}

/// How far a thing measured against itself may lie from 1 for times to be compared.
const AA: std::ops::RangeInclusive<f64> = 0.9..=1.1;

/// The ratio of two times, each by the fast tenth of its samples; nothing when one is missing.
///
/// Whatever else the machine does only ever makes a sample longer, so the short ones tell most of the thing itself.
fn ratio(run: &Run, a: &str, b: &str) -> Option<f64> {
    let (a, b) = (run.get(a)?.p10, run.get(b)?.p10);
    (b > 0.0).then(|| a / b)
}

/// M2 in words.
pub const M2: &str = "It holds if the parent sees no byte of what a child writes without a channel, and every channel delivers 1 MiB intact in every round. \
It does not hold if a byte is seen, or a channel delivers something else. \
But (Python): where pickling and unpickling a list of dicts takes between half and all of the time of sending it through multiprocessing.Pipe, \
most of the bill is pickle, not the channel. Times are compared by the 10th percentile of each, and only if that sending, measured against itself (A/A), comes out within 0.9 to 1.1.";

/// M2: processes need IPC.
pub fn m2(run: &Run) -> Verdict {
    let seen = need!(run, "seen_without_channel").max();
    let tried = need!(run, "channels").max();
    let delivered = need!(run, "delivered").min();
    if seen > 0.0 {
        return Verdict::does_not_hold(
            run,
            &format!("{} bytes arrived without any channel", count(seen)),
        );
    }
    if delivered < tried {
        let (delivered, tried) = (count(delivered), count(tried));
        return Verdict::does_not_hold(
            run,
            &format!("only {delivered} of {tried} channels delivered what was sent"),
        );
    }
    let why = "nothing arrived without a channel, and through every channel all of it did";
    if run.runtime.language == Language::Rust {
        return Verdict::holds(why);
    }
    let aa = ratio(run, "mp_pipe_records_again", "mp_pipe_records");
    let Some(aa) = aa.filter(|aa| AA.contains(aa)) else {
        let aa = aa.map_or_else(|| "missing".into(), digits);
        return Verdict::holds(&format!(
            "{why} (times not compared: the machine was too busy, A/A {aa})"
        ));
    };
    match ratio(run, "pickle_records", "mp_pipe_records") {
        Some(share) if (0.5..=1.0).contains(&share) => Verdict::holds_but(&format!(
            "most of the bill is pickle: {} % of the time that a list of dicts takes through multiprocessing.Pipe (A/A {})",
            count(share * 100.0),
            digits(aa)
        )),
        _ => Verdict::holds(why),
    }
}

/// M3 in words.
pub const M3: &str = "It holds if every object that a thread gives back is the same object and shows what the thread wrote to it, and no object shows what a process wrote to its copy. \
It does not hold if an object from a thread is another one, or does not show the write. \
But: where handing 16 MiB to a thread takes more than 4 times as long as 64 B, size costs something after all. \
Times are compared by the 10th percentile of each, and only if 64 B, measured against itself (A/A), comes out within 0.9 to 1.1.";

/// M3: threads share memory.
pub fn m3(run: &Run) -> Verdict {
    let same = need!(run, "thread_same_object").min();
    let seen = need!(run, "thread_write_seen").min();
    let copies = need!(run, "process_write_seen").max();
    let Some(objects) = run.given.get("sizes").map(|sizes| *sizes as f64) else {
        return Verdict::not_shown("the record does not say how many objects there were".into());
    };
    if same < objects || seen < objects {
        return Verdict::does_not_hold(
            run,
            &format!(
                "of {} objects a thread gave back {} as the same, and its write was seen on {}",
                count(objects),
                count(same),
                count(seen)
            ),
        );
    }
    if copies > 0.0 {
        let copies = count(copies);
        return Verdict::not_shown(format!(
            "a process's write was seen on {copies} objects too, so processes share here as well"
        ));
    }
    let why = "a thread gave back the same objects with its writes on them, a process's writes stayed with it";
    let aa = ratio(run, "thread_64_b_again", "thread_64_b");
    let (Some(aa), Some(thread), Some(process)) = (
        aa.filter(|aa| AA.contains(aa)),
        ratio(run, "thread_16_mib", "thread_64_b"),
        ratio(run, "process_16_mib", "process_64_b"),
    ) else {
        let aa = aa.map_or_else(|| "missing".into(), digits);
        return Verdict::holds(&format!(
            "{why} (times not compared: the machine was too busy, A/A {aa})"
        ));
    };
    if thread > 4.0 {
        let thread = digits(thread);
        return Verdict::holds_but(&format!(
            "handing over 16 MiB took {thread} times as long as 64 B (A/A {})",
            digits(aa)
        ));
    }
    Verdict::holds(&format!(
        "{why}; 16 MiB take a thread {} times as long as 64 B, a process {} times (A/A {})",
        digits(thread),
        digits(process),
        digits(aa)
    ))
}

/// M4 in words.
pub const M4: &str = "Threads add to one number. \
It holds if an addition without a lock is lost in at least one round, and none with a lock in any. \
But (Python): where the bare n += 1 loses nothing while n = f(n) does, the race is there and this loop does not show it. \
If nothing at all is lost, or something under the lock, nothing is shown: a race that did not happen is no proof that it cannot.";

/// M4: at the price of races.
pub fn m4(run: &Run) -> Verdict {
    let is_rust = run.runtime.language == Language::Rust;
    if is_rust {
        let racy = need!(run, "lost_load_store");
        let (added, locked) = (
            need!(run, "lost_fetch_add").max(),
            need!(run, "lost_mutex").max(),
        );
        return match (racy.max() > 0.0, added.max(locked) > 0.0) {
            (_, true) => Verdict::not_shown(
                "additions were lost under a lock too, so the experiment is wrong".into(),
            ),
            (false, false) => nothing_lost(racy.samples),
            (true, false) => Verdict::holds(&format!(
                "load and store lost up to {} additions in {} of {} rounds, fetch_add and Mutex none",
                count(racy.max()),
                racy.times(),
                racy.samples
            )),
        };
    }
    let (bare, call) = (need!(run, "lost_bare"), need!(run, "lost_call"));
    let locked = need!(run, "lost_locked").max();
    if locked > 0.0 {
        return Verdict::not_shown(
            "additions were lost under a lock too, so the experiment is wrong".into(),
        );
    }
    if bare.max() > 0.0 {
        return Verdict::holds(&format!(
            "n += 1 lost up to {} additions in {} of {} rounds, n = f(n) up to {}, none under a lock",
            count(bare.max()),
            bare.times(),
            bare.samples,
            count(call.max())
        ));
    }
    if call.max() > 0.0 {
        return Verdict::holds_but(&format!(
            "the bare n += 1 lost nothing in {} rounds, while n = f(n) lost up to {} additions in {} of {}",
            bare.samples,
            count(call.max()),
            call.times(),
            call.samples
        ));
    }
    nothing_lost(call.samples)
}

fn nothing_lost(rounds: usize) -> Verdict {
    Verdict::not_shown(format!(
        "nothing was lost in {rounds} rounds, which proves nothing"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measurement, Runtime, claim};

    /// A run of a claim in Python with these samples, judged.
    fn judge(id: &str, given: &[(&str, u64)], samples: &[(&str, &[f64])]) -> Verdict {
        judge_in(Runtime::python("3.13.0", false, true), id, given, samples)
    }

    fn judge_in(
        runtime: Runtime,
        id: &str,
        given: &[(&str, u64)],
        samples: &[(&str, &[f64])],
    ) -> Verdict {
        let claim = claim::find(id).unwrap();
        let measured = samples.iter().map(|(id, values)| {
            let metric = claim.metric(id).unwrap_or_else(|| panic!("no metric {id}"));
            Measurement::new(id, metric.unit, values).unwrap()
        });
        let run = Run {
            runtime,
            taken_at: String::new(),
            given: given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
            measurements: measured.collect(),
            verdict: Verdict::not_shown(String::new()),
        };
        (claim.judge)(&run)
    }

    const PAGES: &[(&str, u64)] = &[("pages", 2560)];

    fn m1_with(change: &[(&'static str, &'static [f64])]) -> Verdict {
        let mut samples: Vec<(&str, &[f64])> = vec![
            ("parent_sees_private", &[0.0, 0.0]),
            ("parent_sees_shared", &[2560.0, 2560.0]),
            ("child_reads_private_dirty", &[0.0, 1.0]),
            ("child_writes_private_dirty", &[2560.0, 2560.0]),
            ("lists_pages", &[2578.0, 2578.0]),
            ("lists_read", &[2596.0, 2596.0]),
        ];
        for (id, values) in change {
            samples.retain(|(other, _)| other != id);
            if !values.is_empty() {
                samples.push((id, values));
            }
        }
        judge("M1", PAGES, &samples)
    }

    #[test]
    fn m1_holds_but_for_copy_on_write() {
        let verdict = m1_with(&[]);
        assert_eq!(verdict.outcome, Outcome::HoldsBut);
        assert_eq!(
            verdict.text,
            "holds, but the pages stay shared until somebody writes: a child that read 2,560 pages copied 1, one that wrote to them copied 2,560; \
             and reading Python objects is writing: a child that looked at lists on 2,578 pages copied 2,596"
        );
        let few = m1_with(&[("lists_read", &[1288.0])]);
        assert!(!few.text.contains("reading Python"), "{few}");
    }

    #[test]
    fn m1_disagrees_with_a_machine_that_shares() {
        let verdict = m1_with(&[("parent_sees_private", &[0.0, 3.0])]);
        assert_eq!(verdict.outcome, Outcome::DoesNotHold);
        assert_eq!(
            verdict.text,
            "does not hold on Python 3.13.0 (GIL): the parent saw 3 pages change that its child wrote to"
        );
    }

    #[test]
    fn m1_is_not_shown_by_a_blind_experiment() {
        assert_eq!(
            m1_with(&[("parent_sees_shared", &[2560.0, 0.0])]).outcome,
            Outcome::NotShown
        );
        assert_eq!(
            m1_with(&[("parent_sees_private", &[])]).outcome,
            Outcome::NotShown
        );
        assert_eq!(
            judge(
                "M1",
                &[],
                &[
                    ("parent_sees_private", &[0.0]),
                    ("parent_sees_shared", &[0.0])
                ]
            )
            .outcome,
            Outcome::NotShown
        );
    }

    #[test]
    fn m1_just_holds_where_pages_are_copied_at_once_or_not_counted() {
        assert_eq!(
            m1_with(&[("child_reads_private_dirty", &[2560.0])]).outcome,
            Outcome::Holds
        );
        assert_eq!(
            m1_with(&[("child_writes_private_dirty", &[2000.0])]).outcome,
            Outcome::Holds
        );
        assert_eq!(
            m1_with(&[("child_reads_private_dirty", &[])]).outcome,
            Outcome::Holds
        );
    }

    fn m2_with(again: f64, pickle: f64, delivered: &[f64], seen: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("seen_without_channel", &[0.0, seen]),
            ("channels", &[8.0, 8.0]),
            ("delivered", delivered),
            ("mp_pipe_records", &[10_000.0]),
            ("mp_pipe_records_again", &[again]),
            ("pickle_records", &[pickle]),
        ];
        judge("M2", &[], samples)
    }

    #[test]
    fn m2_names_pickle_only_on_a_quiet_machine_and_when_it_is_the_bill() {
        let verdict = m2_with(10_500.0, 8400.0, &[8.0, 8.0], 0.0);
        assert_eq!(
            verdict.text,
            "holds, but most of the bill is pickle: 84 % of the time that a list of dicts takes through multiprocessing.Pipe (A/A 1.05)"
        );
        let busy = m2_with(12_000.0, 8400.0, &[8.0, 8.0], 0.0);
        assert_eq!(busy.outcome, Outcome::Holds);
        assert!(
            busy.text
                .ends_with("(times not compared: the machine was too busy, A/A 1.20)"),
            "{busy}"
        );
        for pickle in [4900.0, 11_000.0] {
            let verdict = m2_with(10_000.0, pickle, &[8.0, 8.0], 0.0);
            assert_eq!(verdict.outcome, Outcome::Holds, "{verdict}"); // and no part is more than the whole
        }
    }

    #[test]
    fn m2_disagrees_when_bytes_arrive_by_magic_or_not_at_all() {
        let magic = m2_with(10_000.0, 8400.0, &[8.0, 8.0], 5.0);
        assert_eq!(
            magic.text,
            "does not hold on Python 3.13.0 (GIL): 5 bytes arrived without any channel"
        );
        let broken = m2_with(10_000.0, 8400.0, &[8.0, 7.0], 0.0);
        assert_eq!(
            broken.text,
            "does not hold on Python 3.13.0 (GIL): only 7 of 8 channels delivered what was sent"
        );
    }

    #[test]
    fn m2_in_rust_has_no_pickle() {
        let samples: &[(&str, &[f64])] = &[
            ("seen_without_channel", &[0.0]),
            ("channels", &[4.0]),
            ("delivered", &[4.0]),
        ];
        assert_eq!(
            judge_in(Runtime::rust(), "M2", &[], samples).outcome,
            Outcome::Holds
        );
    }

    fn m3_with(same: f64, process_seen: f64, again: f64, thread_16: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("thread_same_object", &[4.0, same]),
            ("thread_write_seen", &[4.0, 4.0]),
            ("process_write_seen", &[0.0, process_seen]),
            ("thread_64_b", &[20.0]),
            ("thread_64_b_again", &[again]),
            ("thread_16_mib", &[thread_16]),
            ("process_64_b", &[50.0]),
            ("process_16_mib", &[15_000.0]),
        ];
        judge("M3", &[("sizes", 4)], samples)
    }

    #[test]
    fn m3_holds_by_identity_and_adds_times_when_they_can_be_compared() {
        let verdict = m3_with(4.0, 0.0, 21.0, 22.0);
        assert_eq!(verdict.outcome, Outcome::Holds);
        assert!(
            verdict.text.ends_with(
                "16 MiB take a thread 1.10 times as long as 64 B, a process 300 times (A/A 1.05)"
            ),
            "{verdict}"
        );
        let busy = m3_with(4.0, 0.0, 30.0, 200.0);
        assert!(
            busy.outcome == Outcome::Holds && busy.text.contains("A/A 1.50"),
            "{busy}"
        );
        let slow = m3_with(4.0, 0.0, 20.0, 100.0);
        assert_eq!(
            slow.text,
            "holds, but handing over 16 MiB took 5.00 times as long as 64 B (A/A 1.00)"
        );
    }

    #[test]
    fn m3_disagrees_when_a_thread_gets_a_copy_and_is_blind_when_a_process_shares() {
        let copied = m3_with(3.0, 0.0, 20.0, 20.0);
        assert_eq!(copied.outcome, Outcome::DoesNotHold);
        assert!(
            copied
                .text
                .contains("of 4 objects a thread gave back 3 as the same"),
            "{copied}"
        );
        assert_eq!(m3_with(4.0, 1.0, 20.0, 20.0).outcome, Outcome::NotShown);
    }

    fn m4_with(bare: &[f64], call: &[f64], locked: &[f64]) -> Verdict {
        judge(
            "M4",
            &[],
            &[
                ("lost_bare", bare),
                ("lost_call", call),
                ("lost_locked", locked),
            ],
        )
    }

    #[test]
    fn m4_tells_the_loop_that_shows_the_race_from_the_one_that_does_not() {
        let old = m4_with(&[0.0, 75_000.0], &[1.0, 9.0], &[0.0, 0.0]);
        assert_eq!(
            old.text,
            "holds: n += 1 lost up to 75,000 additions in 1 of 2 rounds, n = f(n) up to 9, none under a lock"
        );
        let new = m4_with(&[0.0, 0.0], &[0.0, 188_582.0], &[0.0, 0.0]);
        assert_eq!(new.outcome, Outcome::HoldsBut);
        assert_eq!(
            new.text,
            "holds, but the bare n += 1 lost nothing in 2 rounds, while n = f(n) lost up to 188,582 additions in 1 of 2"
        );
    }

    #[test]
    fn m4_proves_nothing_when_nothing_is_lost_or_the_lock_leaks() {
        let none = m4_with(&[0.0], &[0.0], &[0.0]);
        assert_eq!(
            none.text,
            "not shown here: nothing was lost in 1 rounds, which proves nothing"
        );
        assert_eq!(m4_with(&[5.0], &[5.0], &[1.0]).outcome, Outcome::NotShown);
    }

    #[test]
    fn m4_in_rust_compares_load_and_store_with_what_mends_it() {
        let rust = |racy: &[f64], mutex: &[f64]| {
            let samples: &[(&str, &[f64])] = &[
                ("lost_load_store", racy),
                ("lost_fetch_add", &[0.0]),
                ("lost_mutex", mutex),
            ];
            judge_in(Runtime::rust(), "M4", &[], samples)
        };
        assert_eq!(
            rust(&[0.0, 12.0], &[0.0]).text,
            "holds: load and store lost up to 12 additions in 1 of 2 rounds, fetch_add and Mutex none"
        );
        assert_eq!(rust(&[0.0], &[0.0]).outcome, Outcome::NotShown);
        assert_eq!(rust(&[9.0], &[1.0]).outcome, Outcome::NotShown);
    }
}
