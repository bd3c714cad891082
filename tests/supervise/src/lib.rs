//! Runs programs that may hang, flood, fork or die, and leaves nothing of them behind.
//!
//! [`run`] takes a program to its end and says how it ended and what it printed:
//!
//! ```
//! use std::{ops::ControlFlow, process::Command, time::Duration};
//! use supervise::{End, Options, Stop};
//!
//! let mut command = Command::new("sh");
//! command.args(["-c", "echo hello; exit 3"]);
//! let options = Options::new(Duration::from_secs(10));
//! let outcome = supervise::run(command, &options, &Stop::new(), |_, _| ControlFlow::Continue(()))?;
//! assert_eq!(outcome.end.to_string(), "exited with code 3");
//! assert_eq!(outcome.stdout.text(), "hello\n");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`Running`] is the same in single steps, for a caller that talks to the program meanwhile.
//!
//! The rules that both keep:
//!
//! - The program leads a **process group of its own**. The group is killed before its leader is reaped: a zombie keeps the
//!   group's id from being reused, so the signal cannot reach strangers.
//! - Output is read **as it comes**, whoever holds the pipe. A child that outlives the program and keeps the pipe open delays
//!   the outcome by at most [`DRAIN`].
//! - Nothing blocks past the deadline: not a full pipe, not a program that ignores SIGTERM, not one that closed its output.
//! - No helper threads: one `poll` waits for output, for the program's end (a pidfd on Linux) and for the caller's own socket.

mod allowance;
mod end;
#[cfg(target_os = "linux")]
pub mod fork_server;
mod group;
mod limits;
mod options;
mod output;
mod patience;
pub mod python;
mod run;
#[cfg(target_os = "linux")]
mod sibling;
mod stop;
mod sweep;

pub use allowance::Allowance;
pub use end::{End, signal_name};
pub use group::Group;
pub use limits::Limits;
pub use options::{Options, Outcome};
pub use output::{Keep, Output, Stream};
pub use patience::{Clock, Patience, TimeUp};
pub use run::{DRAIN, Running, answer, run};
#[cfg(target_os = "linux")]
pub use sibling::fork_sibling;
pub use stop::Stop;
pub use sweep::{Leftover, MARK};
