//! The record: medians, quartiles, and the ratio ours / peer, round by round.

use crate::{Goal, Unit};
use serde_json::{Value, json};
use std::io;

pub struct Row(Value);

fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * (sorted.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// Four digits say all that a measurement like these does.
fn round(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

fn summary(name: &str, values: &[f64]) -> Value {
    let values = sorted(values);
    json!({
        "name": name,
        "median": round(quantile(&values, 0.5)),
        "low": round(quantile(&values, 0.25)),
        "high": round(quantile(&values, 0.75)),
        "samples": values.len(),
    })
}

impl Row {
    /// The first name and its measurements are ours.
    pub fn new(
        id: &str,
        what: &str,
        unit: Unit,
        names: &[(String, Option<(Goal, &str)>)],
        measured: &[Vec<f64>],
    ) -> Self {
        let mut peers = Vec::new();
        for ((name, goal), values) in names.iter().zip(measured).skip(1) {
            let ratios: Vec<f64> = measured[0]
                .iter()
                .zip(values)
                .map(|(ours, theirs)| ours / theirs)
                .collect();
            let ratio = quantile(&sorted(&ratios), 0.5);
            let mut peer = summary(name, values);
            peer["ratio"] = round(ratio).into();
            peer["goal"] = goal.map_or(Value::Null, |(_, words)| words.into());
            peer["met"] = goal.map_or(Value::Null, |(goal, _)| {
                match goal {
                    Goal::AtMost(most) => ratio <= most,
                    Goal::AtLeast(least) => ratio >= least,
                }
                .into()
            });
            eprintln!("  {name}: ours is {ratio:.3} of it");
            peers.push(peer);
        }
        Self(json!({
            "id": id,
            "what": what,
            "unit": if unit == Unit::Micros { "µs" } else { "messages/s" },
            "better": if unit == Unit::Micros { "less" } else { "more" },
            "ours": summary(&names[0].0, &measured[0]),
            "peers": peers,
            "note": "",
        }))
    }
}

fn first_line(path: &str, begins: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.starts_with(begins))
        .unwrap_or_default();
    line.rsplit(": ")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn output(command: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(command).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// Writes the record to standard output.
pub fn write(rows: &[Row], python: Option<&str>) -> io::Result<()> {
    let mut rows: Vec<Value> = rows.iter().map(|row| row.0.clone()).collect();
    let same = rows[0]["peers"][0]["ratio"].as_f64().unwrap_or(0.0);
    if !(0.9..=1.1).contains(&same) {
        eprintln!(
            "no verdict: two equal things differ by a factor of {same} here; is the machine busy?"
        );
        for row in &mut rows {
            row["note"] =
                format!("no verdict: two equal things differed by a factor of {same}").into();
            for peer in row["peers"].as_array_mut().into_iter().flatten() {
                peer["met"] = Value::Null;
            }
        }
    }
    let record = json!({
        "slug": "ipc",
        "command": "bash tests/peers/ipc/run.sh",
        "taken": output("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
        "machine": {
            "kernel": output("uname", &["-sr"]),
            "cpus": crate::contestants::cpus(),
            "cpu": first_line("/proc/cpuinfo", "model name"),
            "rust": output("rustc", &["--version"]),
            "python": python.map_or(String::new(), |python| output(python, &["--version"])),
        },
        "rows": rows,
    });
    println!("{}", serde_json::to_string_pretty(&record)?);
    Ok(())
}
