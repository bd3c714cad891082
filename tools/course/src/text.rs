//! How the course's commands write to a terminal: colour where there is one, plain text elsewhere.
//!
//! `anstream` decides: it strips colours when the output is no terminal, or when `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};
use std::io::{self, Write};

/// Titles, and what to look at first.
pub const BOLD: Style = Style::new().bold();
/// What is of less weight.
pub const DIM: Style = Style::new().dimmed();
/// A step or test that passed.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// A step or test that failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What could not be judged, or was given up.
pub const ODD: Style = AnsiColor::Yellow.on_default().bold();

/// Prints a line; a reader who closed the pipe has enough, which is no error.
macro_rules! outln {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        if writeln!(anstream::stdout(), $($part)*).is_err() {
            std::process::exit(0);
        }
    }};
}
pub(crate) use outln;

/// `text` with `by` before each line that is not empty.
pub fn indent(text: &str, by: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => String::new(),
        line => format!("{by}{line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `1 test`, `2 tests`.
pub fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// One line that says what is going on and makes way for what comes of it.
pub struct Ticker {
    terminal: bool,
    shown: bool,
}

impl Ticker {
    /// On standard error, if that is a terminal; silent elsewhere.
    pub fn new(terminal: bool) -> Self {
        Self {
            terminal,
            shown: false,
        }
    }

    /// Shows `what` in place of what was shown.
    pub fn show(&mut self, what: &str) {
        if self.terminal {
            // Short enough for any window: a line that wraps could not be taken back.
            let what: String = what.chars().filter(|c| !c.is_control()).take(70).collect();
            let _ = write!(io::stderr(), "\r\x1b[2K{what} …");
            let _ = io::stderr().flush();
            self.shown = true;
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
            let _ = io::stderr().flush();
            self.shown = false;
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `done` of `all` as a bar: `███░░░`.
pub fn bar(done: usize, all: usize, width: usize) -> String {
    let full = (done * width).checked_div(all).unwrap_or(0);
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        assert_eq!(bar(0, 4, 8), "░░░░░░░░");
        assert_eq!(bar(1, 4, 8), "██░░░░░░");
        assert_eq!(bar(34, 35, 8), "███████░");
        assert_eq!(bar(4, 4, 8), "████████");
        assert_eq!(bar(0, 0, 3), "░░░");
    }

    #[test]
    fn empty_lines_stay_empty() {
        assert_eq!(indent("a\n\n b\n", "  "), "  a\n\n   b");
    }
}
