//! Wrong: adds up in a byte
//! Changes: end_of_file
//! Fails: end_of_file::one_worker_sees_the_end_of_its_input
//! Section: crash_isolation/exercise.md#who-holds-it

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
