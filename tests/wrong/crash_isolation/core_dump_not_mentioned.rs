//! Wrong: leaves the core file out of the words
//! Changes: outcome
//! Fails: outcome::a_core_dump_is_mentioned
//! Section: crash_isolation/exercise.md#step-1-outcome

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed {
                signal,
                core_dumped,
            } => {
                let _ = core_dumped;
                write!(f, "was killed by {}", os::process::signal_name(signal))
            }
        }
    }
}
