//! Waits until one of several descriptors can be read.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// Waits until at least one can be read or has come to its end; returns the places of all such. `left` says for how long:
/// forever if `None`; once it is zero, the answer is none.
pub(crate) fn readable<F: AsFd>(
    descriptors: &[F],
    left: &dyn Fn() -> Option<Duration>,
) -> io::Result<Vec<usize>> {
    let mut polled: Vec<libc::pollfd> = descriptors
        .iter()
        .map(|descriptor| libc::pollfd {
            fd: descriptor.as_fd().as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let count = libc::nfds_t::try_from(polled.len()).map_err(io::Error::other)?;
    loop {
        let time = left();
        let millis = time.map_or(-1, |time| {
            i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
        });
        // SAFETY: `polled` is ours and has `count` elements; the descriptors are open, since they are borrowed.
        match unsafe { libc::poll(polled.as_mut_ptr(), count, millis) } {
            0 if time == Some(Duration::ZERO) => return Ok(Vec::new()),
            0 => {} // `left` decides whether it is over
            1.. => break,
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(polled
        .iter()
        .enumerate()
        .filter(|(_, polled)| polled.revents != 0)
        .map(|(place, _)| place)
        .collect())
}
