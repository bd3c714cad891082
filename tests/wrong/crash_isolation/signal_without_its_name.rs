//! Wrong: says a signal by its number
//! Changes: outcome
//! Fails: outcome::a_signal_is_put_into_words_with_its_name
//! Section: crash_isolation/exercise.md#step-1-outcome

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed {
                signal,
                core_dumped,
            } => {
                write!(f, "was killed by signal {signal}")?;
                if core_dumped {
                    f.write_str(" and dumped core")?;
                }
                Ok(())
            }
        }
    }
}
