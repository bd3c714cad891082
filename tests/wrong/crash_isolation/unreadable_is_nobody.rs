//! Wrong: takes every error for a process that is gone
//! Changes: end_of_file
//! Fails: end_of_file::descriptors_that_cannot_be_read_are_an_error
//! Section: crash_isolation/exercise.md#who-holds-it

pub fn holders(inode: u64, pids: &[u32]) -> io::Result<Vec<u32>> {
    let links = [format!("socket:[{inode}]"), format!("pipe:[{inode}]")];
    let mut holders = Vec::new();
    for pid in pids {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            continue; // it is gone
        };
        let holds = descriptors.flatten().any(|descriptor| {
            // One that was closed meanwhile has no link any more.
            fs::read_link(descriptor.path())
                .is_ok_and(|link| links.iter().any(|l| link.as_os_str() == l.as_str()))
        });
        if holds {
            holders.push(*pid);
        }
    }
    Ok(holders)
}
