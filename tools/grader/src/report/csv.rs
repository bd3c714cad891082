//! A table for spreadsheets: one line for each exercise of each submission.

use super::{marks::number, units};
use crate::{grade::Record, runner::Status};

/// The table, with a header.
#[must_use]
pub fn csv(records: &[Record]) -> String {
    let mut text = String::from(
        "submission,exercise,passed,judged,unjudged,worst,sandbox,marks,open,out_of,self_reported,commit,committer_date,note\r\n",
    );
    for unit in units(records) {
        let worst = unit.worst().to_string();
        let numbers = [unit.passed(), unit.judged(), unit.unjudged()].map(|n| n.to_string());
        let sandbox = unit.records.first().map_or("", |record| &record.sandbox);
        let [passed, judged, unjudged] = &numbers;
        let marks = unit.marks();
        let points = [marks.earned, marks.open, marks.out_of].map(number);
        let [earned, open, out_of] = &points;
        // Tests that passed on the subject's own word.
        let own_word = unit
            .count(|record| record.status == Status::Passed && !record.self_reported.is_empty());
        let own_word = own_word.to_string();
        let commit = unit.records.iter().find_map(|one| one.commit.as_ref());
        let note = commit.and_then(|commit| commit.note.as_deref());
        let cells = [
            unit.submission,
            unit.exercise,
            passed,
            judged,
            unjudged,
            &worst,
            sandbox,
            earned,
            open,
            out_of,
            &own_word,
            commit.map_or("", |commit| &commit.id),
            commit.map_or("", |commit| &commit.committer_date),
            note.unwrap_or_default(),
        ];
        let cells: Vec<_> = cells.into_iter().map(cell).collect();
        text += &cells.join(",");
        text += "\r\n";
    }
    text
}

/// A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let harmless = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') => "'",
        _ => "",
    };
    format!("\"{harmless}{}\"", text.replace('"', "\"\""))
}
