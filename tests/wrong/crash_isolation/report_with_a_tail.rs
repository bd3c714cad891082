//! Wrong: ignores what follows the message
//! Changes: outcome
//! Fails: outcome::bytes_after_the_message_make_it_none
//! Section: crash_isolation/exercise.md#a-report-from-the-dying

impl CrashReport {
    /// Decodes the bytes that came from a worker; returns `None` unless they are exactly one report.
    ///
    /// Bytes 0 to 7 are the task and bytes 8 and 9 the length of the message in bytes, both little-endian. Then come the
    /// bytes of the message, in UTF-8, and nothing after them. A worker may be killed while it writes, so any part of a
    /// report may be missing; and a worker that crashes may write anything. No bytes make this function panic. Anything in
    /// the message that isn't UTF-8 is replaced by U+FFFD, as [`String::from_utf8_lossy`] does.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        // Each split fails on bytes that break off, so nothing here can reach beyond the end.
        let (task, rest) = bytes.split_first_chunk()?;
        let (length, message) = rest.split_first_chunk()?;
        let message = message.get(..usize::from(u16::from_le_bytes(*length)))?;
        Some(Self {
            task: u64::from_le_bytes(*task),
            message: String::from_utf8_lossy(message).into_owned(),
        })
    }
}
