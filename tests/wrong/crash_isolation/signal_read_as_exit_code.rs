//! Wrong: reads an exit code out of every status: a death by a signal becomes code 0
//! Changes: outcome
//! Fails: outcome::a_signal_is_not_an_exit_code
//! Section: crash_isolation/exercise.md#one-number-three-answers

impl Outcome {
    /// Decodes the status of a process that has ended, as the kernel's `wait` reports it.
    ///
    /// The lowest seven bits are the number of the signal that killed the process; they are 0 if it exited. The bit
    /// above them (128) says whether the kernel wrote a core file. The next eight bits are the exit code.
    ///
    /// ```text
    /// from_status(0x0300) == Exited(3)
    /// from_status(0x008b) == Killed { signal: 11, core_dumped: true }
    /// ```
    #[must_use]
    pub fn from_status(status: i32) -> Self {
        if status & 0xff00 == 0 && status & 0x80 != 0 {
            return Self::Killed {
                signal: status & 0x7f,
                core_dumped: true,
            };
        }
        Self::Exited((status >> 8) & 0xff)
    }
}
