//! Who takes part: each starts a process of its own on the second processor, and does something so many times.

use crate::timed;
use iceoryx2::node::NodeBuilder;
use iceoryx2::port::{publisher::Publisher, subscriber::Subscriber};
use iceoryx2::service::ipc::Service;
use ipc::framing::{recv_frame, send_frame};
use ipc::ring::{DATA, HEAD, Ring, TAIL};
use ipc::{sleeping, worker::Worker};
use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, bytes_channel};
use os::memory::{Mapping, Ordering};
use os::process::{Child, ParentOnly, Peer, PidFd, fork};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::Duration;

/// Something that can be done so many times, and is over when this is dropped.
pub struct Contestant {
    run: Box<dyn FnMut(u64) -> io::Result<()>>,
    clock: Option<Box<dyn FnMut(u64) -> io::Result<Duration>>>,
    child: Option<Child<()>>,
}

impl Contestant {
    /// Does it so many times; returns how long that took.
    pub fn run(&mut self, count: u64) -> io::Result<Duration> {
        self.signal(libc::SIGCONT);
        let time = match &mut self.clock {
            Some(clock) => clock(count),
            None => timed(|| (self.run)(count)),
        };
        // Some of them spin: they would take the processor from whoever has the next turn.
        self.signal(libc::SIGSTOP);
        time
    }

    fn signal(&self, signal: libc::c_int) {
        if let Some(pid) = self
            .child
            .as_ref()
            .and_then(|child| i32::try_from(child.pid()).ok())
        {
            // SAFETY: kill takes plain numbers; the child was not waited for, so the number is its own.
            unsafe { libc::kill(pid, signal) };
        }
    }

    fn new(child: Child<()>, run: impl FnMut(u64) -> io::Result<()> + 'static) -> Self {
        Self {
            run: Box::new(run),
            clock: None,
            child: Some(child),
        }
    }

    /// One that takes its own time.
    pub fn with_clock(clock: impl FnMut(u64) -> io::Result<Duration> + 'static) -> Self {
        Self {
            run: Box::new(|_| Ok(())),
            clock: Some(Box::new(clock)),
            child: None,
        }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            let _ = PidFd::open(child.pid()).and_then(|child| child.kill());
            let _ = child.wait();
        }
    }
}

/// How many processors there are, asked before this process keeps to one.
pub fn cpus() -> usize {
    static CPUS: OnceLock<usize> = OnceLock::new();
    *CPUS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Keeps this process on one processor, if there are several.
pub fn pin(cpu: usize) {
    // SAFETY: a zeroed set is an empty one; the calls read and write only it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu % cpus(), &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// Forks a process on the second processor. It ends when this one does, by the kernel's alarm at the latest.
fn start(body: impl FnOnce() -> io::Result<()>) -> io::Result<Child<()>> {
    fork(|| {
        pin(1);
        // SAFETY: alarm takes a number. A run is over long before.
        unsafe { libc::alarm(300) };
        body()
    })
}

fn other(error: impl std::fmt::Debug) -> io::Error {
    io::Error::other(format!("{error:?}"))
}

/// Words of a ring for short messages: 64 KiB, as much as a pipe holds. It stays in the processors' caches, as the few samples
/// of iceoryx2 do.
const ROOM: usize = 1 << 13;
/// Words of a ring for messages of 1 MiB: both sides are busy at once only if it holds several.
const LARGE_ROOM: usize = 1 << 19;

/// Two rings: there and back.
pub fn ring(size: usize) -> io::Result<Contestant> {
    let (there, back) = (Mapping::shared(DATA + ROOM)?, Mapping::shared(DATA + ROOM)?);
    let this = std::process::id();
    let child = start(|| {
        let peer = Peer::parent(this)?;
        loop {
            let message = sleeping::recv(Ring::new(&there), &peer)?;
            sleeping::send(Ring::new(&back), &message, &peer)?;
        }
    })?;
    let peer = Peer::open(child.pid())?;
    let message = vec![7; size];
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            sleeping::send(Ring::new(&there), &message, &peer)?;
            let answer = sleeping::recv(Ring::new(&back), &peer)?;
            assert_eq!(answer.len(), size);
        }
        Ok(())
    }))
}

/// One ring, one way; after the last message an answer.
pub fn ring_stream(size: usize) -> io::Result<Contestant> {
    let (there, back) = (
        Mapping::shared(DATA + LARGE_ROOM)?,
        Mapping::shared(DATA + 16)?,
    );
    let this = std::process::id();
    let child = start(|| {
        let peer = Peer::parent(this)?;
        loop {
            if sleeping::recv(Ring::new(&there), &peer)?.is_empty() {
                sleeping::send(Ring::new(&back), b"all", &peer)?;
            }
        }
    })?;
    let peer = Peer::open(child.pid())?;
    let message = vec![7; size];
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            sleeping::send(Ring::new(&there), &message, &peer)?;
        }
        sleeping::send(Ring::new(&there), &[], &peer)?;
        sleeping::recv(Ring::new(&back), &peer).map(|_| ())
    }))
}

/// A word that says whose turn it is: nothing between two processes is faster.
pub fn cache_line() -> io::Result<Contestant> {
    let memory = Mapping::shared(1)?;
    let wait = |memory: &Mapping, turn: u64| {
        while memory.word(0).load(Ordering::Acquire) != turn {
            std::hint::spin_loop();
        }
    };
    let child = start(|| {
        for turn in 0.. {
            wait(&memory, 2 * turn + 1);
            memory.word(0).store(2 * turn + 2, Ordering::Release);
        }
        Ok(())
    })?;
    let mut turn = 0;
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            memory.word(0).store(2 * turn + 1, Ordering::Release);
            turn += 1;
            wait(&memory, 2 * turn);
        }
        Ok(())
    }))
}

/// A part of what the ring does, to see what the whole of it costs: the counters of two rings, and the words of a message if it
/// has any. Nothing is checked, allocated, or waited for asleep, and nobody asks whether there is room.
pub fn parts(words: usize) -> io::Result<Contestant> {
    const PLACES: u64 = ROOM as u64 / 64;
    let rings = [Mapping::shared(DATA + ROOM)?, Mapping::shared(DATA + ROOM)?];
    let place = move |number: u64| DATA + (number % PLACES) as usize * words;
    let send = move |ring: &Mapping, bytes: &[u8]| {
        let tail = ring.word(TAIL).load(Ordering::Relaxed);
        ring.write_bytes(place(tail), bytes);
        ring.word(TAIL).store(tail + 1, Ordering::Release);
    };
    let recv = move |ring: &Mapping, bytes: &mut [u8]| {
        let head = ring.word(HEAD).load(Ordering::Relaxed);
        while ring.word(TAIL).load(Ordering::Acquire) == head {
            std::hint::spin_loop();
        }
        ring.read_bytes(place(head), bytes);
        ring.word(HEAD).store(head + 1, Ordering::Release);
    };
    let mut bytes = vec![7; words * 8];
    let child = start(|| {
        let mut bytes = bytes.clone();
        loop {
            recv(&rings[0], &mut bytes);
            send(&rings[1], &bytes);
        }
    })?;
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            send(&rings[0], &bytes);
            recv(&rings[1], &mut bytes);
        }
        Ok(())
    }))
}

/// Two pipes without frames.
pub fn pipe(size: usize) -> io::Result<Contestant> {
    let (mut requests, ours) = io::pipe()?;
    let (mut answers, mut theirs) = io::pipe()?;
    let mut ours = ParentOnly::new(ours);
    let child = start(move || {
        let mut bytes = vec![0; size];
        while requests.read_exact(&mut bytes).is_ok() {
            theirs.write_all(&bytes)?;
        }
        Ok(())
    })?;
    let mut bytes = vec![7; size];
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            ours.write_all(&bytes)?;
            answers.read_exact(&mut bytes)?;
        }
        Ok(())
    }))
}

/// The worker of step 2.
pub fn worker(size: usize) -> io::Result<Contestant> {
    // It is forked from here, so this process is on the other processor while that happens.
    pin(1);
    let worker = Worker::start(<[u8]>::to_vec);
    pin(0);
    let mut worker = worker?;
    let request = vec![7; size];
    let child = start(|| Ok(()))?;
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            worker.call(&request)?;
        }
        Ok(())
    }))
}

/// Sends so many frames and an empty one.
fn send_frames(stream: &mut impl Write, body: &[u8], count: u64) -> io::Result<()> {
    for _ in 0..count {
        send_frame(stream, body)?;
    }
    send_frame(stream, &[])
}

/// Receives frames, and answers the empty ones. Whoever receives many small frames puts a buffer around the stream, which
/// `recv_frame` takes as well as the stream itself.
fn recv_frames(stream: impl Read, mut answers: impl Write) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    while let Some(body) = recv_frame(&mut stream, 1 << 26)? {
        if body.is_empty() {
            answers.write_all(&[1])?;
        }
    }
    Ok(())
}

/// Frames through a pipe, one way; after the last one an answer. With `buffered`, the sender has a buffer, too.
pub fn framed(size: usize, buffered: bool) -> io::Result<Contestant> {
    let (requests, ours) = io::pipe()?;
    let (mut answers, theirs) = io::pipe()?;
    let mut ours = ParentOnly::new(ours);
    let child = start(move || recv_frames(requests, theirs))?;
    let body = vec![7; size];
    Ok(Contestant::new(child, move |count| {
        match buffered {
            true => {
                let mut stream = BufWriter::with_capacity(1 << 16, &mut *ours);
                send_frames(&mut stream, &body, count)?;
                stream.flush()?;
            }
            false => send_frames(&mut *ours, &body, count)?,
        }
        answers.read_exact(&mut [0])
    }))
}

/// The same through a Unix socket.
pub fn framed_socket(size: usize) -> io::Result<Contestant> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut ours = ParentOnly::new(ours);
    let child = start(|| recv_frames(&theirs, &theirs))?;
    drop(theirs);
    let body = vec![7; size];
    Ok(Contestant::new(child, move |count| {
        send_frames(&mut *ours, &body, count)?;
        ours.read_exact(&mut [0])
    }))
}

/// A Unix socket without frames, one way; after the last message an answer.
pub fn socket(size: usize) -> io::Result<Contestant> {
    let (ours, mut theirs) = UnixStream::pair()?;
    let mut ours = ParentOnly::new(ours);
    let child = start(|| {
        let mut bytes = vec![0; size];
        while theirs.read_exact(&mut bytes).is_ok() {
            if bytes[0] == 1 {
                theirs.write_all(&[1])?;
            }
        }
        Ok(())
    })?;
    drop(theirs);
    let mut bytes = vec![7; size];
    Ok(Contestant::new(child, move |count| {
        for left in (0..count).rev() {
            bytes[0] = u8::from(left == 0);
            ours.write_all(&bytes)?;
        }
        ours.read_exact(&mut [0])
    }))
}

/// ipc-channel's channels of bytes: there and back.
pub fn ipc_channel(size: usize) -> io::Result<Contestant> {
    let (ours, theirs): (IpcBytesSender, IpcBytesReceiver) = bytes_channel().map_err(other)?;
    let (back, answers) = bytes_channel().map_err(other)?;
    let child = start(|| {
        loop {
            let bytes = theirs.recv().map_err(other)?;
            back.send(&bytes).map_err(other)?;
        }
    })?;
    let bytes = vec![7; size];
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            ours.send(&bytes).map_err(other)?;
            answers.recv().map_err(other)?;
        }
        Ok(())
    }))
}

type Ends = (Publisher<Service, [u8], ()>, Subscriber<Service, [u8], ()>);

/// iceoryx2's services, asked again and again whether there is something.
fn ends(send: &str, receive: &str, size: usize) -> io::Result<Ends> {
    let node = NodeBuilder::new().create::<Service>().map_err(other)?;
    let service = |name: &str| {
        node.service_builder(&name.try_into().map_err(other)?)
            .publish_subscribe::<[u8]>()
            .open_or_create()
            .map_err(other)
    };
    let publisher = service(send)?
        .publisher_builder()
        .initial_max_slice_len(size)
        .create()
        .map_err(other)?;
    let subscriber = service(receive)?
        .subscriber_builder()
        .create()
        .map_err(other)?;
    std::mem::forget(node); // the ports live as long as the process
    Ok((publisher, subscriber))
}

fn publish((publisher, _): &Ends, bytes: &[u8]) -> io::Result<()> {
    let sample = publisher.loan_slice_uninit(bytes.len()).map_err(other)?;
    sample.write_from_slice(bytes).send().map_err(other)?;
    Ok(())
}

fn poll((_, subscriber): &Ends, size: usize) -> io::Result<()> {
    loop {
        if let Some(sample) = subscriber.receive().map_err(other)? {
            assert_eq!(sample.payload().len(), size);
            return Ok(());
        }
        std::hint::spin_loop();
    }
}

pub fn iceoryx(size: usize) -> io::Result<Contestant> {
    let names = ["there", "back"].map(|way| format!("ipc-peers-{}-{way}", std::process::id()));
    let ready = Mapping::shared(1)?;
    let bytes = vec![7; size];
    let child = start(|| {
        let ends = ends(&names[1], &names[0], size)?;
        ready.word(0).store(1, Ordering::Release);
        loop {
            poll(&ends, size)?;
            publish(&ends, &bytes)?;
        }
    })?;
    let ends = ends(&names[0], &names[1], size)?;
    let peer = Peer::open(child.pid())?;
    while ready.word(0).load(Ordering::Acquire) == 0 {
        if peer.has_ended()? {
            return Err(child.wait().err().unwrap_or_else(|| peer.died()));
        }
        std::thread::yield_now();
    }
    Ok(Contestant::new(child, move |count| {
        for _ in 0..count {
            publish(&ends, &bytes)?;
            poll(&ends, size)?;
        }
        Ok(())
    }))
}
