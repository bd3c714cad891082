//! Wrong: looks for the end of the socket by a read that a signal interrupts
//! Changes: descriptor
//! Fails: descriptor::an_interrupted_call_is_tried_again
//! Section: ipc/exercise.md#a-descriptor-travels-with-a-byte

use crate::framing::{recv_frame, send_frame};
use crate::worker::LIMIT;
use os::socket::{recv_with_descriptor, send_with_descriptor};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    loop {
        let mut first = [0];
        if socket.read(&mut first)? == 0 {
            break;
        }
        let Some(request) = recv_frame(&mut (&first[..]).chain(&mut *socket), LIMIT)? else {
            break;
        };
        let file = File::from(recv_descriptor(socket)?);
        send_frame(socket, &answer(&request, file))?;
    }
    Ok(())
}
