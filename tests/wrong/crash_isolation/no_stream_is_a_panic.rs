//! Wrong: takes for granted that a stream can be made
//! Changes: end_of_file
//! Fails: end_of_file::a_stream_that_cannot_be_made_is_an_error
//! Section: crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end

/// Forks a worker. Our end of its stream is ours alone: neither the worker itself nor those that are forked later get a copy,
/// which would keep it open.
fn start() -> io::Result<(ParentOnly<UnixStream>, Child<u64>)> {
    let (ours, mut theirs) = UnixStream::pair().expect("a stream");
    let ours = ParentOnly::new(ours);
    let child = process::fork(move || {
        let mut input = Vec::new();
        theirs.read_to_end(&mut input)?;
        Ok(input.iter().map(|byte| u64::from(*byte)).sum())
    })?;
    Ok((ours, child))
}
