//! A table for spreadsheets: one line for each exercise of each submission.

use super::units;
use crate::grade::Record;

/// The table, with a header.
#[must_use]
pub fn csv(records: &[Record]) -> String {
    let mut text = String::from("submission,exercise,passed,judged,unjudged,worst,sandbox\r\n");
    for unit in units(records) {
        let worst = unit.worst().to_string();
        let numbers = [unit.passed(), unit.judged(), unit.unjudged()].map(|n| n.to_string());
        let sandbox = unit.records.first().map_or("", |record| &record.sandbox);
        let [passed, judged, unjudged] = &numbers;
        let cells = [
            unit.submission,
            unit.exercise,
            passed,
            judged,
            unjudged,
            &worst,
            sandbox,
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
