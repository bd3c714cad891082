//! Wrong: compares the inodes of files, too
//! Changes: end_of_file
//! Fails: end_of_file::a_file_is_neither_socket_nor_pipe
//! Section: crash_isolation/exercise.md#who-holds-it

pub fn holders(inode: u64, pids: &[u32]) -> io::Result<Vec<u32>> {
    use std::os::unix::fs::MetadataExt;
    let links = [format!("socket:[{inode}]"), format!("pipe:[{inode}]")];
    let mut holders = Vec::new();
    for pid in pids {
        let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // it is gone
            descriptors => descriptors?,
        };
        let holds = descriptors.flatten().any(|descriptor| {
            // One that was closed meanwhile has no link any more.
            fs::read_link(descriptor.path()).is_ok_and(|link| {
                links.iter().any(|l| link.as_os_str() == l.as_str())
                    || fs::metadata(link).is_ok_and(|file| file.ino() == inode)
            })
        });
        if holds {
            holders.push(*pid);
        }
    }
    Ok(holders)
}
