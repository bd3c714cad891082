//! Right: takes the status apart by division and remainder
//! Changes: outcome

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
        let (code, rest) = (status / 256 % 256, status % 256);
        let core_dumped = rest >= 128;
        let signal = rest - if core_dumped { 128 } else { 0 };
        if signal == 0 {
            return Self::Exited(code);
        }
        Self::Killed {
            signal,
            core_dumped,
        }
    }
}
