//! Right: sends the report back through a shared mapping
//! Changes: copy_on_write

use os::memory::{Mapping, Ordering, Pages, Usage};
use os::process;
use std::io;

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let report = Mapping::shared(4 + pages.len())?;
    let put = |at: usize, usage: Usage| {
        report.word(at).store(usage.shared as u64, Ordering::SeqCst);
        report
            .word(at + 1)
            .store(usage.private_dirty as u64, Ordering::SeqCst);
    };
    let child = process::fork(|| {
        put(0, pages.usage()?);
        for w in writes {
            pages.set(w.page, w.value);
        }
        put(2, pages.usage()?);
        for page in 0..pages.len() {
            report
                .word(4 + page)
                .store(pages.get(page).into(), Ordering::SeqCst);
        }
        Ok(())
    })?;
    child.wait()?;
    let word = |at: usize| report.word(at).load(Ordering::SeqCst) as usize;
    let usage = |at| Usage {
        shared: word(at),
        private_dirty: word(at + 1),
    };
    Ok(Seen {
        before: usage(0),
        after: usage(2),
        child: (0..pages.len()).map(|page| word(4 + page) as u8).collect(),
        parent: first_bytes(pages),
    })
}
