//! The reference solution's pool, and the worker that it's made of.

use crate::{median, nanos};
use crash_isolation::pool::run_tasks;
use os::memory::{Mapping, Ordering::SeqCst};
use os::process::{Crash, PidFd, Worker, fork};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

const WORKERS: usize = 2;

fn tiny(task: u64) -> u64 {
    task + 1
}

/// Starts of the workers included.
pub fn pipelined(count: u64) -> f64 {
    let tasks: Vec<u64> = (0..count).collect();
    let begin = Instant::now();
    let answers = run_tasks(&tasks, WORKERS, 1, &tiny).expect("a pool");
    let time = begin.elapsed();
    assert!(
        answers
            .iter()
            .zip(&tasks)
            .all(|(answer, task)| *answer == Ok(task + 1))
    );
    time.as_secs_f64() * 1e6 / count as f64
}

/// One task sent, one answer awaited.
pub fn serial(count: u64) -> f64 {
    let mut worker = Worker::start(tiny).expect("a worker");
    let mut ask = |task| {
        worker.send(&[task]).expect("it listens");
        assert_eq!(worker.answers().expect("it answers"), [task + 1]);
    };
    (0..100).for_each(&mut ask);
    let begin = Instant::now();
    (0..count).for_each(&mut ask);
    let time = begin.elapsed();
    worker.finish().expect("it ends");
    time.as_secs_f64() * 1e6 / count as f64
}

/// From right before a crash to the begin of the next task, in another process: the median of many in one process. The first
/// ones pay for what a new process has not touched yet, and so do all that are alone in theirs.
pub fn crash(count: u64) -> f64 {
    let tasks: Vec<u64> = (0..=count).collect();
    let times = Mapping::shared(2 * tasks.len()).expect("memory"); // begin and crash of each task, in the order of their begins
    let begun = Mapping::shared(1).expect("memory");
    let work = |_: u64| {
        let begin = nanos();
        let place = 2 * begun.word(0).fetch_add(1, SeqCst) as usize;
        times.word(place).store(begin, SeqCst);
        times.word(place + 1).store(nanos(), SeqCst);
        Crash::Kill.now()
    };
    let answers = run_tasks(&tasks, 1, 1, &work).expect("a pool");
    assert!(answers.iter().all(Result::is_err));
    median((1..tasks.len()).map(|place| {
        (times.word(2 * place).load(SeqCst) - times.word(2 * place - 1).load(SeqCst)) as f64 / 1e3
    }))
}

/// Without retry.
pub fn lost() -> f64 {
    let tasks: Vec<u64> = (0..1000).collect();
    let work = |task: u64| {
        if task == 500 {
            Crash::Kill.now();
        }
        tiny(task)
    };
    let answers = run_tasks(&tasks, WORKERS, 1, &work).expect("a pool");
    answers.iter().filter(|answer| answer.is_err()).count() as f64
}

/// Kills workers at random moments, busy ones and idle ones, until there were so many. Fails if a task is lost that no killed
/// worker had; a hang is noticed by whoever started this process.
pub fn kills(count: u64) -> f64 {
    let mut killed = 0;
    let mut round = 0;
    while killed < count {
        round += 1;
        killed += under_fire(round, count - killed);
    }
    0.0
}

fn under_fire(seed: u64, most: u64) -> u64 {
    let tasks: Vec<u64> = (0..2000).collect();
    let words = Mapping::shared(3).expect("memory"); // who works, how many were killed, whether it is over
    let caller = std::process::id();
    let killer = fork(|| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        while words.word(2).load(SeqCst) == 0 && words.word(1).load(SeqCst) < most {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            for _ in 0..state % 20_000 {
                std::hint::spin_loop();
            }
            let pid = words.word(0).load(SeqCst) as u32;
            let Ok(handle) = PidFd::open(pid) else {
                continue;
            };
            // The handle first, then the question whose child it is: it can't come to mean another process.
            if pid != 0 && parent_of(pid) == Some(caller) && handle.kill().is_ok() {
                words.word(1).fetch_add(1, SeqCst);
                words.word(0).store(0, SeqCst);
            }
        }
        Ok(())
    })
    .expect("a killer");
    let work = |task: u64| {
        words.word(0).store(u64::from(std::process::id()), SeqCst);
        for n in 0..200u64 {
            black_box(n);
        }
        tiny(task)
    };
    let answers = run_tasks(&tasks, WORKERS, 1, &work).expect("a pool");
    words.word(2).store(1, SeqCst);
    killer.wait().expect("the killer ends");
    let lost = answers.iter().filter(|answer| answer.is_err()).count() as u64;
    let killed = words.word(1).load(SeqCst);
    assert!(lost <= killed, "{lost} tasks lost by {killed} kills");
    killed
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Both workers are in the middle of an endless task when their caller is killed.
pub fn orphans() -> f64 {
    let words = Mapping::shared(WORKERS).expect("memory");
    let (mut announced, announce) = io::pipe().expect("a pipe");
    let caller = fork(|| {
        let work = |task: u64| {
            words
                .word(task as usize)
                .store(u64::from(std::process::id()), SeqCst);
            (&announce).write_all(b"!").expect("somebody listens");
            loop {
                std::hint::spin_loop();
            }
        };
        run_tasks(&[0, 1], WORKERS, 1, &work).map(|answers| answers.len())
    })
    .expect("a caller");
    announced.read_exact(&mut [0; WORKERS]).expect("both begin");
    let handles: Vec<PidFd> = (0..WORKERS)
        .map(|place| PidFd::open(words.word(place).load(SeqCst) as u32).expect("it lives"))
        .collect();
    caller.kill().expect("it is ours");
    caller.finish().expect("it ends");
    let deadline = Instant::now() + Duration::from_millis(100);
    let lives = |handle: &&PidFd| {
        let left = deadline.saturating_duration_since(Instant::now());
        !handle.wait_timeout(left).expect("it can be waited for")
    };
    handles.iter().filter(lives).count() as f64
}
