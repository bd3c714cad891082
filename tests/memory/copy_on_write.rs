//! Step 2: what a child writes is its own, and costs a page only when it is written.

use checks::{Counts, explain, random, subject};
use memory::copy_on_write::{self, Write};
use os::memory::{Pages, Usage};

/// What the learner's function reported: before, after, child, parent.
type Seen = (Usage, Usage, Vec<u8>, Vec<u8>);

subject! {
    /// What was reported, the first byte of each page in the parent afterwards as the harness sees it, and
    /// what was started.
    fn write_in_child(
        contents: Vec<u8>,
        writes: Vec<(usize, u8)>,
    ) -> (Result<Seen, String>, Vec<u8>, Counts) {
        let mut pages = Pages::private(contents.len()).expect("pages can be mapped");
        for (page, value) in contents.iter().enumerate() {
            pages.set(page, *value); // so that every page exists before the fork
        }
        let writes: Vec<Write> = writes
            .into_iter()
            .map(|(page, value)| Write { page, value })
            .collect();
        let (seen, counts) = checks::counted(|| copy_on_write::write_in_child(&mut pages, &writes));
        let seen = seen
            .map(|seen| (seen.before, seen.after, seen.child, seen.parent))
            .map_err(|error| error.to_string());
        let afterwards = (0..pages.len()).map(|page| pages.get(page)).collect();
        (seen, afterwards, counts)
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

    /// What was reported.
    fn seen(&self) -> Seen {
        let (seen, ..) = write_in_child(&self.contents, &self.writes);
        seen.unwrap_or_else(|error| {
            panic!(
                "write_in_child returned the error {error:?} for {} pages and the writes {:?}",
                self.contents.len(),
                self.writes
            )
        })
    }
}

/// Fails at the first page that is not as expected: long rows of bytes are not for reading.
fn assert_pages(who: &str, yours: &[u8], expected: &[u8]) {
    assert_eq!(
        yours.len(),
        expected.len(),
        "pages in {who} (is it what the child returned?)"
    );
    for (page, (yours, expected)) in yours.iter().zip(expected).enumerate() {
        assert_eq!(yours, expected, "the first byte of page {page} in {who}");
    }
}

#[test]
fn one_child_is_forked_and_waited_for() {
    explain(
        "memory.md#wait-for-your-children",
        "One child is forked, and its parent waits for it: else it stays in the process table as a zombie.",
    );
    let Case { contents, writes } = Case::random();
    let (_, _, counts) = write_in_child(&contents, &writes);
    assert_eq!(counts.forks, 1, "children forked");
    assert_eq!(counts.waits, 1, "children waited for");
}

#[test]
fn the_parent_does_not_see_the_childs_writes() {
    explain(
        "memory.md#copy-on-write",
        "A forked child writes to a copy of the page. The parent keeps what it had.",
    );
    let case = Case::random();
    let (seen, afterwards, _) = write_in_child(&case.contents, &case.writes);
    assert_pages("the parent, afterwards", &afterwards, &case.contents);
    if let Ok((.., parent)) = seen {
        assert_pages("`parent`", &parent, &case.contents);
    }
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
    assert_pages("`child`", &case.seen().2, &expected);
}

#[test]
fn only_written_pages_are_copied() {
    explain(
        "memory.md#count-pages-while-both-are-alive",
        "After a fork both processes map the same pages. A write copies the page that is written, no other. \
         Only the child's own account shows it, taken before and after its writes, while the parent has the pages.",
    );
    let case = Case::random();
    let (pages, written) = (case.contents.len(), case.written());
    let (before, after, ..) = case.seen();
    assert_eq!(
        before,
        Usage {
            shared: pages,
            private_dirty: 0
        },
        "`before`: the child has {pages} pages and has written none"
    );
    assert_eq!(
        after,
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
    let (before, after, ..) = case.seen();
    assert_eq!(
        before, all_shared,
        "`before`, when there is nothing to write"
    );
    assert_eq!(
        after, all_shared,
        "`after`, when there was nothing to write"
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
    assert_eq!(
        case.seen().1,
        expected,
        "`after`, when every page was written"
    );
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
    let (seen, afterwards, _) = write_in_child(&contents, &writes);
    assert!(
        seen.is_err(),
        "write_in_child returned {seen:?} for a write to page {} of {}",
        contents.len(),
        contents.len()
    );
    assert_pages("the parent, afterwards", &afterwards, &contents);
}
