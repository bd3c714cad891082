//! Wrong: opens the file anew instead of passing on the open one
//! Changes: descriptor
//! Fails: descriptor::both_share_one_position_in_the_file
//! Section: ipc/exercise.md#the-same-open-file

use crate::framing::{recv_frame, send_frame};
use crate::worker::LIMIT;
use os::socket::{recv_with_descriptor, send_with_descriptor};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    send_frame(socket, request)?;
    let again = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    retry(|| send_with_descriptor(socket, &[1], again.as_fd()))?;
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
