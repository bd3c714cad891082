//! Right: has each child fork the next one, and wait for it
//! Changes: shared_mapping

use os::memory::{Mapping, Ordering, Word};
use os::process;
use std::io;

fn add_all(work: &[Vec<u64>], counter: &Word) -> io::Result<()> {
    let Some((list, rest)) = work.split_first() else {
        return Ok(());
    };
    let child = process::fork(|| {
        let next = match rest {
            [] => Ok(None),
            [next, rest @ ..] => start(next, rest, counter).map(Some),
        };
        for n in list {
            counter.fetch_add(*n, Ordering::SeqCst);
        }
        next?.map_or(Ok(()), |next| next.wait())
    })?;
    child.wait()
}

fn start(list: &[u64], rest: &[Vec<u64>], counter: &Word) -> io::Result<process::Child<()>> {
    process::fork(|| {
        let next = match rest {
            [] => Ok(None),
            [next, rest @ ..] => start(next, rest, counter).map(Some),
        };
        for n in list {
            counter.fetch_add(*n, Ordering::SeqCst);
        }
        next?.map_or(Ok(()), |next| next.wait())
    })
}

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    add_all(work, mapping.word(0))?;
    Ok(mapping.word(0).load(Ordering::SeqCst))
}
