//! A benchmark against peers, as a table: what `bash tests/peers/<slug>/run.sh` wrote into `records/bench/<slug>.json`.
//!
//! Everything in a row was measured interleaved in one run, so the ratios hold where absolute times don't.

use crate::Error;
use crate::format::{digits, escape};
use serde::Deserialize;
use std::fmt::Write;
use std::path::Path;

/// What one run of a chapter's benchmark measured.
#[derive(Debug, Deserialize)]
struct Bench {
    /// The chapter.
    slug: String,
    /// What repeats it.
    command: String,
    /// The day, or the moment, in UTC.
    taken: String,
    machine: Machine,
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Machine {
    kernel: String,
    cpus: usize,
    cpu: String,
    rust: String,
    #[serde(default)]
    python: Option<String>,
}

/// One thing that was measured, ours and others'.
#[derive(Debug, Deserialize)]
struct Row {
    /// Names it in the record; the table shows `what`.
    #[serde(rename = "id")]
    _id: String,
    what: String,
    unit: String,
    better: Better,
    ours: Measured,
    peers: Vec<Peer>,
    #[serde(default)]
    note: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Better {
    Less,
    More,
}

/// A median with its quartiles.
#[derive(Debug, Deserialize)]
struct Measured {
    name: String,
    median: f64,
    low: f64,
    high: f64,
    samples: usize,
}

#[derive(Debug, Deserialize)]
struct Peer {
    #[serde(flatten)]
    measured: Measured,
    /// Ours divided by theirs, the median over the rounds; `None` where the peer gave no number.
    ratio: Option<f64>,
    #[serde(default)]
    goal: Option<String>,
    #[serde(default)]
    met: Option<bool>,
}

/// Draws the table of a chapter's benchmark against peers, as HTML.
///
/// # Errors
/// When there is no such record, or it can't be read as one.
pub fn peers(root: &Path, slug: &str) -> Result<String, Error> {
    let path = root.join("records/bench").join(format!("{slug}.json"));
    let remedy = format!("bash tests/peers/{slug}/run.sh");
    let bad = |why: String| Error::BadRecord {
        path: path.clone(),
        why,
        remedy: remedy.clone(),
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NoRecord { path, remedy });
        }
        Err(error) => return Err(bad(error.to_string())),
    };
    let bench: Bench = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if bench.slug != slug {
        return Err(bad(format!("it is about `{}`", bench.slug)));
    }
    Ok(table(&bench))
}

fn table(bench: &Bench) -> String {
    let mut html = String::from(
        "<div class=\"table-wrapper\"><table class=\"peers\">\n<thead><tr><th scope=\"col\">what</th><th scope=\"col\">who</th>\
         <th scope=\"col\">median (quartiles)</th><th scope=\"col\">ours to theirs</th><th scope=\"col\">goal</th></tr></thead>\n",
    );
    for row in &bench.rows {
        let lines = row.peers.len() + 1;
        let better = match row.better {
            Better::Less => "less is better",
            Better::More => "more is better",
        };
        let _ = writeln!(
            html,
            "<tbody>\n<tr><th scope=\"rowgroup\" rowspan=\"{lines}\">{} <small>({}; {better})</small></th>\
             <td><strong>{}</strong></td><td>{}</td><td></td><td></td></tr>",
            escape(&row.what),
            escape(&row.unit),
            escape(&row.ours.name),
            spread(&row.ours),
        );
        for peer in &row.peers {
            let ratio = peer.ratio.map_or_else(|| "–".to_owned(), digits);
            let _ = writeln!(
                html,
                "<tr><td>{}</td><td>{}</td><td>{ratio}</td><td>{}</td></tr>",
                escape(&peer.measured.name),
                spread(&peer.measured),
                goal(peer),
            );
        }
        if !row.note.is_empty() {
            let _ = writeln!(
                html,
                "<tr><td colspan=\"5\"><small>{}</small></td></tr>",
                escape(&row.note)
            );
        }
        html.push_str("</tbody>\n");
    }
    let machine = &bench.machine;
    let python = match &machine.python {
        Some(python) => format!(", Python {}", python.trim_start_matches("Python ")),
        None => String::new(),
    };
    // Some programs print their name before their version, and so do records that keep what they printed.
    let version = |text: &str, name: &str| escape(text.strip_prefix(name).unwrap_or(text));
    let _ = write!(
        html,
        "</table></div>\n<p><small>{}, {} CPUs, Linux {}, Rust {}{}. Taken {}. To repeat it: <code>{}</code></small></p>",
        escape(&machine.cpu),
        machine.cpus,
        version(&machine.kernel, "Linux "),
        version(&machine.rust, "rustc "),
        escape(&python),
        escape(&bench.taken),
        escape(&bench.command),
    );
    html
}

fn spread(one: &Measured) -> String {
    let median = digits(one.median);
    let samples = one.samples;
    let (low, high) = (digits(one.low), digits(one.high));
    if low == high {
        format!("{median} <small>n = {samples}</small>")
    } else {
        format!("{median} ({low} to {high}) <small>n = {samples}</small>")
    }
}

fn goal(peer: &Peer) -> String {
    let Some(goal) = &peer.goal else {
        return String::new();
    };
    let met = match peer.met {
        Some(true) => ": met",
        Some(false) => ": <strong>missed</strong>",
        None => "",
    };
    format!("{}{met}", escape(goal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{
        "slug": "ipc", "command": "bash tests/peers/ipc/run.sh", "taken": "2026-11-25",
        "machine": { "kernel": "6.18", "cpus": 2, "cpu": "AMD <EPYC>", "rust": "1.95.0", "python": "3.14.1" },
        "rows": [{
            "id": "ring", "what": "64 B there and back", "unit": "µs", "better": "less",
            "ours": { "name": "our ring", "median": 1.07, "low": 1.0, "high": 1.2, "samples": 9 },
            "peers": [
                { "name": "a pipe", "median": 11.8, "low": 11.8, "high": 11.8, "samples": 9, "ratio": 0.091, "goal": "a tenth", "met": true },
                { "name": "bare", "median": 0.3, "low": 0.2, "high": 0.4, "samples": 9, "ratio": 3.5, "goal": "3 times", "met": false },
                { "name": "hangs", "median": 0, "low": 0, "high": 0, "samples": 0, "ratio": null, "goal": null, "met": null }
            ],
            "note": "pinned"
        }]
    }"#;

    fn written(text: &str) -> Result<String, Error> {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("records/bench");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ipc.json"), text).unwrap();
        peers(root.path(), "ipc")
    }

    #[test]
    fn a_table_says_who_was_measured_and_whether_the_goal_was_met() {
        let html = written(RECORD).unwrap();
        for part in [
            "<th scope=\"rowgroup\" rowspan=\"4\">64 B there and back",
            "<td>1.07 (1.00 to 1.20) <small>n = 9</small></td>",
            "<td>0.091</td><td>a tenth: met</td>",
            "<td>3.50</td><td>3 times: <strong>missed</strong></td>",
            "<td>–</td><td></td>",
            "<small>pinned</small>",
            "AMD &lt;EPYC&gt;, 2 CPUs, Linux 6.18, Rust 1.95.0, Python 3.14.1",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn a_name_in_front_of_a_version_is_shown_once() {
        let record = RECORD
            .replace("\"6.18\"", "\"Linux 6.18\"")
            .replace("\"1.95.0\"", "\"rustc 1.95.0 (59807616e)\"")
            .replace("\"3.14.1\"", "\"Python 3.14.1\"");
        let html = written(&record).unwrap();
        let machine = "Linux 6.18, Rust 1.95.0 (59807616e), Python 3.14.1";
        assert!(html.contains(machine), "{html}");
    }

    #[test]
    fn a_record_that_is_missing_or_of_another_chapter_is_an_error_that_says_what_to_run() {
        let root = tempfile::tempdir().unwrap();
        let missing = peers(root.path(), "ipc").unwrap_err().to_string();
        assert!(missing.contains("bash tests/peers/ipc/run.sh"), "{missing}");
        let other = written(&RECORD.replace("\"ipc\"", "\"gil\"")).unwrap_err();
        assert!(other.to_string().contains("it is about `gil`"), "{other}");
        assert!(written("{").is_err());
    }
}
