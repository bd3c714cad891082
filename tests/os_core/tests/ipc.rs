//! Futexes, peers and descriptors over sockets, from safe code that tries to break them.
//!
//! `harness = false`: a fork needs a process with one thread.

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use os_core::memory::{Mapping, Ordering::SeqCst};
    use os_core::process::{Peer, PidFd, fork};
    use os_core::socket::{recv_with_descriptor, send_with_descriptor};
    use std::io::{ErrorKind, Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    pub fn main() {
        let tests: [(&str, fn()); 11] = [
            (
                "a_word_that_differs_is_not_slept_on",
                a_word_that_differs_is_not_slept_on,
            ),
            ("a_wake_up_crosses_processes", a_wake_up_crosses_processes),
            (
                "a_change_before_the_sleep_is_not_missed",
                a_change_before_the_sleep_is_not_missed,
            ),
            ("a_dead_peer_ends_a_sleep", a_dead_peer_ends_a_sleep),
            (
                "a_message_before_the_death_is_no_error",
                a_message_before_the_death_is_no_error,
            ),
            ("a_peer_is_not_its_number", a_peer_is_not_its_number),
            (
                "a_parent_that_died_is_no_peer",
                a_parent_that_died_is_no_peer,
            ),
            ("killing_the_dead_is_no_error", killing_the_dead_is_no_error),
            ("a_descriptor_arrives_once", a_descriptor_arrives_once),
            ("descriptors_need_a_byte", descriptors_need_a_byte),
            (
                "copies_keep_within_the_mapping",
                copies_keep_within_the_mapping,
            ),
        ];
        for (name, test) in tests {
            test();
            println!("test {name} ... ok");
        }
    }

    fn this() -> Peer {
        Peer::open(std::process::id()).expect("this process exists")
    }

    fn a_word_that_differs_is_not_slept_on() {
        let memory = Mapping::shared(1).unwrap();
        for (holds, expected) in [(1, 0), (u64::MAX, 0), (1 << 32, 0), (0, 1 << 32)] {
            memory.word(0).store(holds, SeqCst);
            memory.word(0).wait_while(expected, &this()).unwrap();
        }
        memory.word(0).wake_all(); // nobody sleeps
    }

    fn a_wake_up_crosses_processes() {
        let memory = Mapping::shared(3).unwrap();
        let parent = std::process::id();
        let child = fork(|| {
            let peer = Peer::parent(parent)?;
            while memory.word(2).load(SeqCst) == 0 {
                memory.word(2).wait_while(0, &peer)?;
            }
            Ok(memory.word(2).load(SeqCst))
        })
        .unwrap();
        memory.word(2).store(5, SeqCst);
        memory.word(2).wake_all();
        assert_eq!(child.wait().unwrap(), 5);
    }

    fn a_change_before_the_sleep_is_not_missed() {
        let memory = Mapping::shared(2).unwrap();
        let parent = std::process::id();
        // Ping and pong: a missed wake-up would stop them for ever, and the kernel's alarm would end the child.
        let child = fork(|| {
            let peer = Peer::parent(parent)?;
            for turn in 1..2000 {
                while memory.word(0).load(SeqCst) != turn {
                    memory.word(0).wait_while(turn - 1, &peer)?;
                }
                memory.word(1).store(turn, SeqCst);
                memory.word(1).wake_all();
            }
            Ok(())
        })
        .unwrap();
        let peer = Peer::open(child.pid()).unwrap();
        for turn in 1..2000 {
            memory.word(0).store(turn, SeqCst);
            memory.word(0).wake_all();
            while memory.word(1).load(SeqCst) != turn {
                memory.word(1).wait_while(turn - 1, &peer).unwrap();
            }
        }
        child.wait().unwrap();
    }

    fn a_dead_peer_ends_a_sleep() {
        let memory = Mapping::shared(1).unwrap();
        let (mut held, gate) = std::io::pipe().unwrap();
        let gate = os_core::process::ParentOnly::new(gate);
        let child = fork(|| held.read(&mut [0])).unwrap();
        let peer = Peer::open(child.pid()).unwrap();
        assert!(!peer.has_ended().unwrap());
        PidFd::open(child.pid()).unwrap().kill().unwrap();
        let slept = memory.word(0).wait_while(0, &peer).unwrap_err();
        assert_eq!(
            (slept.kind(), slept.to_string().as_str()),
            (ErrorKind::BrokenPipe, "the peer died")
        );
        assert!(peer.has_ended().unwrap());
        assert!(child.wait().is_err());
        drop(gate);
        assert!(peer.has_ended().unwrap(), "also when it was reaped");
    }

    fn a_message_before_the_death_is_no_error() {
        let memory = Mapping::shared(1).unwrap();
        let child = fork(|| {
            memory.word(0).store(1, SeqCst);
            Ok(())
        })
        .unwrap();
        let peer = Peer::open(child.pid()).unwrap();
        child.wait().unwrap();
        memory.word(0).wait_while(0, &peer).unwrap();
    }

    fn a_peer_is_not_its_number() {
        let child = fork(|| Ok(())).unwrap();
        let pid = child.pid();
        let peer = Peer::open(pid).unwrap();
        child.wait().unwrap();
        assert!(Peer::open(pid).is_err() || peer.has_ended().unwrap());
        assert!(Peer::open(u32::MAX).is_err());
        assert!(Peer::open(0).is_err());
    }

    fn a_parent_that_died_is_no_peer() {
        let parent = std::process::id();
        let child = fork(|| {
            let middle = std::process::id();
            let grandchild =
                fork(|| Ok((Peer::parent(middle).is_ok(), Peer::parent(parent).is_ok())))?;
            grandchild.wait()
        })
        .unwrap();
        assert_eq!(child.wait().unwrap(), (true, false));
    }

    fn killing_the_dead_is_no_error() {
        let child = fork(|| Ok(())).unwrap();
        let handle = PidFd::open(child.pid()).unwrap();
        assert!(
            handle
                .wait_timeout(std::time::Duration::from_secs(30))
                .unwrap()
        );
        handle.kill().unwrap();
        child.wait().unwrap();
    }

    fn open_descriptors() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    fn a_descriptor_arrives_once() {
        let before = open_descriptors();
        {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (mut reader, writer) = std::io::pipe().unwrap();
            assert_eq!(
                send_with_descriptor(&ours, b"abc", writer.as_fd()).unwrap(),
                3
            );
            drop(writer);
            let mut bytes = [0; 2];
            let (count, descriptor) = recv_with_descriptor(&theirs, &mut bytes).unwrap();
            assert_eq!((count, &bytes), (2, b"ab"));
            let mut file = std::fs::File::from(descriptor.unwrap());
            let (count, none) = recv_with_descriptor(&theirs, &mut bytes).unwrap();
            assert!(count == 1 && none.is_none());
            file.write_all(b"x").unwrap();
            drop(file);
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, "x");
            drop(ours);
            assert_eq!(recv_with_descriptor(&theirs, &mut bytes).unwrap().0, 0);
            // A descriptor that nobody takes is closed with the socket; one that a plain read passes by, at once.
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            send_with_descriptor(&theirs, b"z", theirs.as_fd()).unwrap();
            ours.read_exact(&mut [0]).unwrap();
        }
        assert_eq!(open_descriptors(), before);
    }

    fn descriptors_need_a_byte() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let error = send_with_descriptor(&ours, b"", ours.as_fd()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let (count, descriptor) = {
            (&ours).write_all(b"y").unwrap();
            recv_with_descriptor(&theirs, &mut []).unwrap()
        };
        assert!(count == 0 && descriptor.is_none());
        drop(theirs);
        assert_eq!(
            send_with_descriptor(&ours, b"x", ours.as_fd())
                .unwrap_err()
                .kind(),
            ErrorKind::BrokenPipe
        );
    }

    fn copies_keep_within_the_mapping() {
        let memory = Mapping::shared(4).unwrap();
        memory.write_bytes(1, &[1; 24]);
        memory.write_bytes(4, &[]);
        let panics =
            |body: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err();
        std::panic::set_hook(Box::new(|_| ()));
        assert!(panics(&|| memory.write_bytes(1, &[1; 25])));
        assert!(panics(&|| memory.write_bytes(5, &[])));
        assert!(panics(&|| memory.write_bytes(usize::MAX, &[1])));
        assert!(panics(&|| memory.write_bytes(usize::MAX / 8 + 1, &[1])));
        assert!(panics(&|| memory.read_bytes(2, &mut [0; 17])));
        assert!(panics(
            &|| memory.read_bytes(usize::MAX / 8 + 2, &mut [0; 1])
        ));
        let _ = std::panic::take_hook();
        let mut bytes = [9; 11];
        memory.read_bytes(2, &mut bytes);
        assert_eq!(bytes, [1; 11]);
        assert_eq!(memory.word(0).load(SeqCst), 0);
    }
}
