//! What a record says beside the verdict: the test's share of the points, what only the subject can say, the commit.

use super::Record;
use crate::{course::Chapter, submission::Submission};

/// Fills in the records of one unit. Doing it again changes nothing, so records of an interrupted grader get what holds now.
///
/// The tests of a step share its points evenly. The one record of an exercise that has no judge is worth the whole exercise.
pub fn annotate(records: &mut [Record], submission: &Submission, chapter: Option<&Chapter>) {
    let steps: Vec<String> = records.iter().map(|record| record.step.clone()).collect();
    for record in records {
        record.commit.clone_from(&submission.commit);
        let Some(chapter) = chapter else { continue };
        let points = if record.test.is_empty() {
            let all = chapter.steps.iter().map(|step| chapter.points(step));
            f64::from(all.sum::<u32>())
        } else {
            let sharing = steps.iter().filter(|step| **step == record.step).count();
            f64::from(chapter.points(&record.step)) / sharing.max(1) as f64
        };
        record.points = points;
        let accounts = chapter.self_reported.of(&record.test);
        record.self_reported = accounts.map(|account| account.name().to_owned()).collect();
    }
}
