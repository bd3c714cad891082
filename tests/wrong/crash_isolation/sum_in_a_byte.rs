//! Wrong: adds up in a byte
//! Changes: end_of_file
//! Fails: end_of_file::siblings_do_not_keep_an_input_open
//! Section: crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end

fn start() -> io::Result<(ParentOnly<UnixStream>, Child<u64>)> {
    let (ours, mut theirs) = UnixStream::pair()?;
    let ours = ParentOnly::new(ours);
    let child = process::fork(move || {
        let mut input = Vec::new();
        theirs.read_to_end(&mut input)?;
        Ok(u64::from(
            input.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)),
        ))
    })?;
    Ok((ours, child))
}
