//! The subject's side of the tests in `tests/memory/`: hands them the functions of the exercise.
//!
//! Only this file is compiled when you edit your code.

use memory::{copy_on_write, lost_updates, python_block, shared_mapping};
use memory_tests::{Learner, RacyCounter, Seen};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    memory_tests::run(Learner {
        losing_turns: lost_updates::losing_turns,
        racy_counter: || {
            let counter = Arc::new(lost_updates::RacyCounter::new());
            let same = counter.clone();
            RacyCounter {
                add: Box::new(move |n| counter.add(n)),
                get: Box::new(move || same.get()),
            }
        },
        sum_in_threads: lost_updates::sum_in_threads,
        write_in_child: |pages, writes| {
            let writes: Vec<_> = writes
                .iter()
                .map(|&(page, value)| copy_on_write::Write { page, value })
                .collect();
            let seen = copy_on_write::write_in_child(pages, &writes)?;
            Ok(Seen {
                before: seen.before,
                after: seen.after,
                child: seen.child,
                parent: seen.parent,
            })
        },
        sum_in_processes: shared_mapping::sum_in_processes,
        add_to_block: python_block::add_to_block,
        lend_block: |name, value, use_it| python_block::lend_block(name, value, use_it),
    })
}
