//! What the kernel says about the memory of a process: `/proc/self/smaps`.

use crate::region::page_size;
use serde::{Deserialize, Serialize};
use std::io;

/// How a process holds a range of pages, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Pages of physical memory that another process maps too.
    pub shared: usize,
    /// Pages that only this process maps, and that were written to.
    pub private_dirty: usize,
}

/// The usage of the mapping that begins at `address`.
pub(crate) fn usage(address: usize) -> io::Result<Usage> {
    let smaps =
        std::fs::read_to_string("/proc/self/smaps").map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::new(
                io::ErrorKind::Unsupported,
                "counting pages needs Linux: there is no /proc/self/smaps here",
            ),
            _ => error,
        })?;
    parse(&smaps, address, page_size()).ok_or_else(|| {
        io::Error::other(format!(
            "/proc/self/smaps has no entry for the mapping at {address:#x}"
        ))
    })
}

/// Finds the entry of the mapping that begins at `address`: a header line, then lines like `Shared_Clean:   12 kB`.
fn parse(smaps: &str, address: usize, page: usize) -> Option<Usage> {
    let header = format!("{address:x}-");
    let mut lines = smaps.lines();
    lines.find(|line| line.trim_start_matches('0').starts_with(&header))?;
    let (mut shared, mut private_dirty) = (0usize, 0usize);
    for line in lines {
        let mut words = line.split_whitespace();
        let Some(name) = words.next().filter(|word| word.ends_with(':')) else {
            break; // the next header
        };
        let kib: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match name {
            "Shared_Clean:" | "Shared_Dirty:" => shared = shared.saturating_add(kib),
            "Private_Dirty:" => private_dirty = private_dirty.saturating_add(kib),
            _ => {}
        }
    }
    let pages = |kib: usize| kib.saturating_mul(1024) / page;
    Some(Usage {
        shared: pages(shared),
        private_dirty: pages(private_dirty),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "\
7f00000a0000-7f00000a4000 rw-p 00000000 00:00 0
Size:                 16 kB
Shared_Clean:          4 kB
Shared_Dirty:          4 kB
Private_Clean:         0 kB
Private_Dirty:         8 kB
VmFlags: rd wr mr mw me ac
7f00000a4000-7f00000a8000 rw-p 00000000 00:00 0
Shared_Clean:         12 kB
Private_Dirty:         4 kB
";

    #[test]
    fn an_entry_ends_where_the_next_begins() {
        let usage = |address| parse(TWO, address, 4096);
        let seen = |shared, private_dirty| {
            Some(Usage {
                shared,
                private_dirty,
            })
        };
        assert_eq!(usage(0x7f00_000a_0000), seen(2, 2));
        assert_eq!(usage(0x7f00_000a_4000), seen(3, 1));
        assert_eq!(usage(0x7f00_000a_8000), None);
    }
}
