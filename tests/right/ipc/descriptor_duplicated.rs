//! Right: sends a duplicate of the descriptor
//! Changes: descriptor

use crate::framing::{recv_frame, send_frame};
use crate::worker::LIMIT;
use os::socket::{recv_with_descriptor, send_with_descriptor};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    send_frame(socket, request)?;
    let copy = file.try_clone_to_owned()?;
    retry(|| send_with_descriptor(socket, &[1], copy.as_fd()))?;
    drop(copy);
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
