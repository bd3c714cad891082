//! Step 2: what a child writes is its own, and costs a page only when it is written.

use checks::{Counts, explain, random, subject};
use memory::copy_on_write::{self, Write};
use os::memory::{Pages, Usage};
use serde::{Deserialize, Serialize};

/// What the learner's function reported, and what the harness saw of it.
#[derive(Serialize, Deserialize)]
struct Report {
    seen: Result<Seen, String>,
    /// The first byte of each page in the parent afterwards, looked at by the harness.
    afterwards: Vec<u8>,
    counts: Counts,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    before: Usage,
    after: Usage,
    child: Vec<u8>,
    parent: Vec<u8>,
}

subject! {
    fn write_in_child(contents: Vec<u8>, writes: Vec<(usize, u8)>) -> Report {
        let mut pages = Pages::private(contents.len()).expect("pages can be mapped");
        for (page, value) in contents.iter().enumerate() {
            pages.set(page, *value); // so that every page exists before the fork
        }
        let writes: Vec<Write> = writes
            .into_iter()
            .map(|(page, value)| Write { page, value })
            .collect();
        let (seen, counts) = checks::counted(|| copy_on_write::write_in_child(&mut pages, &writes));
        Report {
            seen: seen
                .map(|seen| Seen {
                    before: seen.before,
                    after: seen.after,
                    child: seen.child,
                    parent: seen.parent,
                })
                .map_err(|error| error.to_string()),
            afterwards: (0..pages.len()).map(|page| pages.get(page)).collect(),
            counts,
        }
    }
}

struct Case {
    contents: Vec<u8>,
    writes: Vec<(usize, u8)>,
}

impl Case {
    /// Some pages, some writes; one page is written twice.
    fn random() -> Self {
        let mut random = random();
        let contents: Vec<u8> = (0..random.usize(8..64)).map(|_| random.u8(..)).collect();
        let mut writes = Vec::new();
        for _ in 0..random.usize(2..6) {
            let page = random.usize(..contents.len());
            writes.push((page, contents[page].wrapping_add(random.u8(1..=100))));
        }
        let (page, value) = writes[0];
        writes.push((page, value.wrapping_add(1)));
        Self { contents, writes }
    }

    fn written(&self) -> usize {
        let mut pages: Vec<usize> = self.writes.iter().map(|(page, _)| *page).collect();
        pages.sort_unstable();
        pages.dedup();
        pages.len()
    }

    fn run(&self) -> (Seen, Report) {
        let mut report = write_in_child(&self.contents, &self.writes);
        let seen = std::mem::replace(&mut report.seen, Err("taken".into()));
        let seen = seen.unwrap_or_else(|error| {
            panic!(
                "write_in_child returned the error {error:?} for {} pages and the writes {:?}",
                self.contents.len(),
                self.writes
            )
        });
        (seen, report)
    }
}

#[test]
fn the_parent_does_not_see_the_childs_writes() {
    explain(
        "memory.md#copy-on-write",
        "A forked child writes to a copy of the page. The parent keeps what it had.",
    );
    let case = Case::random();
    let (seen, report) = case.run();
    assert_eq!(
        report.afterwards, case.contents,
        "the parent's pages (left) are not as they were before (right)"
    );
    assert_eq!(
        seen.parent, case.contents,
        "`parent` (left) is not what the parent's pages hold (right)"
    );
}

#[test]
fn the_child_sees_its_own_writes() {
    explain(
        "memory.md#step-2-copy-on-write",
        "The child does all of the writes, in their order, and then looks at every page.",
    );
    let case = Case::random();
    let mut expected = case.contents.clone();
    for (page, value) in &case.writes {
        expected[*page] = *value;
    }
    assert_eq!(
        case.run().0.child,
        expected,
        "`child` (left) is not what the child's pages hold after the writes {:?} (right)",
        case.writes
    );
}

#[test]
fn only_written_pages_are_copied() {
    explain(
        "memory.md#count-pages-while-both-are-alive",
        "After a fork both processes map the same pages. A write copies the page that is written, no other; \
         measured in the child, before and after its writes, while the parent still has the pages.",
    );
    let case = Case::random();
    let (pages, written) = (case.contents.len(), case.written());
    let (seen, _) = case.run();
    assert_eq!(
        seen.before,
        Usage {
            shared: pages,
            private_dirty: 0
        },
        "`before`: of {pages} pages the child has written none"
    );
    assert_eq!(
        seen.after,
        Usage {
            shared: pages - written,
            private_dirty: written
        },
        "`after`: of {pages} pages the child has written {written}, with {} writes",
        case.writes.len()
    );
}

#[test]
fn without_writes_nothing_is_copied() {
    explain(
        "memory.md#count-pages-while-both-are-alive",
        "A fork copies no page. Only a write does.",
    );
    let case = Case {
        writes: vec![],
        ..Case::random()
    };
    let all_shared = Usage {
        shared: case.contents.len(),
        private_dirty: 0,
    };
    let (seen, _) = case.run();
    assert_eq!(
        (seen.before, seen.after),
        (all_shared, all_shared),
        "(before, after)"
    );
}

#[test]
fn a_child_that_writes_every_page_shares_none() {
    explain(
        "memory.md#count-pages-while-both-are-alive",
        "Every page that the child writes is copied; when all are, none is shared.",
    );
    let contents = Case::random().contents;
    let case = Case {
        writes: (0..contents.len())
            .map(|page| (page, !contents[page]))
            .collect(),
        contents,
    };
    let expected = Usage {
        shared: 0,
        private_dirty: case.contents.len(),
    };
    assert_eq!(case.run().0.after, expected, "`after`");
}

#[test]
fn a_write_beyond_the_pages_is_an_error() {
    explain(
        "memory.md#step-2-copy-on-write",
        "The child panics at a page that is not there; its parent lives on and returns the error.",
    );
    let Case {
        contents,
        mut writes,
    } = Case::random();
    writes.push((contents.len(), 1));
    let report = write_in_child(&contents, &writes);
    assert!(
        report.seen.is_err(),
        "write_in_child returned {:?} for a write to page {} of {}",
        report.seen,
        contents.len(),
        contents.len()
    );
    assert_eq!(report.afterwards, contents, "the parent's pages afterwards");
}

#[test]
fn one_child_is_forked_and_waited_for() {
    explain(
        "memory.md#wait-for-your-children",
        "A child that nobody waits for stays in the process table as a zombie.",
    );
    let (_, report) = Case::random().run();
    let Counts { forks, waits, .. } = report.counts;
    assert_eq!(
        (forks, waits),
        (1, 1),
        "(children forked, children waited for)"
    );
}
