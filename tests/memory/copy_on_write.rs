//! Step 2: what a child writes is its own, and a page is copied only when it is written.

use crate::{Learner, Seen};
use checks::faults::{Fault, Operation};
use checks::ledger::{self, Ledger, Memory, What};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, explain, faults, observed, random};
use os_core::memory::{Pages, Usage};
use serde::{Deserialize, Serialize};

/// One call: the pages before it (`None`: never touched), and what to write.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Case {
    pages: Vec<Option<u8>>,
    writes: Vec<(usize, u8)>,
    faults: Vec<Fault>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    /// What the learner's function returned.
    seen: Result<Seen, String>,
    /// The first byte of each page in the parent, as the test sees it afterwards.
    afterwards: SelfReported<Vec<u8>>,
    ledger: Ledger,
    left: Leftovers,
}

checks::subject! {
    for Learner;

    /// Several calls, one after the other, in one process.
    fn write_in_child(learner, cases: Vec<Case>) -> Vec<Outcome> {
        cases.into_iter().map(|case| run(learner, &case)).collect()
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    one_child_is_forked,
    the_parent_does_not_see_the_childs_writes,
    the_child_measures_before_and_after_its_writes,
    the_child_sees_its_own_writes,
    before_a_write_all_pages_are_shared,
    only_written_pages_are_copied,
    without_writes_nothing_is_copied,
    a_child_that_writes_every_page_shares_none,
    a_page_that_nobody_touched_is_not_shared,
    the_parent_looks_after_the_child_has_ended,
    no_pages_are_no_trouble,
    one_page_may_be_written_many_times,
    many_pages_are_no_trouble,
    a_second_call_begins_anew,
    nothing_is_left_behind,
    a_write_beyond_the_pages_is_an_error,
    a_fork_that_fails_is_an_error,
    a_measurement_that_fails_is_an_error,
    a_killed_child_is_an_error,
];

fn run(learner: Learner, case: &Case) -> Outcome {
    faults::reset();
    let mut pages = Pages::private(case.pages.len()).expect("pages can be mapped");
    for (page, value) in case.pages.iter().enumerate() {
        if let Some(value) = value {
            pages.set(page, *value); // so that the page exists before the fork
        }
    }
    faults::plan(&case.faults);
    let ((seen, ledger), left) =
        leftovers::watch(|| ledger::observe(|| (learner.write_in_child)(&mut pages, &case.writes)));
    faults::reset();
    Outcome {
        seen: seen.map_err(|error| error.to_string()),
        afterwards: observed((0..pages.len()).map(|page| pages.get(page)).collect()),
        ledger,
        left,
    }
}

impl Case {
    /// Some pages, some writes; one page is written three times, and the last value is neither the largest nor the smallest.
    fn random() -> Self {
        let mut random = random();
        let pages: Vec<Option<u8>> = (0..random.usize(8..64))
            .map(|_| Some(random.u8(..)))
            .collect();
        let mut writes = Vec::new();
        for _ in 0..random.usize(2..6) {
            let page = random.usize(..pages.len());
            let old = pages[page].unwrap_or(0);
            writes.push((page, old.wrapping_add(random.u8(1..=100)).max(1))); // zero is another test's
        }
        let page = random.usize(..pages.len());
        writes.extend([(page, 250), (page, 2), (page, random.u8(10..200))]);
        Self {
            pages,
            writes,
            faults: Vec::new(),
        }
    }

    fn without_writes() -> Self {
        Self {
            writes: vec![],
            ..Self::random()
        }
    }

    fn with(fault: Fault) -> Self {
        Self {
            faults: vec![fault],
            ..Self::random()
        }
    }

    /// The first bytes before the call.
    fn contents(&self) -> Vec<u8> {
        self.pages.iter().map(|page| page.unwrap_or(0)).collect()
    }

    /// The first bytes in the child.
    fn written(&self) -> Vec<u8> {
        let mut contents = self.contents();
        for (page, value) in &self.writes {
            contents[*page] = *value;
        }
        contents
    }

    fn before(&self) -> Usage {
        Usage {
            shared: self.pages.iter().flatten().count(),
            private_dirty: 0,
        }
    }

    fn after(&self) -> Usage {
        let mut pages: Vec<usize> = self.writes.iter().map(|(page, _)| *page).collect();
        pages.sort_unstable();
        pages.dedup();
        let copied = pages.iter().filter(|page| self.pages[**page].is_some());
        Usage {
            shared: self.before().shared - copied.count(),
            private_dirty: pages.len(),
        }
    }

    /// Calls the function, after another call in the same process.
    fn call(&self) -> Outcome {
        let first = Self {
            pages: vec![Some(1), None, Some(3)],
            writes: vec![(2, 9)],
            faults: vec![],
        };
        write_in_child(&vec![first, self.clone()]).remove(1)
    }

    fn describe(&self) -> String {
        format!(
            "{} pages and the writes {:?}",
            self.pages.len(),
            self.writes
        )
    }

    /// Calls the function, which has to succeed.
    fn seen(&self) -> (Seen, Outcome) {
        let outcome = self.call();
        match outcome.seen.clone() {
            Ok(seen) => (seen, outcome),
            Err(error) => {
                explain(
                    "memory/exercise.md#step-2-copy-on-write",
                    "These pages can be measured, and these writes can be made, so there is no reason for an error.",
                );
                panic!(
                    "write_in_child returned the error {error:?} for {}",
                    self.describe()
                )
            }
        }
    }
}

/// Fails at the first page that is not as expected: long rows of bytes are not for reading.
fn assert_pages(who: &str, yours: &[u8], expected: &[u8]) {
    assert_eq!(yours.len(), expected.len(), "the number of pages in {who}");
    for (page, (yours, expected)) in yours.iter().zip(expected).enumerate() {
        assert_eq!(yours, expected, "the first byte of page {page} in {who}");
    }
}

fn one_child_is_forked() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "Make the child with `os::process::fork`. A thread would write to the parent's own pages.",
    );
    let outcome = Case::random().call();
    if outcome.ledger.forks() > 1 {
        explain(
            "memory/exercise.md#step-2-copy-on-write",
            "One child does all of the writes. If there are several, each has a copy of its own, and none sees what the others wrote.",
        );
    }
    assert_eq!(outcome.ledger.forks(), 1, "children forked");
}

fn the_parent_does_not_see_the_childs_writes() {
    explain(
        "memory/exercise.md#copy-on-write",
        "A forked child writes to a copy of the page. The parent keeps what it had.",
    );
    let case = Case::random();
    let outcome = case.call();
    assert_pages(
        "the parent, afterwards",
        &outcome.afterwards,
        &case.contents(),
    );
    if let Ok(seen) = outcome.seen {
        assert_pages("`parent`", &seen.parent, &case.contents());
    }
}

fn the_child_measures_before_and_after_its_writes() {
    explain(
        "memory/exercise.md#count-pages-while-both-are-alive",
        "Only the child's own measurement, taken before its first write and after its last, shows which pages were copied for it.",
    );
    let outcome = Case::random().call();
    let of_child = |what: fn(&What) -> bool| {
        let records = outcome.ledger.records.iter().enumerate();
        records
            .filter(move |(_, record)| record.process != 0 && what(&record.what))
            .map(|(index, _)| index)
            .collect::<Vec<_>>()
    };
    let measured = of_child(|what| matches!(what, What::Measured));
    let wrote = of_child(
        |what| matches!(what, What::Wrote { place, .. } if matches!(place.memory, Memory::Pages(_))),
    );
    if wrote.is_empty() {
        explain(
            "memory/exercise.md#step-2-copy-on-write",
            "The child makes all of the writes, to the pages that it was given and not to something else.",
        );
    }
    assert!(!wrote.is_empty(), "The child wrote to no page.");
    assert!(
        !measured.is_empty(),
        "The child didn't measure its pages with `usage`."
    );
    assert!(
        measured.first() < wrote.first(),
        "The child wrote before it measured its pages for the first time."
    );
    assert!(
        measured.last() > wrote.last(),
        "The child didn't measure its pages again after its last write."
    );
}

fn the_child_sees_its_own_writes() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "The child does all of the writes, in their order, and then looks at every page.",
    );
    let case = Case::random();
    let (seen, _) = case.seen();
    if seen.child.is_empty() {
        explain(
            "memory/exercise.md#copy-on-write",
            "What the closure assigns stays in the child, like everything else that it writes: return it from the closure, and \
             take it from `wait`.",
        );
    }
    assert_pages("`child`", &seen.child, &case.written());
}

fn before_a_write_all_pages_are_shared() {
    explain(
        "memory/exercise.md#count-pages-while-both-are-alive",
        "A fork copies no page: the child has all of them, shared with its parent, and none of its own.",
    );
    let case = Case::random();
    assert_eq!(
        case.seen().0.before,
        case.before(),
        "`before`, for {}",
        case.describe()
    );
}

fn only_written_pages_are_copied() {
    explain(
        "memory/exercise.md#count-pages-while-both-are-alive",
        "A write copies the page that is written, once, and no other. Only the child's own account shows it, taken while the \
         parent still has the pages.",
    );
    let case = Case::random();
    assert_eq!(
        case.seen().0.after,
        case.after(),
        "`after`, for {}",
        case.describe()
    );
}

fn without_writes_nothing_is_copied() {
    explain(
        "memory/exercise.md#count-pages-while-both-are-alive",
        "A fork copies no page. Only a write does.",
    );
    let case = Case::without_writes();
    let (seen, outcome) = case.seen();
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "There is a child even if it has nothing to write: it reports how it holds the pages.",
    );
    assert_eq!(
        outcome.ledger.forks(),
        1,
        "children forked, with nothing to write"
    );
    explain(
        "memory/exercise.md#count-pages-while-both-are-alive",
        "A fork copies no page. Only a write does.",
    );
    assert_eq!(
        seen.before,
        case.before(),
        "`before`, with nothing to write"
    );
    assert_eq!(seen.after, case.before(), "`after`, with nothing to write");
    assert_pages("`child`", &seen.child, &case.contents());
}

fn a_child_that_writes_every_page_shares_none() {
    explain(
        "memory/exercise.md#count-pages-while-both-are-alive",
        "Every page that the child writes is copied; when all are, none is shared.",
    );
    let mut case = Case::random();
    case.writes = case
        .contents()
        .iter()
        .enumerate()
        .map(|(page, value)| (page, value.wrapping_add(1).max(1))) // zero is another test's
        .collect();
    assert_eq!(
        case.seen().0.after,
        case.after(),
        "`after`, when every page was written"
    );
}

fn a_page_that_nobody_touched_is_not_shared() {
    explain(
        "memory/exercise.md#count-pages-while-both-are-alive",
        "A page exists only once somebody has written to it: the kernel counts what is there, and `pages.len()` doesn't.",
    );
    let mut case = Case::random();
    for page in case.pages.iter_mut().step_by(2) {
        *page = None;
    }
    case.writes = vec![(0, 7), (1, 7), (2, 0)]; // untouched, touched, untouched
    let (seen, outcome) = case.seen();
    let touched = case.before().shared;
    assert_eq!(
        seen.before,
        case.before(),
        "`before`, when only {touched} of {} pages were ever written",
        case.pages.len()
    );
    assert_eq!(
        seen.after,
        case.after(),
        "`after`, when {touched} of {} pages had been written, and the child wrote to pages 0, 1 and 2, of which 1 was one",
        case.pages.len()
    );
    assert_pages("`child`", &seen.child, &case.written());
    assert_pages(
        "the parent, afterwards",
        &outcome.afterwards,
        &case.contents(),
    );
}

fn the_parent_looks_after_the_child_has_ended() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "What the parent saw before the child had ended proves nothing: wait first, then look at every page.",
    );
    let case = Case::random();
    let (_, outcome) = case.seen();
    let records = &outcome.ledger.records;
    let waited = records
        .iter()
        .position(|record| matches!(record.what, What::Waited(_)));
    let Some(waited) = waited else {
        panic!("The parent didn't wait for its child.")
    };
    let mut looked_at: Vec<usize> = records[waited..]
        .iter()
        .filter(|record| record.process == 0)
        .filter_map(|record| match record.what {
            What::Read { place, .. } => Some(place),
            _ => None,
        })
        .filter(|place| matches!(place.memory, Memory::Pages(_)))
        .map(|place| place.index)
        .collect();
    looked_at.sort_unstable();
    looked_at.dedup();
    assert_eq!(
        looked_at.len(),
        case.pages.len(),
        "pages that the parent looked at after it had waited for the child"
    );
}

fn no_pages_are_no_trouble() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "Without a page there is nothing to write and nothing to count. There is a child all the same, which reports that.",
    );
    let case = Case {
        pages: vec![],
        writes: vec![],
        faults: vec![],
    };
    let (seen, outcome) = case.seen();
    assert_eq!(seen.after, Usage::default(), "`after`, without a page");
    assert_eq!(seen.child, [0; 0], "`child`, without a page");
    assert_eq!(outcome.ledger.forks(), 1, "children forked");
}

fn one_page_may_be_written_many_times() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "There may be more writes than pages: all are done, in their order.",
    );
    let mut random = random();
    let mut case = Case {
        pages: vec![Some(7), Some(8)],
        writes: (0..30)
            .map(|_| (random.usize(..2), random.u8(..)))
            .collect(),
        faults: vec![],
    };
    case.writes.extend([(0, 200), (1, 3), (0, 100), (0, 100)]);
    let (seen, outcome) = case.seen();
    assert_pages("`child`", &seen.child, &case.written());
    assert_eq!(seen.after, case.after(), "`after`, for {}", case.describe());
    let records = outcome.ledger.records.iter();
    let made: Vec<(usize, u64)> = records
        .filter_map(|record| match record.what {
            What::Wrote { place, now, .. } if matches!(place.memory, Memory::Pages(_)) => {
                Some((place.index, now?))
            }
            _ => None,
        })
        .collect();
    let asked = case.writes.iter();
    let asked: Vec<_> = asked
        .map(|(page, value)| (*page, u64::from(*value)))
        .collect();
    assert_eq!(
        made, asked,
        "the writes that were made, each a page and a value"
    );
}

fn many_pages_are_no_trouble() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "However many pages there are, each is written and reported in its place.",
    );
    let mut random = random();
    let pages: Vec<Option<u8>> = (0..400).map(|_| Some(random.u8(..))).collect();
    let writes = (0..100).map(|n| (n * 3 + 1, random.u8(..))).collect();
    let case = Case {
        pages,
        writes,
        faults: vec![],
    };
    let outcome = case.call();
    let seen = outcome.seen.unwrap_or_else(|error| {
        panic!("write_in_child returned the error {error:?} for 400 pages and 100 writes")
    });
    assert_pages("`child`", &seen.child, &case.written());
    assert_eq!(
        seen.after,
        case.after(),
        "`after`, for 400 pages and 100 writes"
    );
}

fn a_second_call_begins_anew() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "Each call forks a child for its own pages and its own writes.",
    );
    let (first, mut second, mut third) = (Case::random(), Case::without_writes(), Case::random());
    second.pages.extend([None, Some(7), Some(8)]);
    third.pages.push(Some(9));
    let cases = vec![first, second, third];
    for (number, (case, outcome)) in cases.iter().zip(write_in_child(&cases)).enumerate() {
        let number = number + 1;
        let expected = Seen {
            before: case.before(),
            after: case.after(),
            child: case.written(),
            parent: case.contents(),
        };
        let seen = outcome.seen.unwrap_or_else(|error| {
            panic!("call {number} of 3 in one process returned the error {error:?}")
        });
        let what = format!("in call {number} of 3 in one process");
        assert_eq!(seen.before, expected.before, "`before`, {what}");
        assert_eq!(seen.after, expected.after, "`after`, {what}");
        assert_pages(&format!("`child`, {what}"), &seen.child, &expected.child);
        assert_pages(&format!("`parent`, {what}"), &seen.parent, &expected.parent);
    }
}

fn a_write_beyond_the_pages_is_an_error() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "The child panics at a page that isn't there. Its parent lives on, waits for it, and returns the error.",
    );
    let empty = || Case {
        pages: vec![],
        ..Case::without_writes()
    };
    let far = random().usize(1000..1 << 40);
    for (mut case, beyond) in [
        (Case::random(), 0),
        (Case::random(), far),
        (Case::without_writes(), far),
        (empty(), 0),
        (empty(), far),
    ] {
        let count = case.pages.len();
        case.writes.push((count + beyond, 1));
        let outcome = case.call();
        assert!(
            outcome.seen.is_err(),
            "write_in_child returned `Ok` for a write to page {}, and there are {count} pages.",
            count + beyond
        );
        assert_pages(
            "the parent, afterwards",
            &outcome.afterwards,
            &case.contents(),
        );
        assert!(
            outcome.left.is_nothing(),
            "A child panicked, and write_in_child left {} behind",
            outcome.left
        );
    }
}

fn expect_error(case: &Case, what: &str) {
    let outcome = case.call();
    assert!(
        outcome.seen.is_err(),
        "{what}, and write_in_child returned `Ok`."
    );
    assert_pages(
        "the parent, afterwards",
        &outcome.afterwards,
        &case.contents(),
    );
    assert!(
        outcome.left.is_nothing(),
        "{what}, and write_in_child left {} behind",
        outcome.left
    );
}

fn a_fork_that_fails_is_an_error() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "Without a child there is nothing to report but the error.",
    );
    expect_error(
        &Case::with(Fault::Fail(Operation::Fork, 1)),
        "The fork failed",
    );
}

fn a_measurement_that_fails_is_an_error() {
    explain(
        "memory/exercise.md#step-2-copy-on-write",
        "A child that can't measure its pages has nothing to report but the error, and its parent passes it on.",
    );
    for (nth, which) in [(1, "first"), (2, "second")] {
        expect_error(
            &Case::with(Fault::Fail(Operation::Usage, nth)),
            &format!("The {which} measurement failed"),
        );
    }
}

fn a_killed_child_is_an_error() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A child that is killed reports nothing: `wait` says so, and you return the error.",
    );
    expect_error(&Case::with(Fault::KillChild(1)), "The child was killed");
}

fn nothing_is_left_behind() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A child that nobody waits for stays in the process table as a zombie.",
    );
    let outcome = Case::random().call();
    assert!(
        outcome.left.is_nothing(),
        "write_in_child left {} behind",
        outcome.left
    );
}
