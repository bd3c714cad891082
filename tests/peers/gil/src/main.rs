//! The exercise's locks beside CPython's GIL, `std::sync::Mutex` and `parking_lot`: one run, interleaved, as JSON on stdout.

mod convoy;
mod locks;
mod report;
mod turns;
/// A right answer of another design.
#[expect(dead_code, reason = "nobody measures its safe points")]
#[path = "../../../right/gil/uncontended_without_the_mutex.rs"]
mod two_atomics;

use report::{Peer, Row};
use serde_json::Value;
use std::process::Command;

/// CPython, which runs `peer.py`.
struct Python {
    path: String,
}

impl Python {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peer.py"));
        command.args(arguments);
        command
    }

    fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).output().expect("python runs");
        assert!(output.status.success(), "python failed: {output:?}");
        serde_json::from_slice(&output.stdout).expect("python prints JSON")
    }
}

fn main() {
    let python = Python {
        path: std::env::args().nth(1).unwrap_or("python3".into()),
    };
    let version = python.ask(&["version"]).as_str().unwrap_or("?").to_owned();
    let name = format!("CPython {version}");
    // One part alone, where the machine can't be kept quiet for four minutes.
    let part = std::env::args().nth(2);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let mut rows: Vec<Row> = Vec::new();
    if wanted("locks") {
        eprintln!("uncontended locks …");
        rows.extend(locks::rows(&python, &name));
    }
    if wanted("turns") {
        eprintln!("turns of two threads, and of eight …");
        rows.extend(turns::rows(&python, &name));
    }
    if wanted("convoy") {
        eprintln!("the convoy …");
        rows.extend(convoy::rows(&python, &name));
    }
    println!("{:#}", report::record(&version, &rows));
}

/// A peer with no goal.
fn plain(name: &str, samples: Vec<f64>) -> Peer {
    Peer {
        name: name.into(),
        samples,
        goal: None,
    }
}
