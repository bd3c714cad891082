//! Wrong: compares the last digits
//! Changes: end_of_file
//! Fails: end_of_file::nobody_has_what_does_not_exist
//! Section: crash_isolation/exercise.md#who-holds-it

pub fn holders(inode: u64, pids: &[u32]) -> io::Result<Vec<u32>> {
    let end = format!("{inode}]");
    let mut holders = Vec::new();
    for pid in pids {
        let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // it is gone
            descriptors => descriptors?,
        };
        let holds = descriptors.flatten().any(|descriptor| {
            // One that was closed meanwhile has no link any more.
            fs::read_link(descriptor.path()).is_ok_and(|link| {
                let link = link.to_string_lossy();
                ["socket", "pipe"].iter().any(|kind| link.starts_with(kind)) && link.ends_with(&end)
            })
        });
        if holds {
            holders.push(*pid);
        }
    }
    Ok(holders)
}
