//! A forked sibling is a child of its parent's parent, and outlives a program whose family is killed.
//!
//! This binary is also the program that forks: that takes a process with one thread, so there is no test harness.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: a fork of a sibling needs Linux"); // nothing uses it elsewhere
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use libtest_mimic::{Arguments, Trial};
    use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, getppid, waitpid};
    use std::{
        env,
        io::{self, Read, stdin},
        os::unix::process::CommandExt,
        process::{Command, ExitCode, Stdio, exit},
        sync::{Mutex, PoisonError},
        thread,
        time::Duration,
    };
    use supervise::{MARK, Options, Outcome, Running, fork_sibling};

    const LONG: Duration = Duration::from_secs(120);

    /// With this variable the binary is the program that forks.
    const FORKS: &str = "TEST_FORKS";

    /// What the sibling exits with.
    const CODE: i32 = 7;

    /// Every sibling becomes a child of this process, which looks at all of its children.
    static ALONE: Mutex<()> = Mutex::new(());

    pub fn main() -> ExitCode {
        if env::var_os(FORKS).is_some() {
            fork();
        }
        let tests: [(&str, fn()); 3] = [
            (
                "a_sibling_is_a_child_of_the_same_parent",
                a_sibling_is_a_child_of_the_same_parent,
            ),
            (
                "a_sibling_outlives_the_program_and_its_family",
                a_sibling_outlives_the_program_and_its_family,
            ),
            (
                "a_process_with_two_threads_is_not_forked",
                a_process_with_two_threads_is_not_forked,
            ),
        ];
        let trials = tests.map(|(name, test)| {
            Trial::test(name, move || {
                let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
                test();
                Ok(())
            })
        });
        libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
    }

    fn id(pid: Option<Pid>) -> i32 {
        Pid::as_raw(pid)
    }

    /// The program: starts a child, forks a sibling, and ends when that has told its ids.
    #[expect(
        clippy::zombie_processes,
        reason = "whoever runs this program ends the child"
    )]
    fn fork() -> ! {
        if env::var_os(MARK).is_some() {
            // A run kills everything that carries its mark, so whoever forks a sibling to stay takes the mark off first.
            let error = Command::new("/proc/self/exe").env_remove(MARK).exec();
            panic!("this program can't be started again: {error}");
        }
        let mut child = Command::new("sleep");
        let child = child.arg("1000").stdin(Stdio::null());
        let child = child.spawn().expect("sleep starts");
        println!("child {}", child.id());

        let (mut told, tells) = io::pipe().expect("a pipe");
        match fork_sibling().expect("one thread, and a /proc") {
            Some(sibling) => {
                drop(tells);
                let _ = told.read(&mut [0]); // EOF: the sibling has let go of it
                println!(
                    "program {} {} {}",
                    id(Some(getpid())),
                    id(getppid()),
                    id(Some(sibling))
                );
                exit(0)
            }
            None => {
                // It may do what any program may: start a thread, for one.
                let ids = thread::spawn(|| format!("{} {}", id(Some(getpid())), id(getppid())));
                println!("sibling {}", ids.join().expect("no panic"));
                drop(tells);
                let _ = stdin().read(&mut [0]); // EOF: the test lets go
                exit(CODE)
            }
        }
    }

    /// A run of the program, whose sibling waits for the end of its input.
    struct Run {
        outcome: Outcome,
        input: io::PipeWriter,
    }

    impl Run {
        fn new() -> Self {
            let (reader, input) = io::pipe().expect("a pipe");
            let mut command = Command::new(env::current_exe().expect("this binary"));
            command.env(FORKS, "").stdin(reader);
            let options = Options::new(LONG);
            let mut running = Running::spawn(&mut command, &options).expect("it starts");
            drop(command); // and with it this process's copy of the reader
            while !running.has_ended() {
                running.pump(None, LONG).expect("poll");
            }
            // The sibling still has the program's output open, which delays this by no more than `DRAIN`.
            let outcome = running.finish(None).expect("it is reaped here");
            assert!(outcome.end.code() == Some(0), "{outcome:?}");
            Self { outcome, input }
        }

        /// The numbers on the line that begins with this word.
        fn line(&self, word: &str) -> Vec<i32> {
            let text = self.outcome.stdout.text();
            let line = text.lines().find_map(|line| line.strip_prefix(word));
            let line = line.unwrap_or_else(|| panic!("no line {word} in {text:?}"));
            let number = |word: &str| word.parse().expect("a number");
            line.split_whitespace().map(number).collect()
        }

        fn sibling(&self) -> Option<Pid> {
            Pid::from_raw(self.line("sibling")[0])
        }

        /// Lets the sibling end, and waits for it as only its parent can.
        fn end(self) -> WaitStatus {
            let sibling = self.sibling();
            drop(self.input);
            let ended = waitpid(sibling, WaitOptions::empty()).expect("it is this process's child");
            ended.expect("it has ended").1
        }
    }

    fn a_sibling_is_a_child_of_the_same_parent() {
        let run = Run::new();
        let this = id(Some(getpid()));
        let [program, its_parent, forked] = run.line("program")[..] else {
            panic!("{:?}", run.outcome)
        };
        let [sibling, parent] = run.line("sibling")[..] else {
            panic!("{:?}", run.outcome)
        };
        assert_eq!((its_parent, parent), (this, this), "the parents of both");
        assert_eq!(sibling, forked, "the id that the program was told");
        assert_ne!(sibling, program);
        assert_eq!(run.end().exit_status(), Some(CODE));
    }

    fn a_sibling_outlives_the_program_and_its_family() {
        let run = Run::new();
        let left: Vec<_> = run.outcome.left.iter().map(|left| left.pid).collect();
        let child = run.line("child")[0].unsigned_abs();
        assert_eq!(left, [child], "what was killed with the program");
        let ended = waitpid(run.sibling(), WaitOptions::NOHANG);
        assert!(
            ended.expect("it is this process's child").is_none(),
            "it lives"
        );
        assert_eq!(run.end().exit_status(), Some(CODE), "it ended by itself");
    }

    fn a_process_with_two_threads_is_not_forked() {
        let (ours, theirs) = io::pipe().expect("a pipe");
        let other = thread::spawn(move || (&ours).read(&mut [0]));
        let forked = fork_sibling();
        if let Ok(None) = forked {
            exit(1); // the new process must not go on with the tests
        }
        drop(theirs);
        let _ = other.join();
        let error = forked.expect_err("a fork would have one of two threads");
        assert!(error.to_string().contains("one thread"), "{error}");
        let children = waitpid(None, WaitOptions::NOHANG);
        assert!(children.is_err(), "a child was made all the same");
    }
}
