//! How the course's commands write to a terminal: colors where there is one, plain text elsewhere.
//!
//! `anstream` decides: it strips colors when the output is no terminal or a dumb one, or when `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};
use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::Mutex,
};

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

/// The first error that a write to standard output met. Commands work first and print as they go; what became of the
/// printing is decided at the end, by [`finish`].
static OUTPUT_ERROR: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line to standard output. A failure is remembered for [`finish`]; the work goes on.
macro_rules! outln {
    ($($part:tt)*) => {
        $crate::text::print(format_args!("{}\n", format_args!($($part)*)))
    };
}
pub(crate) use outln;

/// Prints a line to standard error. Where that is closed, nobody wants to know.
macro_rules! errln {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($part)*);
    }};
}
pub(crate) use errln;

/// Writes to standard output, with colors where they are welcome.
pub fn print(text: fmt::Arguments<'_>) {
    if output_failed() {
        return; // half a line more would help nobody
    }
    let mut out = anstream::stdout().lock();
    remember(out.write_fmt(text).and_then(|()| out.flush()));
}

/// Whether standard output refused something. Whoever only prints, such as `watch`, may end then.
pub fn output_failed() -> bool {
    OUTPUT_ERROR.lock().is_ok_and(|error| error.is_some())
}

/// The exit code of a command that has done its work and would exit with `code`.
///
/// A closed pipe (`… | head`) changes nothing: the reader has enough, and the work is done. Any other error means that
/// the answer did not arrive, so the command failed.
pub fn finish(code: ExitCode) -> ExitCode {
    match OUTPUT_ERROR.lock().ok().and_then(|mut error| error.take()) {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            errln!("error: cannot write to standard output: {error} (what it shows is incomplete)");
            ExitCode::FAILURE
        }
        _ => code,
    }
}

/// Standard output for code that wants a writer: it takes everything, and [`finish`] tells of failures.
pub struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !output_failed() {
            let mut out = io::stdout().lock();
            remember(out.write_all(bytes).and_then(|()| out.flush()));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn remember(written: io::Result<()>) {
    if let (Err(error), Ok(mut first)) = (written, OUTPUT_ERROR.lock()) {
        first.get_or_insert(error);
    }
}

/// How many columns a line may have: `COLUMNS`, else the terminal's width, else 80.
pub fn columns() -> usize {
    let named = env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|columns| *columns > 0);
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    named.or_else(measured).unwrap_or(80).max(20)
}

/// Whether standard error can take a line back: a terminal, and not a dumb one.
pub fn can_rewrite_stderr() -> bool {
    io::stderr().is_terminal() && !is_dumb()
}

/// Whether standard output can be cleared: a terminal, and not a dumb one.
pub fn can_clear_stdout() -> bool {
    io::stdout().is_terminal() && !is_dumb()
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term == "dumb")
}

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
    /// On standard error, if that is a terminal that can take a line back; silent elsewhere.
    pub fn new() -> Self {
        Self {
            terminal: can_rewrite_stderr(),
            shown: false,
        }
    }

    /// Whether it shows anything.
    pub fn is_shown(&self) -> bool {
        self.terminal
    }

    /// Shows `what` in place of what was shown.
    pub fn show(&mut self, what: &str) {
        if self.terminal {
            // A line that wraps could not be taken back.
            let room = columns().saturating_sub(3);
            let what: String = what
                .chars()
                .filter(|c| !c.is_control())
                .take(room)
                .collect();
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
pub fn bar(done: usize, all: usize) -> String {
    bar_of(done, all, 24.min(columns() / 3))
}

fn bar_of(done: usize, all: usize, width: usize) -> String {
    let full = (done * width).checked_div(all).unwrap_or(0);
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        assert_eq!(bar_of(0, 4, 8), "░░░░░░░░");
        assert_eq!(bar_of(1, 4, 8), "██░░░░░░");
        assert_eq!(bar_of(34, 35, 8), "███████░");
        assert_eq!(bar_of(4, 4, 8), "████████");
        assert_eq!(bar_of(0, 0, 3), "░░░");
    }

    #[test]
    fn empty_lines_stay_empty() {
        assert_eq!(indent("a\n\n b\n", "  "), "  a\n\n   b");
    }
}
