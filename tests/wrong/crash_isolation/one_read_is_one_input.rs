//! Wrong: takes what one read returns for the whole input
//! Changes: end_of_file
//! Fails: end_of_file::long_inputs_are_added_up
//! Section: crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end

fn start() -> io::Result<(ParentOnly<UnixStream>, Child<u64>)> {
    let (ours, mut theirs) = UnixStream::pair()?;
    let ours = ParentOnly::new(ours);
    let child = process::fork(move || {
        let mut input = vec![0; 4096];
        let count = theirs.read(&mut input)?;
        input.truncate(count);
        Ok(input.iter().map(|byte| u64::from(*byte)).sum())
    })?;
    Ok((ours, child))
}
