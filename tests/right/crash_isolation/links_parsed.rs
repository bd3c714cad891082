//! Right: takes the number out of each link
//! Changes: end_of_file

pub fn holders(inode: u64, pids: &[u32]) -> io::Result<Vec<u32>> {
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
                let number = link
                    .strip_prefix("socket:[")
                    .or_else(|| link.strip_prefix("pipe:["));
                number
                    .and_then(|n| n.strip_suffix(']'))
                    .and_then(|n| n.parse().ok())
                    == Some(inode)
            })
        });
        if holds {
            holders.push(*pid);
        }
    }
    Ok(holders)
}
