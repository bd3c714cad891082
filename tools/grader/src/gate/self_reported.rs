//! The list of self-reported tests, `tests/<slug>/self_reported.toml`, is what the solution's run says of itself: each test notes what
//! its assertions read of which only the subject can tell.

use super::Findings;
use crate::{
    course::{Chapter, SelfReported},
    runner::{Status, TestResult},
};
use std::fmt::Write as _;
use wire::status::Account;

/// Compares the list with what the solution's tests relied on, and returns that. What the list says of a test that did not pass
/// stays as it is.
pub(super) fn judge(
    chapter: &Chapter,
    results: &[TestResult],
    found: &mut Findings,
) -> SelfReported {
    let place = format!("tests/{}/self_reported.toml", chapter.slug);
    let mut rests = SelfReported::default();
    for result in results {
        let listed: Vec<Account> = chapter.self_reported.of(&result.test).collect();
        let relied_on = match result.status {
            Status::Passed => &result.self_reported,
            _ => &listed,
        };
        for account in relied_on {
            let tests = rests.0.entry(*account).or_default();
            tests.insert(result.test.clone());
        }
    }
    for account in Account::ALL {
        let (name, none) = (account.name(), Default::default());
        let listed = chapter.self_reported.0.get(&account).unwrap_or(&none);
        let relied_on = rests.0.get(&account).unwrap_or(&none);
        for test in relied_on.difference(listed) {
            found.problem(
                &place,
                format_args!("lists no `{test}` under `{name}`, and its assertions read that"),
            );
        }
        for test in listed.difference(relied_on) {
            found.problem(
                &place,
                format_args!("lists `{test}` under `{name}`, and no such test reads that"),
            );
        }
    }
    rests
}

/// The file that says this.
pub(super) fn text(rests: &SelfReported) -> String {
    let mut text = "\
# Tests whose verdict rests, in part or whole, on what only the subject can say: a submission that takes over its own process could
# invent it. Made from what the tests read: COURSE_BLESS=1 cargo test -p checks --test gate -- SLUG::solution
"
    .to_owned();
    for (account, tests) in &rests.0 {
        let what = match account {
            Account::Events => {
                "What the learner's code did, and in which order: the subject's ledger."
            }
            Account::Faults => {
                "That something failed, died or stood still when it should: the harness in the subject sees to it."
            }
            Account::Leftovers => {
                "Children, threads, descriptors and mappings, which the subject reads from the kernel."
            }
            Account::Observations => {
                "What the test's own code in the subject saw, counted or compared."
            }
            Account::Schedules => "Outcomes of model runs, which happen in the subject.",
        };
        let _ = writeln!(text, "\n# {what}\n{} = [", account.name());
        for test in tests {
            let _ = writeln!(text, "    \"{test}\",");
        }
        text += "]\n";
    }
    text
}
