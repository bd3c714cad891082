//! Wrong: sends the number of the descriptor as a byte
//! Changes: descriptor
//! Fails: descriptor::the_peer_gets_the_request_and_the_file
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

use crate::framing::{recv_frame, send_frame};
use crate::worker::LIMIT;
use os::socket::recv_with_descriptor;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    send_frame(socket, request)?;
    socket.write_all(&[file.as_raw_fd() as u8])?;
    recv_frame(socket, LIMIT)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
