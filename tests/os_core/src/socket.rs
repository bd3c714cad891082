//! Descriptors sent over Unix sockets (`SCM_RIGHTS`).

use crate::hook::{self, Event};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// Room for one control message with two descriptors: what `CMSG_SPACE` rounds one up to, so that a second one that a peer
/// slips in is seen, and closed.
const ROOM: usize = 64;

/// A buffer that is aligned for the header of a control message.
#[repr(C)]
union Control {
    bytes: [u8; ROOM],
    _align: libc::cmsghdr,
}

/// Sends `bytes`, and a copy of `descriptor` along with the first of them.
///
/// It is `sendmsg` with `SCM_RIGHTS`. As with [`write`](std::io::Write::write), fewer bytes may be sent than were given; the
/// number is returned. The descriptor goes with the first byte, so it is sent whenever anything is.
///
/// ```
/// # extern crate os_core as os;
/// use std::io::{Read, Write};
/// use std::os::fd::AsFd;
/// use std::os::unix::net::UnixStream;
/// # fn main() -> std::io::Result<()> {
/// let (ours, theirs) = UnixStream::pair()?;
/// let (mut reader, writer) = std::io::pipe()?;
/// os::socket::send_with_descriptor(&ours, b"x", writer.as_fd())?;
///
/// let mut byte = [0];
/// let (count, descriptor) = os::socket::recv_with_descriptor(&theirs, &mut byte)?;
/// assert_eq!((count, byte), (1, *b"x"));
/// let mut copy = std::fs::File::from(descriptor.expect("one came along"));
/// copy.write_all(b"hello")?;
/// drop((copy, writer));
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `InvalidInput` without a byte to go along with; the kernel's, `Interrupted` among them.
pub fn send_with_descriptor(
    socket: &UnixStream,
    bytes: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<usize> {
    if bytes.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a descriptor is sent along with a byte: there is none",
        ));
    }
    hook::around(
        |when| Event::SendDescriptor { when },
        || send(socket, bytes, descriptor.as_raw_fd()),
    )
}

fn send(socket: &UnixStream, bytes: &[u8], descriptor: RawFd) -> io::Result<usize> {
    let mut data = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let mut control = Control { bytes: [0; ROOM] };
    // SAFETY: zeroed, a message header is valid. Its pointers lead to `data` and `control`, which live until the call returns; the
    // control buffer is aligned and longer than one message with one descriptor, so the first header and its data lie inside it.
    // The kernel only reads `bytes`.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut data;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<RawFd>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header)
            .cast::<RawFd>()
            .write_unaligned(descriptor);
        libc::sendmsg(socket.as_raw_fd(), &raw const message, NO_SIGNAL)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

#[cfg(target_os = "linux")]
const NO_SIGNAL: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const NO_SIGNAL: libc::c_int = 0;

/// Receives some bytes, and the descriptor that came along with one of them, if one did.
///
/// It is `recvmsg`. As with [`read`](std::io::Read::read), fewer bytes may come than there is room for; 0 is the end of the stream.
/// Bytes that carry a descriptor must be received with this function: a plain read takes the byte, and the kernel closes the
/// descriptor. It is closed on exec. Should several come along with one byte, all but the first are closed.
///
/// # Errors
/// The kernel's, `Interrupted` among them.
pub fn recv_with_descriptor(
    socket: &UnixStream,
    bytes: &mut [u8],
) -> io::Result<(usize, Option<OwnedFd>)> {
    hook::around(
        |when| Event::RecvDescriptor { when },
        || recv(socket, bytes),
    )
}

fn recv(socket: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut data = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    let mut control = Control { bytes: [0; ROOM] };
    let mut first = None;
    // SAFETY: as in `send`; the kernel writes to `bytes` and `control`, within the lengths given. The headers that it leaves are
    // walked by the system's own macros. Every descriptor in them is new and nobody else's, so each is owned, exactly once.
    let count = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut data;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = ROOM as _;
        let count = libc::recvmsg(socket.as_raw_fd(), &raw mut message, CLOSE_ON_EXEC);
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while let Some(control) = header.as_ref() {
            if control.cmsg_level == libc::SOL_SOCKET && control.cmsg_type == libc::SCM_RIGHTS {
                // The type of the length differs between systems.
                #[allow(clippy::unnecessary_cast)]
                let length = (control.cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                let descriptors = libc::CMSG_DATA(header).cast::<RawFd>();
                for at in 0..length / size_of::<RawFd>() {
                    let owned = OwnedFd::from_raw_fd(descriptors.add(at).read_unaligned());
                    first.get_or_insert(owned); // the others are dropped, and closed
                }
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
        count
    };
    let count = usize::try_from(count).map_err(io::Error::other)?;
    #[cfg(not(target_os = "linux"))]
    if let Some(first) = &first {
        // SAFETY: fcntl takes plain numbers, and the descriptor is ours.
        unsafe { libc::fcntl(first.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok((count, first))
}

#[cfg(target_os = "linux")]
const CLOSE_ON_EXEC: libc::c_int = libc::MSG_CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSE_ON_EXEC: libc::c_int = 0;
