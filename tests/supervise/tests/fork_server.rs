//! A fork server's forks are like programs that were started: this process's own children, fresh, and told truly.
//!
//! This binary is the supervisor, with the tests, and the program that is forked.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: a fork server needs Linux"); // nothing uses it elsewhere
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use libtest_mimic::{Arguments, Trial};
    use std::{
        fs,
        io::{self, BufRead, BufReader, Write},
        os::{fd::AsFd, unix::net::UnixStream},
        process::{Command, ExitCode, Stdio},
        sync::atomic::{AtomicU32, Ordering::Relaxed},
        time::Duration,
    };
    use supervise::{
        End, Keep, Limits, Options, Outcome, Patience, Running, fork_server,
        fork_server::ForkServer,
    };

    const LONG: Duration = Duration::from_secs(60);
    static CALLS: AtomicU32 = AtomicU32::new(0);

    /// With this variable the binary is a supervisor to be killed.
    const SUPERVISES: &str = "TEST_SUPERVISES";

    pub fn main() {
        if let Some(socket) = fork_server::requested() {
            run(socket);
            return;
        }
        if std::env::var_os(SUPERVISES).is_some() {
            supervise_until_killed();
        }
        let tests: [(&str, fn()); 11] = [
            (
                "a_fork_is_a_child_of_the_supervisor",
                a_fork_is_a_child_of_the_supervisor,
            ),
            ("each_fork_begins_anew", each_fork_begins_anew),
            (
                "what_a_fork_prints_is_its_own",
                what_a_fork_prints_is_its_own,
            ),
            (
                "how_a_fork_ended_is_told_truly",
                how_a_fork_ended_is_told_truly,
            ),
            (
                "a_contained_fork_is_no_child_and_its_keeper_may_die",
                a_contained_fork_is_no_child_and_its_keeper_may_die,
            ),
            (
                "a_keeper_ends_what_left_the_group",
                a_keeper_ends_what_left_the_group,
            ),
            (
                "what_a_fork_left_behind_is_killed_and_reaped",
                what_a_fork_left_behind_is_killed_and_reaped,
            ),
            (
                "what_a_fork_left_ends_with_a_supervisor_that_is_killed",
                what_a_fork_left_ends_with_a_supervisor_that_is_killed,
            ),
            (
                "a_fork_holds_nothing_but_its_own_descriptors",
                a_fork_holds_nothing_but_its_own_descriptors,
            ),
            ("a_lost_server_is_an_error", a_lost_server_is_an_error),
            (
                "a_program_that_serves_no_forks_is_an_error",
                a_program_that_serves_no_forks_is_an_error,
            ),
        ];
        let tests = tests.map(|(name, test)| {
            Trial::test(name, move || {
                test();
                Ok(())
            })
        });
        let code: ExitCode = libtest_mimic::run(&Arguments::from_args(), tests.into()).exit_code();
        std::process::exit(if code == ExitCode::SUCCESS { 0 } else { 101 });
    }

    /// One fork: does what it is asked, line by line.
    fn run(socket: UnixStream) {
        let lines = BufReader::new(socket.try_clone().expect("a second handle")).lines();
        let answer = |text: String| writeln!(&socket, "{text}").expect("the supervisor listens");
        for line in lines {
            match line.expect("a line").as_str() {
                "parent" => answer(std::os::unix::process::parent_id().to_string()),
                "group" => answer(
                    fs::read_to_string("/proc/self/stat")
                        .expect("its state")
                        .rsplit_once(") ")
                        .and_then(|(_, rest)| rest.split(' ').nth(2).map(str::to_owned))
                        .expect("a group"),
                ),
                "count" => answer((CALLS.fetch_add(1, Relaxed) + 1).to_string()),
                "descriptors" => {
                    let all = fs::read_dir("/proc/self/fd").expect("a list");
                    let links = all
                        .flatten()
                        .filter_map(|one| fs::read_link(one.path()).ok());
                    let links: Vec<_> = links.map(|one| one.display().to_string()).collect();
                    answer(links.join(" "));
                }
                "print" => {
                    print!("out {}", std::process::id());
                    io::stdout().flush().expect("a reader");
                    eprint!("err {}", std::process::id());
                }
                "abort" => std::process::abort(),
                "overflow" => println!("{}", deeper(0)),
                "segfault" => raise("SEGV"),
                "kill" => raise("KILL"),
                "leave" => {
                    // Its own child, whose child is an orphan at once.
                    let script = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
                    let output = Command::new("sh").args(["-c", script]).output();
                    let output = output.expect("sh starts").stdout;
                    answer(String::from_utf8_lossy(&output).trim().to_owned());
                }
                "daemons" => {
                    // In sessions of their own, each with a child.
                    let script = "for n in 1 2 3; do setsid sh -c 'echo $$; sleep 1000 </dev/null >/dev/null 2>&1; true' </dev/null 2>/dev/null & done";
                    let shell = Command::new("sh")
                        .args(["-c", script])
                        .stdout(Stdio::piped())
                        .spawn();
                    let mut lines =
                        BufReader::new(shell.expect("sh starts").stdout.expect("a pipe")).lines();
                    let ids: Vec<String> = (0..3)
                        .map(|_| lines.next().expect("a line").expect("an id"))
                        .collect();
                    answer(ids.join(" "));
                }
                exit => std::process::exit(exit.parse().expect("an exit code")),
            }
        }
    }

    #[expect(unconditional_recursion, reason = "that is its purpose")]
    fn deeper(n: u64) -> u64 {
        std::hint::black_box(deeper(n + 1)) + n
    }

    fn raise(signal: &str) {
        // Again and again: at the first SIGSEGV Rust's handler, which looks for overflown stacks, only steps aside.
        let script = format!("while kill -{signal} $PPID; do :; done");
        let _ = Command::new("sh").args(["-c", &script]).status();
        loop {
            std::thread::park();
        }
    }

    fn server() -> ForkServer {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.stderr(Stdio::inherit());
        ForkServer::start(&mut command).expect("this binary starts")
    }

    /// One whose runs are not this process's children.
    fn contained() -> ForkServer {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.stderr(Stdio::inherit());
        ForkServer::start_contained(&mut command).expect("this binary starts")
    }

    struct Fork {
        socket: BufReader<UnixStream>,
        running: Running,
    }

    impl Fork {
        fn of(server: &mut ForkServer) -> Self {
            let (ours, theirs) = UnixStream::pair().expect("a socket pair");
            ours.set_read_timeout(Some(LONG)).expect("a timeout");
            let options = Options {
                patience: Patience::wall_clock(LONG),
                stdout: Keep::First(1 << 16),
                stderr: Keep::First(1 << 16),
                flood: None,
                limits: Limits::default(),
                sweep: false,
            };
            let running = server.spawn(theirs.as_fd(), &options).expect("a fork");
            Self {
                socket: BufReader::new(ours),
                running,
            }
        }

        fn tell(&mut self, what: &str) {
            writeln!(self.socket.get_mut(), "{what}").expect("the fork listens");
        }

        fn ask(&mut self, what: &str) -> String {
            self.tell(what);
            let mut answer = String::new();
            self.socket.read_line(&mut answer).expect("an answer");
            answer.trim().to_owned()
        }

        fn end(mut self) -> Outcome {
            assert!(self.running.wait_ended(LONG).expect("poll"), "it lives on");
            self.running.finish(None).expect("it is ours to reap")
        }
    }

    fn a_fork_is_a_child_of_the_supervisor() {
        let mut server = server();
        let mut fork = Fork::of(&mut server);
        assert_eq!(fork.ask("parent"), std::process::id().to_string());
        assert_eq!(fork.ask("group"), fork.running.id().to_string());
        fork.tell("0");
        assert_eq!(fork.end().end.code(), Some(0));
    }

    fn each_fork_begins_anew() {
        let mut server = server();
        let mut forks: Vec<Fork> = (0..5).map(|_| Fork::of(&mut server)).collect();
        let mut ids: Vec<u32> = forks.iter().map(|fork| fork.running.id()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 5);
        for fork in &mut forks {
            assert_eq!([fork.ask("count"), fork.ask("count")], ["1", "2"]);
        }
    }

    fn what_a_fork_prints_is_its_own() {
        let mut server = server();
        let mut forks: Vec<Fork> = (0..5).map(|_| Fork::of(&mut server)).collect();
        for fork in &mut forks {
            fork.tell("print");
            fork.tell("0");
        }
        for fork in forks {
            let id = fork.running.id();
            let outcome = fork.end();
            assert_eq!(outcome.stdout.text(), format!("out {id}"));
            assert_eq!(outcome.stderr.text(), format!("err {id}"));
        }
    }

    fn how_a_fork_ended_is_told_truly() {
        ends_are_told_truly(server());
        ends_are_told_truly(contained());
    }

    fn a_contained_fork_is_no_child_and_its_keeper_may_die() {
        let mut server = contained();
        let mut fork = Fork::of(&mut server);
        let keeper = fork.ask("parent");
        assert_ne!(keeper, std::process::id().to_string());
        assert_ne!(keeper, server.id().to_string());
        assert_eq!(fork.ask("group"), fork.running.id().to_string());
        // What the fork started goes with its group, as anywhere.
        let left: u32 = fork.ask("leave").parse().expect("a process id");
        fork.tell("0");
        assert_eq!(fork.end().end.code(), Some(0));
        wait_for_end_of(left);
        wait_for_end_of(keeper.parse().expect("a process id"));

        // A program that kills its keeper ends as it ends; nobody waits for a word that never comes.
        let mut orphan = Fork::of(&mut server);
        let keeper = orphan.ask("parent");
        Command::new("kill")
            .args(["-KILL", &keeper])
            .status()
            .expect("kill starts");
        wait_for_end_of(keeper.parse().expect("a process id"));
        assert_eq!(orphan.ask("count"), "1");
        orphan.tell("7");
        assert_eq!(orphan.end().end.to_string(), "was killed by SIGKILL");
        // The server serves on.
        assert_eq!(Fork::of(&mut server).ask("count"), "1");
    }

    fn a_keeper_ends_what_left_the_group() {
        let mut server = contained();
        let mut first = Fork::of(&mut server);
        let mut second = Fork::of(&mut server);
        let daemons = |fork: &mut Fork| -> Vec<u32> {
            let ids = fork.ask("daemons");
            ids.split(' ')
                .map(|id| id.parse().expect("an id"))
                .collect()
        };
        let (of_first, of_second) = (daemons(&mut first), daemons(&mut second));
        first.tell("0");
        assert_eq!(first.end().end.code(), Some(0));
        of_first.into_iter().for_each(wait_for_end_of);
        // The other run has its own, as long as it lives.
        for id in &of_second {
            assert!(fs::exists(format!("/proc/{id}")).expect("/proc"), "{id}");
        }
        drop(second);
        of_second.into_iter().for_each(wait_for_end_of);
    }

    fn wait_for_end_of(id: u32) {
        let lives = || {
            fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
        };
        let begin = std::time::Instant::now();
        while lives() {
            assert!(begin.elapsed() < LONG, "{id} lives on");
            std::thread::yield_now();
        }
    }

    fn ends_are_told_truly(mut server: ForkServer) {
        for (what, end) in [
            ("0", "exited with code 0"),
            ("7", "exited with code 7"),
            ("abort", "was killed by SIGABRT"),
            ("overflow", "was killed by SIGABRT"),
            ("segfault", "was killed by SIGSEGV"),
            ("kill", "was killed by SIGKILL"),
        ] {
            let mut fork = Fork::of(&mut server);
            fork.tell(what);
            let outcome = fork.end();
            assert_eq!(
                outcome.end.to_string(),
                end,
                "{what}: {}",
                outcome.stderr.text()
            );
            let says_why = outcome.stderr.text().contains("overflowed its stack");
            assert_eq!(says_why, what == "overflow", "{}", outcome.stderr.text());
        }
        let fork = Fork::of(&mut server);
        let outcome = fork.running.finish(None).expect("it is ours to reap");
        assert_eq!(outcome.end, End::Halted);
    }

    fn what_a_fork_left_behind_is_killed_and_reaped() {
        let mut server = server();
        let mut fork = Fork::of(&mut server);
        let left: u32 = fork.ask("leave").parse().expect("a process id");
        assert!(fs::exists(format!("/proc/{left}")).expect("/proc"));
        fork.tell("0");
        assert_eq!(fork.end().end.code(), Some(0));
        // The signal is on its way; nobody else is left to end it.
        wait_for_end_of(left);
    }

    /// Says which processes depend on it, and waits to be killed.
    fn supervise_until_killed() -> ! {
        let mut server = server();
        let mut ended = Fork::of(&mut server);
        let left_by_ended = ended.ask("leave");
        ended.tell("0");
        assert!(ended.running.wait_ended(LONG).expect("poll"));
        let mut fork = Fork::of(&mut server);
        let left = fork.ask("leave");
        println!(
            "{} {left_by_ended} {left} {}",
            server.id(),
            fork.running.id()
        );
        loop {
            std::thread::park();
        }
    }

    fn what_a_fork_left_ends_with_a_supervisor_that_is_killed() {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux");
        let mut numbers = release.split('.').map(|number| number.parse().unwrap_or(0));
        if (numbers.next(), numbers.next()) < (Some(6), Some(9)) {
            println!("skipped: before Linux 6.9 no pidfd reaches a process group");
            return;
        }
        let mut supervisor = Command::new(std::env::current_exe().expect("this binary"))
            .env(SUPERVISES, "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary starts");
        let mut ids = String::new();
        BufReader::new(supervisor.stdout.take().expect("a pipe"))
            .read_line(&mut ids)
            .expect("a line");
        supervisor.kill().expect("it is our child");
        supervisor.wait().expect("it is our child");
        let ids: Vec<u32> = ids
            .split_whitespace()
            .map(|id| id.parse().expect("an id"))
            .collect();
        assert_eq!(ids.len(), 4);
        for id in ids {
            wait_for_end_of(id);
        }
    }

    fn a_fork_holds_nothing_but_its_own_descriptors() {
        let mut server = server();
        let mut first = Fork::of(&mut server);
        let second = Fork::of(&mut server).ask("descriptors");
        // One that held another's pipe would keep it open; one that held the server's socket could ask for forks.
        let strangers = first.ask("descriptors");
        let strangers = strangers.split(' ').filter(|link| link.contains(":["));
        let servers = fs::read_dir(format!("/proc/{}/fd", server.id())).expect("its descriptors");
        let servers = servers
            .flatten()
            .filter_map(|one| fs::read_link(one.path()).ok());
        let servers: Vec<_> = servers.map(|one| one.display().to_string()).collect();
        // What all of them have was open before this test, in whoever started it.
        let ours = |link: &str| !servers.contains(&link.to_owned()) || link.starts_with("socket:");
        for link in strangers.filter(|link| ours(link)) {
            assert!(!second.contains(link), "{link} is among {second}");
        }
        for socket in servers.iter().filter(|link| link.starts_with("socket:")) {
            assert!(
                !second.contains(socket.as_str()),
                "{socket} is among {second}"
            );
        }
    }

    fn a_lost_server_is_an_error() {
        let mut server = server();
        let mut fork = Fork::of(&mut server);
        let kill = |id: u32| {
            Command::new("kill")
                .args(["-KILL", &id.to_string()])
                .status()
        };
        kill(server.id()).expect("kill starts");
        let (_ours, theirs) = UnixStream::pair().expect("a socket pair");
        let lost = server.spawn(theirs.as_fd(), &Options::new(LONG));
        assert!(lost.is_err(), "nobody is there to fork");
        // Its forks go on.
        assert_eq!(fork.ask("parent"), std::process::id().to_string());
    }

    fn a_program_that_serves_no_forks_is_an_error() {
        let mut server = ForkServer::start(&mut Command::new("true")).expect("true starts");
        let (_ours, theirs) = UnixStream::pair().expect("a socket pair");
        assert!(server.spawn(theirs.as_fd(), &Options::new(LONG)).is_err());
        let missing = ForkServer::start(&mut Command::new("no-such-program"));
        assert_eq!(
            missing.expect_err("it is missing").kind(),
            io::ErrorKind::NotFound
        );
    }
}
