//! Wrong: compares how a link ends, so that a file may be named like a socket
//! Changes: end_of_file
//! Fails: end_of_file::a_file_is_neither_socket_nor_pipe
//! Section: crash_isolation/exercise.md#who-holds-it

pub fn holders(inode: u64, pids: &[u32]) -> io::Result<Vec<u32>> {
    let links = [format!("socket:[{inode}]"), format!("pipe:[{inode}]")];
    let mut holders = Vec::new();
    for pid in pids {
        let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // it is gone
            descriptors => descriptors?,
        };
        let holds = descriptors.flatten().any(|descriptor| {
            // One that was closed meanwhile has no link any more.
            fs::read_link(descriptor.path())
                .is_ok_and(|link| links.iter().any(|l| link.to_string_lossy().ends_with(l)))
        });
        if holds {
            holders.push(*pid);
        }
    }
    Ok(holders)
}
