//! Wrong: compares the inode of whatever is open, on whatever disk
//! Changes: end_of_file
//! Fails: end_of_file::a_file_is_neither_socket_nor_pipe
//! Section: crash_isolation/exercise.md#who-holds-it

pub fn holders(inode: u64, pids: &[u32]) -> io::Result<Vec<u32>> {
    let mut holders = Vec::new();
    for pid in pids {
        let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // it is gone
            descriptors => descriptors?,
        };
        let holds = descriptors.flatten().any(|descriptor| {
            // One that was closed meanwhile has no link any more.
            fs::metadata(descriptor.path())
                .is_ok_and(|open| std::os::unix::fs::MetadataExt::ino(&open) == inode)
        });
        if holds {
            holders.push(*pid);
        }
    }
    Ok(holders)
}
