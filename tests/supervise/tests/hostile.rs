//! Programs that hang, flood, fork, hide and ignore signals: each is ended in time, told truly, and leaves nothing.

#[cfg(target_os = "linux")]
use std::path::Path;
use std::{
    ops::ControlFlow,
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use supervise::{End, Keep, Options, Outcome, Running, Stop, Stream};
#[cfg(target_os = "linux")]
use supervise::{Limits, Patience, TimeUp};

/// A deadline that no test of a program that ends may reach.
const LONG: Duration = Duration::from_secs(120);

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn run(script: &str, options: &Options) -> Outcome {
    run_until(script, options, &Stop::new())
}

fn run_until(script: &str, options: &Options, stop: &Stop) -> Outcome {
    let go_on = |_, _: &str| ControlFlow::Continue(());
    supervise::run(sh(script), options, stop, go_on).expect("sh starts")
}

/// Runs a program that prints a pid and then hangs, until its deadline: one long enough for it to have printed.
fn run_to_deadline(script: &str) -> Outcome {
    let mut deadline = Duration::from_millis(300);
    loop {
        let outcome = run(script, &Options::new(deadline));
        if !outcome.stdout.bytes.is_empty() {
            return outcome;
        }
        deadline *= 2;
    }
}

/// Whether the process exists and is more than a zombie.
fn lives(pid: &str) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output();
    let output = output.expect("ps starts").stdout;
    output.first().is_some_and(|state| *state != b'Z')
}

#[track_caller]
fn assert_gone(pid: &str) {
    assert!(!pid.trim().is_empty(), "no pid was printed");
    let until = Instant::now() + Duration::from_secs(60);
    while lives(pid.trim()) {
        assert!(Instant::now() < until, "process {pid} lives on");
        std::thread::yield_now();
    }
}

#[test]
fn the_status_and_both_outputs_come_back() {
    let outcome = run("echo out; echo err >&2; exit 3", &Options::new(LONG));
    assert_eq!(outcome.end.code(), Some(3), "{outcome:?}");
    assert_eq!(outcome.stdout.text(), "out\n");
    assert_eq!(outcome.stderr.text(), "err\n");
    assert_eq!(outcome.last_complaint().as_deref(), Some("err"));
    assert_eq!(outcome.left, []);
}

#[test]
fn a_signal_is_told_from_an_exit() {
    let outcome = run("kill -SEGV $$", &Options::new(LONG));
    assert_eq!(outcome.end.signal(), Some(11));
    assert_eq!(outcome.end.to_string(), "was killed by SIGSEGV");
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let go_on = |_, _: &str| ControlFlow::Continue(());
    let command = Command::new("/no/such/program");
    let error = supervise::run(command, &Options::new(LONG), &Stop::new(), go_on);
    assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_program_that_ends_between_two_looks_is_told_as_ended() {
    // Many short ones: whichever moment it ends in, it ended by itself and nothing of its output is lost.
    for _ in 0..50 {
        let outcome = run("echo whole; exit 7", &Options::new(LONG));
        assert_eq!(outcome.end.code(), Some(7));
        assert_eq!(outcome.stdout.text(), "whole\n");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_ends_just_before_the_wait_delays_nobody() {
    use std::os::fd::{AsFd, OwnedFd};
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let mut command = sh("exec >&- 2>&-; echo closed >&0; read -r line");
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    let mut running = Running::spawn(&mut command, &Options::new(LONG)).expect("sh starts");
    drop(command);
    while !running.pump(Some(ours.as_fd()), LONG).expect("poll") {}
    // Past the end of its output: from here on only its own end is awaited.
    let _ = running.pump(None, Duration::ZERO).expect("poll");
    assert!(!running.has_ended());
    drop(ours);
    while !running.group().has_ended() {
        std::thread::yield_now();
    }
    let begin = Instant::now();
    assert!(!running.pump(None, LONG).expect("poll"));
    assert!(begin.elapsed() < LONG, "the end was not noticed");
}

#[test]
fn the_deadline_ends_the_whole_group() {
    let outcome = run_to_deadline("sleep 1000 & echo $!; wait");
    assert!(matches!(outcome.end, End::TimeUp(_)), "{outcome:?}");
    assert_gone(&outcome.stdout.text());
}

#[test]
fn ignoring_signals_does_not_help() {
    let script = "trap '' TERM INT HUP QUIT; echo $$; while :; do sleep 1000; done";
    let outcome = run_to_deadline(script);
    assert!(matches!(outcome.end, End::TimeUp(_)), "{outcome:?}");
    assert_gone(&outcome.stdout.text());
}

#[test]
fn a_program_that_closed_its_output_still_has_its_deadline() {
    let started = Instant::now();
    let outcome = run_to_deadline("echo closing; exec >&- 2>&-; sleep 1000");
    assert!(matches!(outcome.end, End::TimeUp(_)), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_child_left_in_the_group_is_told_and_killed() {
    let outcome = run("sleep 1000 & echo $!", &Options::new(LONG));
    assert!(outcome.end.is_success(), "{outcome:?}");
    assert_gone(&outcome.stdout.text());
    if cfg!(target_os = "linux") {
        assert_eq!(outcome.left.len(), 1, "{outcome:?}");
        assert!(outcome.left[0].in_group);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_that_left_the_group_and_holds_the_pipe_delays_nobody() {
    // Without the sweep nobody ends it, so the reader must give up by itself.
    let mut options = Options::new(LONG);
    options.sweep = false;
    let outcome = run("setsid sleep 100 & echo $!; exit 4", &options);
    assert_eq!(outcome.end.code(), Some(4));
    assert!(outcome.taken < Duration::from_secs(50));
    let pid = outcome.stdout.text();
    let killed = Command::new("kill").args(["-9", pid.trim()]).status();
    assert!(killed.expect("kill starts").success());
    assert_gone(&pid);
}

#[test]
#[cfg(target_os = "linux")]
fn what_left_the_group_is_found_and_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let pid = dir.path().join("pid");
    // A double fork and a session of its own; the wait for the file makes sure that it got that far.
    let hide = format!(
        "(setsid sh -c 'echo $$ >{0}.new; mv {0}.new {0}; exec sleep 1000' &) ; until [ -s {0} ]; do sleep 0.01; done",
        pid.display()
    );
    let outcome = run(&hide, &Options::new(LONG));
    assert!(outcome.end.is_success());
    assert_eq!(outcome.left.len(), 1, "{outcome:?}");
    assert!(!outcome.left[0].in_group);
    assert_gone(&std::fs::read_to_string(pid).expect("a pid"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_without_the_mark_is_found_while_its_parent_lives() {
    let script = "env -i setsid sh -c 'echo $$; exec sleep 1000' & wait";
    let outcome = run_to_deadline(script);
    assert!(matches!(outcome.end, End::TimeUp(_)), "{outcome:?}");
    assert_gone(&outcome.stdout.text());
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_within_a_run_is_swept_by_both() {
    const NAME: &str = "a_run_within_a_run_is_swept_by_both";
    let outcome = run("echo marks:$SUPERVISED_BY", &Options::new(LONG));
    if std::env::var_os("SUPERVISE_TEST_INNER").is_some() {
        print!("{}", outcome.stdout.text());
        return;
    }
    let marks = |text: &str| {
        let (_, marks) = text.split_once("marks:").expect("the marks");
        marks
            .lines()
            .next()
            .map_or(0, |line| line.split(',').count())
    };
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--exact", NAME, "--nocapture"])
        .env("SUPERVISE_TEST_INNER", "1");
    let go_on = |_, _: &str| ControlFlow::Continue(());
    let inner = supervise::run(command, &Options::new(LONG), &Stop::new(), go_on);
    let inner = inner.expect("this test starts").stdout.text();
    assert_eq!(marks(&inner), marks(&outcome.stdout.text()) + 1, "{inner}");
}

#[test]
fn a_flood_is_ended_and_its_beginning_kept() {
    let mut options = Options::new(LONG);
    options.flood = Some(1 << 20);
    options.stdout = Keep::First(10);
    let outcome = run("echo begin; yes", &options);
    assert_eq!(outcome.end, End::Flooded(Stream::Stdout));
    assert_eq!(outcome.stdout.text(), "begin\ny\ny\n");
    assert!(outcome.stdout.is_cut());
}

#[test]
fn output_past_the_cap_is_dropped_and_does_not_block() {
    let mut options = Options::new(LONG);
    options.stdout = Keep::First(1024);
    options.stderr = Keep::Last(1024);
    let script = "yes | head -c 300000; yes | head -c 300000 >&2; echo end >&2";
    let outcome = run(script, &options);
    assert!(outcome.end.is_success());
    assert_eq!(outcome.stdout.bytes.len(), 1024);
    assert_eq!(outcome.stdout.total, 300_000);
    assert_eq!(outcome.stderr.bytes.len(), 1024);
    assert!(outcome.stderr.text().ends_with("y\nend\n"));
}

#[test]
fn lines_come_one_by_one_and_may_end_the_program() {
    let mut seen = Vec::new();
    let outcome = supervise::run(
        sh("echo one; echo two >&2; printf 'thr'; sleep 0.1; echo ee; echo four; sleep 1000"),
        &Options::new(LONG),
        &Stop::new(),
        |stream, line| {
            seen.push((stream, line.to_owned()));
            if line == "four" {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert_eq!(outcome.expect("sh starts").end, End::Halted);
    let of = |wanted: Stream| {
        let lines = seen.iter().filter(|(stream, _)| *stream == wanted);
        lines.map(|(_, line)| line.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(Stream::Stdout), ["one", "three", "four"]);
    assert_eq!(of(Stream::Stderr), ["two"]);
}

#[test]
fn a_last_line_without_its_end_is_a_line() {
    let mut seen = Vec::new();
    let outcome = supervise::run(
        sh("printf 'a\\nb'"),
        &Options::new(LONG),
        &Stop::new(),
        |_, line| {
            seen.push(line.to_owned());
            ControlFlow::Continue(())
        },
    );
    assert!(outcome.expect("sh starts").end.is_success());
    assert_eq!(seen, ["a", "b"]);
}

#[test]
fn a_stop_ends_a_program_at_once() {
    let stop = Stop::new();
    stop.request();
    let outcome = run_until("sleep 1000", &Options::new(LONG), &stop);
    assert_eq!(outcome.end, End::Stopped);
    assert!(outcome.taken < Duration::from_secs(60));
}

#[test]
#[cfg(target_os = "linux")]
fn who_waits_is_given_less_time_than_who_computes() {
    let mut options = Options::new(LONG);
    options.patience = Patience::new(Duration::from_millis(300), Duration::from_millis(1500));
    let waits = run("sleep 1000", &options);
    let End::TimeUp(TimeUp { after, waiting }) = waits.end else {
        panic!("{waits:?}");
    };
    assert!(waiting && after >= Duration::from_millis(300), "{waits:?}");

    let computes = run("while :; do :; done", &options);
    let End::TimeUp(TimeUp { after, .. }) = computes.end else {
        panic!("{computes:?}");
    };
    assert!(after >= Duration::from_millis(1500), "{computes:?}");

    // The first thread of the group's processes waits, and one of them computes: so the group does.
    let both = run("(while :; do :; done) & wait", &options);
    let End::TimeUp(TimeUp { after, .. }) = both.end else {
        panic!("{both:?}");
    };
    assert!(after >= Duration::from_millis(1500), "{both:?}");
}

/// A processor that others have nearly all the time.
#[test]
#[cfg(target_os = "linux")]
fn who_is_starved_of_the_processor_is_given_time() {
    let core = "core=$(taskset -cp $$ | sed 's/.*[-, ]//'); exec taskset -c \"$core\"";
    // They end by themselves, should the test be killed.
    let spin = format!("{core} timeout 30 sh -c 'while :; do :; done'");
    let busy: Vec<_> = (0..2)
        .map(|_| Running::spawn(&mut sh(&spin), &Options::new(LONG)).expect("sh starts"))
        .collect();
    let mut options = Options::new(LONG);
    options.patience = Patience::new(Duration::from_millis(200), Duration::from_millis(600));
    let starved = run(
        &format!("{core} nice -n 19 sh -c 'while :; do :; done'"),
        &options,
    );
    drop(busy);
    let End::TimeUp(TimeUp { after, waiting }) = starved.end else {
        panic!("{starved:?}");
    };
    // It never gets near half of its time, so it gets four times as long.
    assert!(
        !waiting && after >= Duration::from_millis(2400),
        "{starved:?}"
    );
}

#[test]
fn a_crash_leaves_no_core_dump_behind() {
    let outcome = run("ulimit -c; ulimit -H -c", &Options::new(LONG));
    assert_eq!(outcome.stdout.text(), "0\n0\n");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_and_files_are_limited_from_the_first_instruction_on() {
    let mut options = Options::new(LONG);
    options.limits = Limits {
        memory: Some(1 << 30),
        file_size: Some(1 << 20),
        ..options.limits
    };
    let outcome = run("ulimit -v; ulimit -f", &options);
    assert_eq!(outcome.stdout.text(), "1048576\n2048\n");
    // A limit that is in force already and lower is no error.
    let outcome = run("ulimit -v 65536; ulimit -v", &options);
    assert_eq!(outcome.stdout.text(), "65536\n");
}

#[test]
#[cfg(target_os = "linux")]
fn a_supervisor_that_is_killed_takes_its_program_along() {
    const NAME: &str = "a_supervisor_that_is_killed_takes_its_program_along";
    if let Some(file) = std::env::var_os("SUPERVISE_TEST_FILE") {
        let script = format!(
            "echo $$ >{0}.new; mv {0}.new {0}; exec sleep 1000",
            Path::new(&file).display()
        );
        run(&script, &Options::new(LONG));
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("pid");
    let mut supervisor = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", NAME])
        .env("SUPERVISE_TEST_FILE", &file)
        .stdout(Stdio::null())
        .spawn()
        .expect("this test starts");
    while !file.exists() {
        assert!(supervisor.try_wait().expect("our child").is_none());
        std::thread::yield_now();
    }
    supervisor.kill().expect("alive");
    supervisor.wait().expect("our child");
    assert_gone(&std::fs::read_to_string(&file).expect("a pid"));
}

#[test]
fn a_caller_can_talk_to_a_program_over_a_socket_while_it_prints() {
    use std::{
        io::{Read, Write},
        os::fd::{AsFd, OwnedFd},
    };
    let (mut ours, theirs) = UnixStream::pair().expect("a socket pair");
    let mut command = sh("yes | head -c 200000; read line <&0; echo \"got $line\" >&0");
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    let mut running = Running::spawn(&mut command, &Options::new(LONG)).expect("sh starts");
    drop(command); // else our copy of its end stays open
    ours.write_all(b"hello\n").expect("room");
    while !running.pump(Some(ours.as_fd()), LONG).expect("poll") {
        assert!(running.time_up().is_none() && running.floods().is_none());
    }
    let mut text = String::new();
    ours.read_to_string(&mut text).expect("the answer");
    assert_eq!(text, "got hello\n");
    assert!(running.wait_ended(LONG).expect("poll"));
    let outcome = running.finish(None).expect("ours to reap");
    assert!(outcome.end.is_success());
    assert_eq!(outcome.stdout.total, 200_000);
}

#[test]
fn a_program_that_is_dropped_is_killed() {
    let mut command = sh("sleep 1000 & echo $!; wait");
    let mut options = Options::new(LONG);
    options.sweep = false;
    let mut running = Running::spawn(&mut command, &options).expect("sh starts");
    let id = running.id().to_string();
    running.pump(None, LONG).expect("poll");
    drop(running);
    assert_gone(&id);
}

#[test]
fn an_answer_is_trimmed_and_a_failure_is_none() {
    let ask = |script| supervise::answer(sh(script), LONG);
    assert_eq!(
        ask("echo; echo ' version 3 '"),
        Some("version 3".to_owned())
    );
    assert_eq!(ask("echo version; exit 1"), None);
    assert_eq!(ask("yes"), None);
    let hangs = supervise::answer(sh("echo version; sleep 1000"), Duration::from_millis(200));
    assert_eq!(hangs, None);
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_has_ended_keeps_nobody_busy_while_its_child_talks_on() {
    use std::os::fd::{AsFd, OwnedFd};
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    // The child holds the socket (as 3: a background job gets no standard input), its parent has ended: waiting for the child is waiting, not spinning.
    let mut command = sh("exec 3<&0; exec sleep 1000 >/dev/null 2>&1 &");
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    let mut options = Options::new(LONG);
    options.sweep = false;
    let mut running = Running::spawn(&mut command, &options).expect("sh starts");
    drop(command);
    assert!(running.wait_ended(LONG).expect("poll"));
    let mut turns = 0;
    let until = Instant::now() + Duration::from_millis(300);
    while Instant::now() < until {
        let readable = running.pump(Some(ours.as_fd()), Duration::from_millis(100));
        assert!(!readable.expect("poll"), "nobody wrote anything");
        turns += 1;
    }
    assert!(turns < 50, "{turns} turns in 0.3 s");
}

#[test]
fn a_program_that_is_killed_while_it_ends_has_ended_by_itself() {
    for _ in 0..300 {
        let mut command = Command::new("true");
        let mut running = Running::spawn(&mut command, &Options::new(LONG)).expect("it starts");
        let out = running.group().id();
        // Its output is closed, so it is about to end; that shows as a zombie only later.
        while std::fs::read_dir(format!("/proc/{out}/fd")).is_ok_and(|all| all.count() > 0) {
            let _ = running.pump(None, Duration::from_micros(1));
        }
        let end = running.finish(None).expect("it is ours").end;
        assert!(end.is_success(), "{end}");
    }
}
