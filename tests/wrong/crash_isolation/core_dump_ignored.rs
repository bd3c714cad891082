//! Wrong: never tells of a core file
//! Changes: outcome
//! Fails: outcome::the_core_dump_is_told_apart_from_the_signal
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
        match status & 0x7f {
            0 => Self::Exited((status >> 8) & 0xff),
            signal => Self::Killed {
                signal,
                core_dumped: false,
            },
        }
    }
}
