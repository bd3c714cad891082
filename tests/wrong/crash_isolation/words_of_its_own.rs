//! Wrong: uses other words for an exit
//! Changes: outcome
//! Fails: outcome::an_exit_is_put_into_words
//! Section: crash_isolation/exercise.md#step-1-outcome

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(code) => write!(f, "exit code: {code}"),
            Self::Killed {
                signal,
                core_dumped,
            } => {
                write!(f, "was killed by {}", os::process::signal_name(signal))?;
                if core_dumped {
                    f.write_str(" and dumped core")?;
                }
                Ok(())
            }
        }
    }
}
