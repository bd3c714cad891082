//! M2 in Rust: hand 1 MiB to another process, by each channel there is.

use super::{Round, micros, report};
use crate::sys::{self, Child, Region, fork, pin};
use serde_json::json;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::net::UnixStream;

const SIZE: usize = 1 << 20;

/// Hands a payload over. Both ends are in one value, since it is made before the fork.
trait Channel {
    fn send(&mut self, data: &[u8]) -> io::Result<()>;
    fn receive(&mut self, data: &mut [u8]) -> io::Result<()>;
}

struct Pipe(PipeReader, PipeWriter);

impl Channel for Pipe {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.1.write_all(data)
    }

    fn receive(&mut self, data: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(data)
    }
}

struct Socket(UnixStream, UnixStream);

impl Channel for Socket {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.write_all(data)
    }

    fn receive(&mut self, data: &mut [u8]) -> io::Result<()> {
        self.1.read_exact(data)
    }
}

/// A shared mapping, and a pipe that says when it is filled.
struct Shared(Region, Pipe);

impl Channel for Shared {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.copy_in(data);
        self.1.send(b"!")
    }

    fn receive(&mut self, data: &mut [u8]) -> io::Result<()> {
        self.1.receive(&mut [0])?;
        self.0.copy_out(data);
        Ok(())
    }
}

/// A process at the other end of a channel. It answers one byte as soon as it has the payload, then whether it is right.
struct Peer {
    channel: Box<dyn Channel>,
    answers: PipeReader,
    _child: Child,
}

impl Peer {
    fn new(mut channel: Box<dyn Channel>, payload: &[u8], cpus: &[usize]) -> io::Result<Self> {
        let (answers, mut answer) = io::pipe()?;
        let child = fork(|| -> io::Result<()> {
            pin(cpus, 1);
            let mut data = vec![0; SIZE];
            loop {
                channel.receive(&mut data)?;
                answer.write_all(b"!")?;
                let intact = data == payload;
                data.fill(0);
                answer.write_all(&[u8::from(intact)])?;
            }
        })?;
        Ok(Self {
            channel,
            answers,
            _child: child,
        })
    }

    /// How long one hand-over takes, and whether the payload arrived as it was.
    fn hand_over(&mut self, payload: &[u8]) -> io::Result<(f64, bool)> {
        let mut byte = [0];
        let time = micros(|| {
            self.channel.send(payload)?;
            self.answers.read_exact(&mut byte)
        })?;
        self.answers.read_exact(&mut byte)?;
        Ok((time, byte[0] == 1))
    }
}

/// How many bytes the parent sees changed after a child overwrote 1 MiB without any channel.
fn seen_without() -> io::Result<f64> {
    let mut data = vec![0_u8; SIZE];
    fork(|| {
        data.fill(1);
        Ok(())
    })?
    .result::<()>()?;
    Ok(data.iter().filter(|byte| **byte == 1).count() as f64)
}

/// Runs the experiment.
pub fn run(rounds: usize) -> io::Result<()> {
    let mut state = 1_u64; // any bytes will do, as long as no two pages are alike
    let payload: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(SIZE)
    .collect();

    let cpus = sys::cpus();
    let pipe = || io::pipe().map(|(reader, writer)| Pipe(reader, writer));
    let (here, there) = UnixStream::pair()?;
    let shared = Shared(Region::new(SIZE.div_ceil(sys::page_size()), true)?, pipe()?);
    let mut peers = [
        Peer::new(Box::new(pipe()?), &payload, &cpus)?,
        Peer::new(Box::new(Socket(here, there)), &payload, &cpus)?,
        Peer::new(Box::new(shared), &payload, &cpus)?,
    ];
    let order = [("pipe", 0), ("socket", 1), ("shared_memory", 2)];
    pin(&cpus, 0);
    let mut copy = vec![0; SIZE];
    report(rounds, 3, &json!({ "payload_bytes": SIZE }), |number| {
        let mut round = Round::from([("channels", Some(order.len() as f64))]);
        let mut delivered = 0.0;
        for at in 0..order.len() {
            let (name, peer) = order[(at + number) % order.len()];
            let (time, intact) = peers[peer].hand_over(&payload)?;
            delivered += f64::from(u8::from(intact));
            round.insert(name, Some(time));
        }
        round.insert("delivered", Some(delivered));
        round.insert("seen_without_channel", Some(seen_without()?));
        let mut copied = || {
            std::hint::black_box(&mut copy).copy_from_slice(std::hint::black_box(&payload));
            Ok(())
        };
        copied()?; // after the fork above, the first write to each page makes the kernel copy it
        round.insert("memcpy", Some(micros(copied)?));
        Ok(round)
    })
}
