//! M1 in Rust: a child reads, then another writes, 10 MiB that it got from its parent. Who sees what, and who copies?

use super::{Round, report};
use crate::sys::{self, Region, faults, fork};
use serde_json::json;
use std::hint::black_box;
use std::io;

const PAGES: usize = 2560; // 10 MiB of 4 KiB pages

/// Runs the experiment.
pub fn run(rounds: usize) -> io::Result<()> {
    let mut private = touched(false)?;
    let mut mapping = touched(true)?;
    let given = json!({ "pages": PAGES, "page_bytes": sys::page_size() });
    report(rounds, 1, &given, |_| {
        let reads = counted(&mut private, |region| {
            for page in 0..PAGES {
                black_box(region.get(page));
            }
        })?;
        let writes = counted(&mut private, |region| fill(region, 2))?;
        counted(&mut mapping, |region| fill(region, 2))?;
        let seen =
            |region: &Region| Some((0..PAGES).filter(|page| region.get(*page) == 2).count() as f64);
        let round = Round::from([
            ("child_reads_faults", reads[0]),
            ("child_reads_private_dirty", reads[1]),
            ("child_reads_shared", reads[2]),
            ("child_writes_faults", writes[0]),
            ("child_writes_private_dirty", writes[1]),
            ("child_writes_shared", writes[2]),
            ("parent_sees_private", seen(&private)),
            ("parent_sees_shared", seen(&mapping)),
        ]);
        fill(&mut mapping, 1);
        Ok(round)
    })
}

/// Pages that were written to, or there would be none to share.
fn touched(shared: bool) -> io::Result<Region> {
    let mut region = Region::new(PAGES, shared)?;
    fill(&mut region, 1);
    Ok(region)
}

fn fill(region: &mut Region, value: u8) {
    for page in 0..PAGES {
        region.set(page, value);
    }
}

/// What a child counts while it does `work`: faults, pages of its own, pages shared.
fn counted(region: &mut Region, work: impl FnOnce(&mut Region)) -> io::Result<[Option<f64>; 3]> {
    let child = fork(|| {
        let before = faults();
        work(region);
        let faults = faults()
            .zip(before)
            .map(|(after, before)| (after - before) as f64);
        let usage = region.usage();
        Ok([
            faults,
            usage.map(|usage| usage.0 as f64),
            usage.map(|usage| usage.1 as f64),
        ])
    })?;
    child.result()
}
