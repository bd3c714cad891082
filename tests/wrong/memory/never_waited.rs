//! Wrong: gets the report through shared memory and never waits for the child
//! Changes: copy_on_write
//! Fails: copy_on_write::the_parent_looks_after_the_child_has_ended
//! Section: memory/exercise.md#wait-for-your-children

use os::memory::{Mapping, Ordering, Pages, Usage};
use os::process;
use std::io;

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let report = Mapping::shared(5 + pages.len())?;
    let put = |at: usize, usage: Usage| {
        report.word(at).store(usage.shared as u64, Ordering::SeqCst);
        report
            .word(at + 1)
            .store(usage.private_dirty as u64, Ordering::SeqCst);
    };
    let count = pages.len();
    let _child = process::fork(|| {
        put(1, pages.usage()?);
        for w in writes {
            if w.page >= pages.len() {
                report.word(0).store(2, Ordering::SeqCst);
            }
            pages.set(w.page, w.value);
        }
        put(3, pages.usage()?);
        for page in 0..count {
            report
                .word(5 + page)
                .store(pages.get(page).into(), Ordering::SeqCst);
        }
        report.word(0).store(1, Ordering::SeqCst);
        Ok(())
    })?;
    loop {
        match report.word(0).load(Ordering::SeqCst) {
            0 => std::thread::yield_now(),
            1 => break,
            _ => return Err(io::Error::other("the child panicked")),
        }
    }
    let word = |at: usize| report.word(at).load(Ordering::SeqCst) as usize;
    let usage = |at| Usage {
        shared: word(at),
        private_dirty: word(at + 1),
    };
    Ok(Seen {
        before: usage(1),
        after: usage(3),
        child: (0..count).map(|page| word(5 + page) as u8).collect(),
        parent: first_bytes(pages),
    })
}
