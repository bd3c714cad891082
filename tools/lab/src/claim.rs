//! The claims that the book makes, with what is measured for each.

use crate::{Error, Language, Run, Unit, Verdict, rule};

/// One thing that an experiment measures.
#[derive(Debug)]
pub struct Metric {
    /// Its name in records and in figures.
    pub id: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Its name for people.
    pub label: &'static str,
    /// The language whose experiment measures it; none means both.
    pub only: Option<Language>,
}

impl Metric {
    /// Whether the experiment in this language measures it.
    #[must_use]
    pub fn is_for(&self, language: Language) -> bool {
        self.only.is_none_or(|only| only == language)
    }
}

/// A sentence of the book, what is measured for it, and the rule that judges it.
#[derive(Debug)]
pub struct Claim {
    /// Its name: `M1`.
    pub id: &'static str,
    /// The sentence.
    pub sentence: &'static str,
    /// What is measured.
    pub metrics: &'static [Metric],
    /// The rule, in words.
    pub rule: &'static str,
    /// The rule: a pure function of what was measured.
    pub judge: fn(&Run) -> Verdict,
    /// How many rounds a full run takes, and a quick one.
    pub rounds: [usize; 2],
}

impl Claim {
    /// One of its metrics.
    #[must_use]
    pub fn metric(&self, id: &str) -> Option<&'static Metric> {
        self.metrics.iter().find(|metric| metric.id == id)
    }
}

const fn both(id: &'static str, unit: Unit, label: &'static str) -> Metric {
    Metric {
        id,
        unit,
        label,
        only: None,
    }
}

const fn python(id: &'static str, unit: Unit, label: &'static str) -> Metric {
    Metric {
        id,
        unit,
        label,
        only: Some(Language::Python),
    }
}

const fn rust(id: &'static str, unit: Unit, label: &'static str) -> Metric {
    Metric {
        id,
        unit,
        label,
        only: Some(Language::Rust),
    }
}

use Unit::{Additions, Bytes, Channels, Faults, Micros, Objects, Pages};

/// Every claim, in the order of the book.
pub static CLAIMS: &[Claim] = &[
    Claim {
        id: "M1",
        sentence: "Processes share no memory by default.",
        metrics: &[
            both(
                "child_reads_private_dirty",
                Pages,
                "a child reads 10 MiB: pages copied",
            ),
            both("child_reads_shared", Pages, "… pages still shared"),
            both("child_reads_faults", Faults, "… page faults"),
            both(
                "child_writes_private_dirty",
                Pages,
                "a child writes 10 MiB: pages copied",
            ),
            both("child_writes_shared", Pages, "… pages still shared"),
            both("child_writes_faults", Faults, "… page faults"),
            both(
                "parent_sees_private",
                Pages,
                "… writes that the parent sees",
            ),
            both(
                "parent_sees_shared",
                Pages,
                "… the same through a shared mapping",
            ),
            python("lists_pages", Pages, "pages that Python lists lie on"),
            python("lists_idle", Pages, "a child does nothing: pages copied"),
            python("lists_read", Pages, "a child reads the lists: pages copied"),
            python("lists_read_frozen", Pages, "… after gc.freeze()"),
            python(
                "lists_collect",
                Pages,
                "a child runs gc.collect(): pages copied",
            ),
            python("lists_collect_frozen", Pages, "… after gc.freeze()"),
        ],
        rule: rule::M1,
        judge: rule::m1,
        rounds: [5, 3],
    },
    Claim {
        id: "M2",
        sentence: "So processes need IPC: pipes, sockets, shared memory.",
        metrics: &[
            both(
                "seen_without_channel",
                Bytes,
                "bytes that arrive without a channel",
            ),
            both("channels", Channels, "channels tried"),
            both(
                "delivered",
                Channels,
                "channels that delivered 1 MiB intact",
            ),
            both("pipe", Micros, "1 MiB by pipe"),
            both("socket", Micros, "1 MiB by Unix socket"),
            both("shared_memory", Micros, "1 MiB by shared memory"),
            rust("memcpy", Micros, "1 MiB copied within a process"),
            python("mp_pipe_bytes", Micros, "multiprocessing.Pipe: bytes"),
            python("mp_queue_bytes", Micros, "multiprocessing.Queue: bytes"),
            python("mp_pipe_ints", Micros, "multiprocessing.Pipe: list of ints"),
            python(
                "mp_pipe_records",
                Micros,
                "multiprocessing.Pipe: list of dicts",
            ),
            python("mp_pipe_records_again", Micros, "… the same again (A/A)"),
            python("pickle_bytes", Micros, "pickle and back: bytes"),
            python("pickle_ints", Micros, "pickle and back: list of ints"),
            python("pickle_records", Micros, "pickle and back: list of dicts"),
        ],
        rule: rule::M2,
        judge: rule::m2,
        rounds: [31, 7],
    },
    Claim {
        id: "M3",
        sentence: "Threads share memory, so exchange is easy.",
        metrics: &[
            both(
                "thread_same_object",
                Objects,
                "objects that a thread gave back as the same",
            ),
            both(
                "thread_write_seen",
                Objects,
                "objects on which a thread's write is seen",
            ),
            both(
                "process_write_seen",
                Objects,
                "objects on which a process's write is seen",
            ),
            both("thread_64_b", Micros, "to a thread and back: 64 B"),
            both("thread_64_b_again", Micros, "… the same again (A/A)"),
            both("thread_64_kib", Micros, "to a thread and back: 64 KiB"),
            both("thread_1_mib", Micros, "to a thread and back: 1 MiB"),
            both("thread_16_mib", Micros, "to a thread and back: 16 MiB"),
            both("process_64_b", Micros, "to a process, and its answer: 64 B"),
            both(
                "process_64_kib",
                Micros,
                "to a process, and its answer: 64 KiB",
            ),
            both(
                "process_1_mib",
                Micros,
                "to a process, and its answer: 1 MiB",
            ),
            both(
                "process_16_mib",
                Micros,
                "to a process, and its answer: 16 MiB",
            ),
        ],
        rule: rule::M3,
        judge: rule::m3,
        rounds: [31, 7],
    },
    Claim {
        id: "M4",
        sentence: "Shared memory comes at the price of races: updates are lost unless threads synchronise.",
        metrics: &[
            python("lost_bare", Additions, "n += 1: additions lost"),
            python("lost_call", Additions, "n = f(n): additions lost"),
            python(
                "lost_locked",
                Additions,
                "with lock: n = f(n): additions lost",
            ),
            rust(
                "lost_load_store",
                Additions,
                "load, then store: additions lost",
            ),
            rust("lost_fetch_add", Additions, "fetch_add: additions lost"),
            rust("lost_mutex", Additions, "Mutex: additions lost"),
        ],
        rule: rule::M4,
        judge: rule::m4,
        rounds: [11, 5],
    },
];

/// The claim with this name; `m1` is `M1`.
///
/// # Errors
/// [`Error::UnknownClaim`], with the claims there are.
pub fn find(id: &str) -> Result<&'static Claim, Error> {
    let found = CLAIMS
        .iter()
        .find(|claim| claim.id.eq_ignore_ascii_case(id));
    found.ok_or_else(|| {
        let known: Vec<_> = CLAIMS.iter().map(|claim| claim.id).collect();
        Error::UnknownClaim {
            given: id.to_owned(),
            known: known.join(", "),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let ids: BTreeSet<_> = CLAIMS.iter().map(|claim| claim.id).collect();
        assert_eq!(ids.len(), CLAIMS.len());
        for claim in CLAIMS {
            let ids: BTreeSet<_> = claim.metrics.iter().map(|metric| metric.id).collect();
            assert_eq!(ids.len(), claim.metrics.len(), "{}", claim.id);
        }
    }

    #[test]
    fn an_unknown_claim_lists_those_there_are() {
        assert_eq!(find("m3").unwrap().id, "M3");
        let error = find("M9").unwrap_err().to_string();
        assert_eq!(error, "no claim is called `M9` (there are M1, M2, M3, M4)");
    }
}
