//! Two-way channels between a process and the one it forks, for the experiments that compare them.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// One end of a channel. Both sides know the size of the next message.
pub trait End {
    /// Sends a message.
    ///
    /// # Errors
    /// The system's.
    fn send(&mut self, data: &[u8]) -> io::Result<()>;

    /// Receives a message of exactly the length of `data`.
    ///
    /// # Errors
    /// The system's, and the end of the channel.
    fn recv(&mut self, data: &mut [u8]) -> io::Result<()>;
}

struct Stream<R, W>(R, W);

impl<R: Read, W: Write> End for Stream<R, W> {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.1.write_all(data)
    }

    fn recv(&mut self, data: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(data)
    }
}

/// The end of this process, and that of its child.
pub type Ends = (Box<dyn End>, Box<dyn End>);

/// Makes two pipes, one for each direction.
///
/// # Errors
/// The system's.
pub fn pipes() -> io::Result<Ends> {
    let ((a, b), (c, d)) = (io::pipe()?, io::pipe()?);
    Ok((Box::new(Stream(c, b)), Box::new(Stream(a, d))))
}

/// Makes a pair of Unix sockets.
///
/// # Errors
/// The system's.
pub fn sockets() -> io::Result<Ends> {
    let (here, there) = UnixStream::pair()?;
    let end = |one: UnixStream| io::Result::Ok(Box::new(Stream(one.try_clone()?, one)));
    Ok((end(here)?, end(there)?))
}

/// Shared memory.
#[cfg(target_os = "linux")]
pub mod memory {
    use super::{End, Ends};
    use crate::shared::{Slot, Wait};
    use std::io;
    use std::rc::Rc;

    struct Shared {
        out: Rc<Slot>,
        back: Rc<Slot>,
        wait: Wait,
    }

    impl End for Shared {
        fn send(&mut self, data: &[u8]) -> io::Result<()> {
            self.out.send(data, self.wait)
        }

        fn recv(&mut self, data: &mut [u8]) -> io::Result<()> {
            self.back.recv(data, self.wait)
        }
    }

    fn shared(room: usize, wait: Wait) -> io::Result<Ends> {
        let (there, back) = (Rc::new(Slot::new(room)?), Rc::new(Slot::new(room)?));
        let end = |out: &Rc<Slot>, back: &Rc<Slot>| {
            let (out, back) = (Rc::clone(out), Rc::clone(back));
            Box::new(Shared { out, back, wait })
        };
        Ok((end(&there, &back), end(&back, &there)))
    }

    /// Makes two channels: with both sides asleep until woken, and with both spinning.
    ///
    /// # Errors
    /// The system's.
    pub fn both(room: usize) -> io::Result<Vec<(&'static str, Ends)>> {
        Ok(vec![
            ("shared", shared(room, Wait::Asleep)?),
            ("spin", shared(room, Wait::Spinning)?),
        ])
    }
}

/// Shared memory.
#[cfg(not(target_os = "linux"))]
pub mod memory {
    use super::Ends;
    use std::io;

    /// Makes none: the futexes that the experiment sleeps on are Linux's.
    pub fn both(_room: usize) -> io::Result<Vec<(&'static str, Ends)>> {
        Ok(Vec::new())
    }
}
