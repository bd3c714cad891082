//! M1: processes share no memory by default.
//!
//! A child reads 10 MiB that it inherited from its parent, then another child writes them. Who sees the writes, and which
//! pages does the kernel copy? In Python the same is asked of many small objects.

use crate::chart::{Axis, Chart, Row, Scale, Section, each, python};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, report};
use crate::format::count;
use crate::sys::{faults, limit_lifetime};
use crate::{Run, Unit, Verdict, need};
use os::memory::{Pages, page_size};
use os::process::fork;
use serde_json::json;
use std::hint::black_box;
use std::io;

const PAGES: Unit = Unit::count("page", "pages");
const FAULTS: Unit = Unit::count("fault", "faults");

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "M1",
    sentence: "Processes share no memory by default.",
    metrics: &[
        Metric::both(
            "child_reads_private_dirty",
            PAGES,
            "a child reads 10 MiB: pages copied",
        ),
        Metric::both("child_reads_shared", PAGES, "… pages still shared"),
        Metric::both("child_reads_faults", FAULTS, "… page faults"),
        Metric::both(
            "child_writes_private_dirty",
            PAGES,
            "a child writes 10 MiB: pages copied",
        ),
        Metric::both("child_writes_shared", PAGES, "… pages still shared"),
        Metric::both("child_writes_faults", FAULTS, "… page faults"),
        Metric::both(
            "parent_sees_private",
            PAGES,
            "… writes that the parent sees",
        )
        .always(0.0),
        Metric::both(
            "parent_sees_shared",
            PAGES,
            "… the same through a shared mapping",
        )
        .always(2560.0),
        Metric::python("lists_pages", PAGES, "pages that hold small lists"),
        Metric::python("lists_idle", PAGES, "a child does nothing: pages copied"),
        Metric::python(
            "lists_read",
            PAGES,
            "a child reads the lists: pages copied beyond that",
        ),
        Metric::python("lists_read_frozen", PAGES, "… after gc.freeze()"),
        Metric::python(
            "lists_collect",
            PAGES,
            "a child runs gc.collect(): pages copied beyond that",
        ),
        Metric::python("lists_collect_frozen", PAGES, "… after gc.freeze()"),
    ],
    rule: "A child overwrites 10 MiB that it inherited from its parent. \
        It holds if the parent sees none of the writes, and sees all of them through a shared mapping (otherwise the experiment is blind and shows nothing). \
        It does not hold if the parent sees one. \
        But: if a child that reads copies at most 5 % of the pages and one that writes at least 95 %, the memory is shared until someone writes; \
        and if a child that reads Python lists copies at least half of the pages that hold them (beyond what an idle child copies), reading them is writing.",
    judge,
    chart: Chart {
        title: "Pages that a forked child copied",
        axis: Axis {
            scale: Scale::Linear,
            share_of: None,
        },
        sections: &[
            Section {
                title: "10 MiB of bytes",
                rows: &[
                    Row {
                        label: "a child reads them",
                        series: &each("child_reads_private_dirty"),
                    },
                    Row {
                        label: "a child writes them",
                        series: &each("child_writes_private_dirty"),
                    },
                ],
            },
            Section {
                title: "10 MiB of small lists",
                rows: &[
                    Row {
                        label: "a child does nothing",
                        series: &python("lists_idle"),
                    },
                    Row {
                        label: "… looks at each list",
                        series: &python("lists_read"),
                    },
                    Row {
                        label: "… the same, after gc.freeze()",
                        series: &python("lists_read_frozen"),
                    },
                    Row {
                        label: "… runs gc.collect()",
                        series: &python("lists_collect"),
                    },
                    Row {
                        label: "… the same, after gc.freeze()",
                        series: &python("lists_collect_frozen"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 5, quick: 3 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let seen = need!(run, "parent_sees_private").max();
    let control = need!(run, "parent_sees_shared").min();
    if seen > 0.0 {
        let seen = count(seen);
        let why = format!("the parent saw {seen} pages change that its child wrote to");
        return Verdict::does_not_hold(run, &why);
    }
    let Some(pages) = run.given("pages") else {
        return Verdict::not_shown("the record does not say how many pages there were");
    };
    if control < pages {
        let control = count(control);
        return Verdict::not_shown(&format!(
            "through the shared mapping the parent saw only {control} pages change, so the experiment is blind"
        ));
    }
    let read = run.median("child_reads_private_dirty");
    let written = run.median("child_writes_private_dirty");
    let (Some(read), Some(written)) = (read, written) else {
        return Verdict::holds(
            "the parent saw none of its child's writes (this system does not say which pages were copied)",
        );
    };
    if read > 0.05 * pages || written < 0.95 * pages {
        return Verdict::holds("the parent saw none of its child's writes");
    }
    let mut but = format!(
        "the pages stay shared until someone writes: a child that read {} pages copied {}, one that wrote to them copied {}",
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

const COUNT: usize = 2560; // 10 MiB of 4 KiB pages

fn experiment(rounds: usize) -> io::Result<()> {
    let mut private = written(Pages::private(COUNT)?);
    let mut mapping = written(Pages::shared(COUNT)?);
    let given = json!({ "pages": COUNT, "page_bytes": page_size() });
    report(rounds, 1, &given, |_| {
        let reads = counted(&mut private, |pages| {
            for page in 0..COUNT {
                black_box(pages.get(page));
            }
        })?;
        let writes = counted(&mut private, |pages| fill(pages, 2))?;
        counted(&mut mapping, |pages| fill(pages, 2))?;
        let seen =
            |pages: &Pages| Some((0..COUNT).filter(|page| pages.get(*page) == 2).count() as f64);
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

/// Writes to each page: one that nobody has touched has no frame to share.
fn written(mut pages: Pages) -> Pages {
    fill(&mut pages, 1);
    pages
}

fn fill(pages: &mut Pages, value: u8) {
    for page in 0..COUNT {
        pages.set(page, value);
    }
}

/// Counts what a child does during `work`: faults, pages of its own, pages shared.
fn counted(pages: &mut Pages, work: impl FnOnce(&mut Pages)) -> io::Result<[Option<f64>; 3]> {
    let child = fork(|| {
        limit_lifetime();
        let before = faults();
        work(pages);
        let faults = faults().zip(before).map(|(after, before)| after - before);
        let usage = pages.usage().ok(); // unsupported without /proc
        Ok([
            faults.map(|faults| faults as f64),
            usage.map(|usage| usage.private_dirty as f64),
            usage.map(|usage| usage.shared as f64),
        ])
    })?;
    child.wait()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, sample};

    fn judged(change: &[(&'static str, &'static [f64])]) -> Verdict {
        let mut samples: Vec<(&str, &[f64])> = vec![
            ("parent_sees_private", &[0.0, 0.0]),
            ("parent_sees_shared", &[2560.0, 2560.0]),
            ("child_reads_private_dirty", &[0.0, 1.0]),
            ("child_writes_private_dirty", &[2560.0, 2560.0]),
            ("lists_pages", &[2578.0, 2578.0]),
            ("lists_read", &[2575.0, 2575.0]),
        ];
        for (id, values) in change {
            samples.retain(|(other, _)| other != id);
            if !values.is_empty() {
                samples.push((id, values));
            }
        }
        sample::judged(&CLAIM, &[("pages", 2560)], &samples)
    }

    #[test]
    fn it_holds_but_for_copy_on_write() {
        let verdict = judged(&[]);
        assert_eq!(verdict.outcome, Outcome::HoldsBut);
        assert_eq!(
            verdict.text,
            "holds, but the pages stay shared until someone writes: a child that read 2,560 pages copied 1, one that wrote to them copied 2,560; \
             and reading Python objects is writing: a child that looked at lists on 2,578 pages copied 2,575"
        );
        let few = judged(&[("lists_read", &[1288.0])]);
        assert!(!few.text.contains("reading Python"), "{few}");
    }

    #[test]
    fn it_does_not_hold_where_the_parent_sees_a_write() {
        assert_eq!(
            judged(&[("parent_sees_private", &[0.0, 3.0])]).text,
            "does not hold on Python 3.13.0 (GIL): the parent saw 3 pages change that its child wrote to"
        );
    }

    #[test]
    fn a_blind_experiment_shows_nothing() {
        let blind = judged(&[("parent_sees_shared", &[2560.0, 0.0])]);
        assert_eq!(blind.outcome, Outcome::NotShown);
        let missing = judged(&[("parent_sees_private", &[])]);
        assert_eq!(missing.outcome, Outcome::NotShown);
        let samples: &[(&str, &[f64])] = &[
            ("parent_sees_private", &[0.0]),
            ("parent_sees_shared", &[0.0]),
        ];
        let unknown = sample::judged(&CLAIM, &[], samples);
        assert_eq!(unknown.outcome, Outcome::NotShown);
    }

    #[test]
    fn it_just_holds_where_pages_are_copied_at_once_or_not_counted() {
        for change in [
            ("child_reads_private_dirty", &[2560.0][..]),
            ("child_writes_private_dirty", &[2000.0]),
            ("child_reads_private_dirty", &[]),
        ] {
            assert_eq!(judged(&[change]).outcome, Outcome::Holds, "{change:?}");
        }
    }
}
