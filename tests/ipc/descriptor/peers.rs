//! The other side of the socket, and what came of talking to it.

use super::{Act, Badly, Called, Failing, Leaving, Served};
use crate::{Learner, checksum, kind, kind_and_number, pattern};
use checks::faults::Fault;
use checks::interrupts::Interrupts;
use checks::{SelfReported, faults, leftovers, observed, outside};
use os_core::socket::{recv_with_descriptor, send_with_descriptor};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A file without a name that holds this, read from its beginning.
pub fn file_with(text: &str) -> File {
    let name = format!("checks-{}-{:016x}", std::process::id(), fastrand::u64(..));
    let path = std::env::temp_dir().join(name);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .expect("a file can be made");
    std::fs::remove_file(&path).expect("its name can go");
    file.write_all(text.as_bytes()).expect("it can be written");
    file.seek(SeekFrom::Start(0)).expect("it can be read again");
    file
}

fn recv_frame(socket: &mut UnixStream) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    socket.read_exact(&mut header).ok()?;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(header)).ok()?];
    socket.read_exact(&mut body).ok()?;
    Some(body)
}

fn send_frame(socket: &mut UnixStream, body: &[u8]) {
    let header = u32::try_from(body.len())
        .expect("a short body")
        .to_be_bytes();
    let _ = socket.write_all(&[&header[..], body].concat());
}

/// The server's side, in the way that the exercise describes.
pub fn be_the_server(mut socket: UnixStream, fails: Option<Failing>) -> Vec<(Vec<u8>, String)> {
    let mut seen = Vec::new();
    while let Some(request) = recv_frame(&mut socket) {
        if matches!(fails, Some(Failing::NotEvenTheFile)) {
            break;
        }
        let mut byte = [0];
        let received = recv_with_descriptor(&socket, &mut byte);
        let text = match received {
            Ok((1, Some(descriptor))) if byte == [1] => {
                let mut text = String::new();
                let read = File::from(descriptor).take(20).read_to_string(&mut text);
                read.map_or_else(|error| error.to_string(), |_| text)
            }
            Ok((count, descriptor)) => {
                let with = if descriptor.is_some() { "a" } else { "no" };
                format!("{count} byte(s), {byte:?}, with {with} descriptor")
            }
            Err(error) => error.to_string(),
        };
        let answer: Vec<u8> = request.iter().rev().copied().collect();
        seen.push((request, text));
        match fails {
            None => send_frame(&mut socket, &answer),
            Some(Failing::NoAnswer | Failing::NotEvenTheFile) => break,
            Some(Failing::HalfAnAnswer) => {
                let _ = socket.write_all(&[0, 0, 0, 9, 1, 2, 3]);
                break;
            }
            Some(Failing::Announces(len)) => {
                let _ = socket.write_all(&len.to_be_bytes());
                break;
            }
        }
    }
    seen
}

pub fn called(
    learner: Learner,
    requests: &[(Vec<u8>, String)],
    fails: Option<Failing>,
    failing: &[Fault],
    skip: u64,
) -> Called {
    let ((results, seen, after), left) = leftovers::watch(|| {
        let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
        let server = std::thread::spawn(move || be_the_server(theirs, fails));
        let mut after = String::new();
        let mut results = Vec::new();
        for (at, (request, text)) in requests.iter().enumerate() {
            let mut file = file_with(text);
            let moved = file.seek(SeekFrom::Start(skip));
            moved.expect("the position can be moved");
            if at == 0 {
                faults::plan(failing);
            }
            let answer = (learner.call)(&mut ours, request, file.as_fd());
            results.push(answer.map_err(|error| kind(&error)));
            after.clear();
            let _ = file.read_to_string(&mut after);
        }
        faults::reset();
        drop(ours);
        (results, server.join().expect("the server ends"), after)
    });
    Called {
        results,
        seen: observed(seen),
        after: observed(after),
        left,
    }
}

/// A request that is answered by no bytes.
pub const ASKS_FOR_NOTHING: &[u8] = b"nothing";

pub fn served(learner: Learner, acts: &[Act], failing: &[Fault]) -> Served {
    let acts = acts.to_vec();
    let ((result, seen, (answers, read_to)), left) = leftovers::watch(|| {
        let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
        let mut files = Vec::new();
        for n in 0..4 {
            files.push(file_with(&format!("file {n}")));
        }
        let client = std::thread::spawn(move || be_the_client(theirs, &acts, &files));
        // The client sends descriptors with the same functions: only what the learner's code receives is counted.
        faults::plan(failing);
        let mut seen = Vec::new();
        let result = (learner.serve)(&mut ours, &mut |request, mut file| {
            let mut text = String::new();
            let read = file.read_to_string(&mut text);
            seen.push((
                request.to_vec(),
                read.map_or_else(|error| error.to_string(), |_| text.clone()),
            ));
            match request {
                ASKS_FOR_NOTHING => Vec::new(),
                _ => [request, b"=", text.as_bytes()].concat(),
            }
        });
        drop(ours);
        faults::reset();
        (
            result.map_err(|error| kind(&error)),
            seen,
            client.join().expect("the client ends"),
        )
    });
    Served {
        result,
        seen: observed(seen),
        answers: observed(answers),
        read_to: observed(read_to),
        left,
    }
}

/// The client's side: its answers, and where the files that it sent were read to.
fn be_the_client(mut socket: UnixStream, acts: &[Act], files: &[File]) -> (Vec<Vec<u8>>, Vec<u64>) {
    let mut answers = Vec::new();
    let mut next = 0;
    for act in acts {
        match act {
            Act::Frame(body) => send_frame(&mut socket, body),
            Act::Bytes(bytes) => {
                let _ = socket.write_all(bytes);
            }
            Act::Descriptors(byte, _) => {
                let _ = send_with_descriptor(&socket, &[*byte], files[next % files.len()].as_fd());
                next += 1;
            }
            Act::DescriptorAnd(bytes) => {
                let all = [&[1], &bytes[..]].concat();
                let _ = send_with_descriptor(&socket, &all, files[next % files.len()].as_fd());
                next += 1;
            }
            Act::Finish => {
                let _ = socket.shutdown(Shutdown::Write);
            }
            Act::Answer => answers.extend(recv_frame(&mut socket)),
        }
    }
    let sent = files.iter().take(next);
    let read_to = sent.map(|mut file| file.stream_position().unwrap_or(u64::MAX));
    (answers, read_to.collect())
}

pub fn served_and_left(
    learner: Learner,
    leaves: Leaving,
) -> (Result<(), String>, SelfReported<usize>) {
    let (mut ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    send_frame(&mut theirs, b"read it");
    let sent = send_with_descriptor(&theirs, &[1], file_with("text").as_fd());
    sent.expect("the socket has room");
    // What was sent stays there for the server to read when the client is gone.
    let client = match leaves {
        Leaving::BeforeTheAnswer => {
            drop(theirs);
            None
        }
        Leaving::InTheAnswer => Some(std::thread::spawn(move || {
            let _ = theirs.read_exact(&mut [0]);
        })),
    };
    let mut count = 0;
    let result = (learner.serve)(&mut ours, &mut |_, _| {
        count += 1;
        b"an answer".to_vec()
    });
    drop(ours);
    if let Some(client) = client {
        let _ = client.join();
    }
    (
        result.map_err(|error| kind_and_number(&error)),
        observed(count),
    )
}

/// A pair of sockets, of which the first gives up reading soon.
pub fn impatient() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let set = ours.set_read_timeout(Some(Duration::from_millis(20)));
    set.expect("a socket has deadlines");
    (ours, theirs)
}

/// A pair of sockets, of which the first gives up writing soon: it has room for one write, as short as you like.
fn almost_full() -> (UnixStream, UnixStream) {
    let (mut ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    let wait = |socket: &UnixStream, not: bool| socket.set_nonblocking(not).expect("it can be set");
    wait(&ours, true);
    while ours.write(b"x").is_ok() {}
    // The kernel counts what each write takes, and lets one begin as long as the sum is below its limit.
    let _ = theirs.read(&mut [0]);
    wait(&ours, false);
    let set = ours.set_write_timeout(Some(Duration::from_millis(20)));
    set.expect("a socket has deadlines");
    (ours, theirs)
}

pub fn served_half(learner: Learner) -> (Result<(), String>, SelfReported<usize>) {
    let (mut ours, mut theirs) = impatient();
    send_frame(&mut theirs, b"request");
    let mut count = 0;
    let result = (learner.serve)(&mut ours, &mut |_, _| {
        count += 1;
        vec![]
    });
    drop(theirs);
    (
        result.map_err(|error| kind_and_number(&error)),
        observed(count),
    )
}

pub fn called_badly(learner: Learner, badly: Badly) -> Result<(), String> {
    let (mut ours, mut theirs) = match badly {
        Badly::Silent => impatient(),
        Badly::Full => almost_full(),
        _ => UnixStream::pair().expect("a socket pair"),
    };
    let mut silent = None;
    let mut server = None;
    match badly {
        Badly::Gone => drop(theirs),
        Badly::Silent | Badly::Full => silent = Some(theirs),
        Badly::Resets => {
            server = Some(std::thread::spawn(move || {
                let _ = theirs.read_exact(&mut [0; 4]);
                // The caller has sent all, and waits for the answer.
                outside::wait_until_asleep(std::process::id());
            }));
        }
    }
    let result = (learner.call)(&mut ours, b"request", file_with("text").as_fd());
    drop((ours, silent));
    if let Some(server) = server {
        let _ = server.join();
    }
    result.map(drop).map_err(|error| kind_and_number(&error))
}

/// What the bytes of a long answer are made from.
pub const ANSWER: u64 = 77;

pub fn called_interrupted(learner: Learner, len: usize) -> Result<(usize, u32), String> {
    let interrupts = Interrupts::of_the_first_thread();
    let (mut ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    let request = pattern(1, len);
    let server = std::thread::spawn(move || {
        interrupts.send(3); // the socket is full
        let request = recv_frame(&mut theirs)?;
        recv_with_descriptor(&theirs, &mut [0]).ok()?.1?;
        interrupts.send(3); // it waits for the answer
        let answer = pattern(ANSWER, request.len());
        let header = u32::try_from(answer.len()).ok()?.to_be_bytes();
        for part in [
            &header[..2],
            &header[2..],
            &answer[..50_000],
            &answer[50_000..],
        ] {
            theirs.write_all(part).ok()?;
            interrupts.send(2); // it waits for the rest
        }
        Some(())
    });
    let (reader, _) = std::io::pipe().expect("a pipe"); // an open file of another kind
    let answer = (learner.call)(&mut ours, &request, reader.as_fd());
    drop(ours);
    let _ = server.join();
    answer
        .map(|answer| (answer.len(), checksum(&answer)))
        .map_err(|error| kind(&error))
}

pub fn served_interrupted(
    learner: Learner,
    len: usize,
) -> (Result<(), String>, SelfReported<bool>) {
    let interrupts = Interrupts::of_the_first_thread();
    let (mut ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    let client = std::thread::spawn(move || {
        interrupts.send(3); // it waits for a request
        for part in [&[0, 0][..], &[0, 3], b"a", b"sk"] {
            theirs.write_all(part).ok()?;
            interrupts.send(2); // it waits for the rest
        }
        send_with_descriptor(&theirs, &[1], file_with("text").as_fd()).ok()?;
        interrupts.send(3); // the socket is full
        let answer = recv_frame(&mut theirs)?;
        interrupts.send(3); // it waits for the next request
        Some(answer == pattern(ANSWER, len))
    });
    let result = (learner.serve)(&mut ours, &mut |_, _| pattern(ANSWER, len));
    drop(ours);
    let answer = client.join().is_ok_and(|answer| answer == Some(true));
    (result.map_err(|error| kind(&error)), observed(answer))
}

pub fn pipe_ends(learner: Learner) -> bool {
    let (mut ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let client = std::thread::spawn(move || {
        send_frame(&mut theirs, b"pipe");
        let _ = send_with_descriptor(&theirs, &[1], writer.as_fd());
        drop(writer);
        let answered = theirs.read_exact(&mut [0; 4]).is_ok();
        // The server is still writing its answer: whoever holds the writing end keeps this from ending.
        let mut poll = Vec::new();
        let ended = answered && supports_end(&mut reader, &mut poll);
        drop(theirs);
        ended
    });
    let _ = (learner.serve)(&mut ours, &mut |_, mut file| {
        let _ = file.write_all(b"x");
        vec![0; 4 << 20] // more than a socket holds
    });
    drop(ours);
    client.join().unwrap_or(false)
}

/// Whether the pipe has ended: reads all that is in it, without waiting for more.
fn supports_end(reader: &mut std::io::PipeReader, text: &mut Vec<u8>) -> bool {
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    // Opened again, it doesn't wait: nothing to read and nobody who writes is the end; nothing to read and somebody, an error.
    let mut again = match File::options()
        .read(true)
        .custom_flags_nonblocking()
        .open(path)
    {
        Ok(file) => file,
        Err(_) => return false,
    };
    again.read_to_end(text).is_ok()
}

trait NonBlocking {
    fn custom_flags_nonblocking(&mut self) -> &mut Self;
}

impl NonBlocking for std::fs::OpenOptions {
    fn custom_flags_nonblocking(&mut self) -> &mut Self {
        const O_NONBLOCK: i32 = 0o4000;
        std::os::unix::fs::OpenOptionsExt::custom_flags(self, O_NONBLOCK)
    }
}
