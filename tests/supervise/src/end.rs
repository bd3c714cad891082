//! How a program ended, in the words of an error message.

use crate::{output::Stream, patience::TimeUp};
use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus};

/// How a program ended. Displays as the end of a sentence: "was killed by SIGSEGV".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(ExitStatus),
    /// Killed, since its time was up.
    TimeUp(TimeUp),
    /// Killed, since it printed more than [`Options::flood`](crate::Options::flood) allows.
    Flooded(Stream),
    /// Killed, since the caller's callback returned `Break`, or dropped interest.
    Halted,
    /// Killed because of the stop flag.
    Stopped,
}

impl End {
    /// Whether the program exited by itself with code 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }

    /// The exit code, if the program exited by itself.
    #[must_use]
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Exited(status) => status.code(),
            _ => None,
        }
    }

    /// The signal that killed the program, if it wasn't ours.
    #[must_use]
    pub fn signal(self) -> Option<i32> {
        match self {
            Self::Exited(status) => status.signal(),
            _ => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "exited with code {code}"),
                (None, Some(signal)) => {
                    write!(f, "was killed by {}", signal_name(signal))?;
                    if status.core_dumped() {
                        write!(f, " (core dumped)")?;
                    }
                    Ok(())
                }
                (None, None) => write!(f, "ended in an unknown way"),
            },
            Self::TimeUp(TimeUp { after, waiting }) => {
                let how = if *waiting {
                    "was still waiting"
                } else {
                    "was still running"
                };
                write!(f, "{how} after {} s", round(after.as_secs_f64()))
            }
            Self::Flooded(stream) => write!(f, "printed too much to its {stream}"),
            Self::Halted => write!(f, "was ended"),
            Self::Stopped => write!(f, "was interrupted"),
        }
    }
}

/// Seconds with at most one decimal.
fn round(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// The name of a signal, such as `SIGSEGV`, or its number in words.
#[must_use]
pub fn signal_name(number: i32) -> String {
    use rustix::process::Signal;
    // `Debug` of a named signal is `Signal::SEGV`, but for ABORT and ALARM, whose C names are shorter.
    let Some(signal) = Signal::from_named_raw(number) else {
        return format!("signal {number}");
    };
    let name = match signal {
        Signal::ABORT => "ABRT".to_owned(),
        Signal::ALARM => "ALRM".to_owned(),
        signal => {
            let text = format!("{signal:?}");
            text.trim_matches('"')
                .trim_start_matches("Signal::")
                .to_owned()
        }
    };
    format!("SIG{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_usual_names() {
        for (number, name) in [
            (6, "SIGABRT"),
            (9, "SIGKILL"),
            (11, "SIGSEGV"),
            (14, "SIGALRM"),
            (15, "SIGTERM"),
        ] {
            assert_eq!(signal_name(number), name);
        }
        assert_eq!(signal_name(250), "signal 250");
    }

    #[test]
    fn an_end_reads_as_the_end_of_a_sentence() {
        let exited = |raw| End::Exited(ExitStatus::from_raw(raw)).to_string();
        assert_eq!(exited(3 << 8), "exited with code 3");
        assert_eq!(exited(11), "was killed by SIGSEGV");
        let up = TimeUp {
            after: std::time::Duration::from_millis(2040),
            waiting: true,
        };
        assert_eq!(End::TimeUp(up).to_string(), "was still waiting after 2 s");
    }
}
