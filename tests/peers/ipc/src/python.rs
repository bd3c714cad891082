//! CPython's ways, which take their own time: see `peers.py`.

use crate::contestants::Contestant;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Ends the interpreter and, with it, its child.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.stdin.take()); // it reads the end and stops
        let _ = self.0.wait();
    }
}

/// Starts `python peers.py <way> <size>`.
pub fn start(python: &str, way: &str, size: usize) -> io::Result<Contestant> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers.py");
    let mut command = Command::new(python);
    command.args(["-E", script, way]).arg(size.to_string());
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut child = Ended(child);
    let mut lines = BufReader::new(child.0.stdout.take().expect("it is a pipe")).lines();
    Ok(Contestant::with_clock(move |count| {
        let stdin = child.0.stdin.as_mut().expect("it is a pipe");
        writeln!(stdin, "{count}")?;
        let line = lines
            .next()
            .unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
        line.trim()
            .parse()
            .map(Duration::from_secs_f64)
            .map_err(io::Error::other)
    }))
}
