//! The registry: one line for each claim, chapter by chapter in the order of the book.
//!
//! `mod m1;` is all it takes: `build.rs` reads these lines, and [`CLAIMS`] follows from them.

// memory
mod m1;
mod m2;
mod m3;
mod m4;

// ipc
mod i1;
mod i2;
mod i3;

// gil
mod c1;
mod c2;
mod c3;
mod c4;

// crash_isolation
mod x1;
mod x2;

use crate::{Claim, Error};

include!(concat!(env!("OUT_DIR"), "/claims.rs"));

/// Finds a claim by its name; `m1` is `M1`.
///
/// # Errors
/// [`Error::UnknownClaim`], with the claims there are.
pub fn find(id: &str) -> Result<&'static Claim, Error> {
    let mut claims = CLAIMS.iter().copied();
    let found = claims.find(|claim| claim.id.eq_ignore_ascii_case(id));
    found.ok_or_else(|| {
        let known: Vec<_> = CLAIMS.iter().map(|claim| claim.id.to_owned()).collect();
        Error::UnknownClaim {
            given: id.to_owned(),
            offer: files::names::offer(id, &known),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn an_unknown_claim_lists_those_there_are() {
        let first = CLAIMS[0].id;
        assert_eq!(find(&first.to_lowercase()).unwrap().id, first);
        let error = find("nonsense").unwrap_err().to_string();
        let start = format!("no claim is called `nonsense` (there are: {first}, ");
        assert!(error.starts_with(&start), "{error}");
    }

    #[test]
    fn every_claim_is_whole() {
        let ids: BTreeSet<_> = CLAIMS.iter().map(|claim| claim.id).collect();
        assert_eq!(ids.len(), CLAIMS.len(), "two claims share an id");
        for claim in CLAIMS {
            let id = claim.id;
            let metrics: BTreeSet<_> = claim.metrics.iter().map(|metric| metric.id).collect();
            assert_eq!(
                metrics.len(),
                claim.metrics.len(),
                "{id}: two metrics share an id"
            );
            assert!(claim.rounds.quick <= claim.rounds.full, "{id}: rounds");
            if let Err(problem) = claim.chart.check(claim) {
                panic!("{id}: {problem}");
            }
        }
    }

    #[test]
    fn every_claim_is_two_files_and_a_line_of_the_registry_with_nothing_left_to_do() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let stems = |folder: &str, ending: &str| -> BTreeSet<String> {
            let files = fs::read_dir(root.join(folder)).unwrap();
            let paths = files.map(|entry| entry.unwrap().path());
            let paths = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
            paths
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
                .filter(|stem| stem != "bench") // what the experiments share
                .collect()
        };
        let registered: BTreeSet<_> = CLAIMS.iter().map(|claim| claim.stem()).collect();
        assert_eq!(
            stems("src/claims", "rs"),
            registered,
            "src/claims.rs lists the files in src/claims"
        );
        assert_eq!(
            stems("experiments", "py"),
            registered,
            "each claim needs its Python twin"
        );
        for stem in registered {
            for file in [
                format!("src/claims/{stem}.rs"),
                format!("experiments/{stem}.py"),
            ] {
                let text = fs::read_to_string(root.join(&file)).unwrap();
                let left: Vec<_> = text
                    .lines()
                    .filter(|line| line.contains("TODO") || line.contains("todo!"))
                    .collect();
                assert!(left.is_empty(), "{file}: left to do:\n{}", left.join("\n"));
            }
        }
    }
}
