//! The record: rows of medians and quartiles.

use serde_json::{Value, json};

pub struct Row {
    pub id: &'static str,
    pub what: String,
    pub unit: &'static str,
    /// Whether less is better.
    pub less: bool,
    pub ours: (&'static str, Vec<f64>),
    pub peers: Vec<Peer>,
    pub note: String,
}

pub struct Peer {
    pub name: String,
    /// One for each round, in the order of ours.
    pub samples: Vec<f64>,
    /// In words, and the ratio ours / peer that is to be reached.
    pub goal: Option<(&'static str, std::ops::RangeInclusive<f64>)>,
}

/// Lower quartile, median, upper quartile.
pub fn quartiles(samples: &[f64]) -> [f64; 3] {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| {
        let place = (sorted.len() - 1) as f64 * f64::from(quarter) / 4.0;
        let (below, above) = (
            sorted[place.floor() as usize],
            sorted[place.ceil() as usize],
        );
        below + (above - below) * place.fract()
    })
}

/// Four significant digits: more is noise.
fn round(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

fn summary(name: &str, samples: &[f64]) -> Value {
    let [low, median, high] = quartiles(samples).map(round);
    json!({ "name": name, "median": median, "low": low, "high": high, "samples": samples.len() })
}

impl Row {
    fn to_json(&self) -> Value {
        let peers: Vec<Value> = self
            .peers
            .iter()
            .map(|peer| {
                // Of each round, since a machine's speed changes from round to round.
                let rounds = self.ours.1.iter().zip(&peer.samples);
                let ratios: Vec<f64> = rounds.map(|(ours, theirs)| ours / theirs).collect();
                let ratio = quartiles(&ratios)[1];
                let mut value = summary(&peer.name, &peer.samples);
                value["ratio"] = json!(round(ratio));
                value["goal"] = json!(peer.goal.as_ref().map(|goal| goal.0));
                value["met"] = json!(peer.goal.as_ref().map(|goal| goal.1.contains(&ratio)));
                value
            })
            .collect();
        json!({
            "id": self.id,
            "what": self.what,
            "unit": self.unit,
            "better": if self.less { "less" } else { "more" },
            "ours": summary(self.ours.0, &self.ours.1),
            "peers": peers,
            "note": self.note,
        })
    }
}

pub fn record(python: &str, rows: &[Row]) -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let rust = std::process::Command::new("rustc")
        .arg("--version")
        .output();
    let date = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])
        .output();
    let text = |output: std::io::Result<std::process::Output>| {
        output.map_or(String::new(), |output| {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        })
    };
    json!({
        "slug": "gil",
        "command": "bash tests/peers/gil/run.sh",
        "taken": text(date),
        "machine": {
            "kernel": read("/proc/sys/kernel/osrelease").trim(),
            "cpus": std::thread::available_parallelism().map_or(0, usize::from),
            "cpu": model.unwrap_or("").trim_start_matches([' ', '\t', ':']),
            "rust": text(rust),
            "python": python,
        },
        "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
    })
}
