//! The experiment in Rust: pools, locks, a record, orphans.

use super::sockets::{sockets_lose, sockets_lose_when_idle};
use crate::crash::{self, Crash};
use crate::experiment::{Round, report};
use crate::sys::limit_lifetime;
use os::memory::{Block, Mapping, Ordering::SeqCst};
use os::process::{Child, PidFd, fork};
use rustix::process::{Pid, Signal, getpid, kill_process, test_kill_process};
use serde_json::json;
use std::io;
use std::panic::catch_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

pub(super) const TASK_COUNT: u8 = 10;
const ALIVE: Duration = Duration::from_millis(500);

pub fn experiment(rounds: usize) -> io::Result<()> {
    let given = json!({ "tasks": TASK_COUNT, "workers": 2 });
    let name = format!("lab-x1-{}", std::process::id());
    report(rounds, 0, &given, |_| {
        Ok(Round::from([
            ("threads_exception", Some(threads_lose(Crash::Panic)?)),
            ("threads_exit", Some(threads_lose(Crash::Exit)?)),
            ("threads_sigsegv", Some(threads_lose(Crash::Segfault)?)),
            ("threads_sigkill", Some(threads_lose(Crash::Kill)?)),
            ("sockets_exception", Some(sockets_lose(Crash::Panic)?)),
            ("sockets_exit", Some(sockets_lose(Crash::Exit)?)),
            ("sockets_sigsegv", Some(sockets_lose(Crash::Segfault)?)),
            ("sockets_sigkill", Some(sockets_lose(Crash::Kill)?)),
            ("sockets_idle", Some(sockets_lose_when_idle()?)),
            ("lock_stays", Some(lock_stays(false)?)),
            ("owned_lock_stays", Some(lock_stays(true)?)),
            ("flock_stays", flock_stays(&name)?),
            ("record_torn", Some(record_is_torn()?)),
            ("orphans_forked", orphans(false)?),
            ("orphans_pdeathsig", orphans(true)?),
        ]))
    })
}

/// Ends the calling process.
fn die() {
    let _ = kill_process(getpid(), Signal::KILL);
}

/// Runs ten tasks in two threads of a program of their own; counts those that give neither a result nor an error.
fn threads_lose(failure: Crash) -> io::Result<f64> {
    let answered = Mapping::shared(1)?;
    let child = fork(|| {
        crash::expect()?;
        let (results, answers) = mpsc::channel();
        thread::scope(|scope| {
            let tasks: Vec<_> = (0..2)
                .map(|_| {
                    let (sender, receiver) = mpsc::channel::<u8>();
                    let results = results.clone();
                    scope.spawn(move || {
                        for task in receiver {
                            let result = catch_unwind(|| {
                                if task == 2 {
                                    failure.now();
                                }
                            });
                            let _ = results.send(result.is_ok());
                        }
                    });
                    sender
                })
                .collect();
            for task in 0..TASK_COUNT {
                let _ = tasks[usize::from(task % 2)].send(task);
                let _ = answers.recv();
                answered.word(0).fetch_add(1, SeqCst);
            }
        });
        Ok(())
    })?;
    let _ = child.wait(); // an error where it died
    Ok(f64::from(TASK_COUNT) - answered.word(0).load(SeqCst) as f64)
}

/// Runs a scenario in a program of its own, which prints nothing and dumps no core.
pub(super) fn quietly(scenario: impl FnOnce() -> io::Result<f64>) -> io::Result<f64> {
    let child = fork(|| {
        crash::expect()?;
        scenario()
    })?;
    child.wait()
}

/// Sends SIGKILL to a child that is not reaped yet.
pub(super) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Forks a child that does something and is killed, and waits for its end. Returns its pid.
fn die_after(act: impl FnOnce() -> io::Result<()>) -> io::Result<u32> {
    let child = fork(|| {
        limit_lifetime();
        act()?;
        die();
        Ok(())
    })?;
    let pid = child.pid();
    let _ = child.wait(); // an error: it was killed
    Ok(pid)
}

/// A lock is a word in shared memory, 0 or its owner. Its owner is killed. Can anybody take it? `look` asks whether the owner
/// is alive.
fn lock_stays(look: bool) -> io::Result<f64> {
    let lock = Mapping::shared(1)?;
    let take = |from: u64| {
        let me = u64::from(std::process::id());
        lock.word(0).compare_exchange(from, me, SeqCst, SeqCst)
    };
    die_after(|| {
        take(0)
            .map(drop)
            .map_err(|_| io::Error::other("the lock is held"))
    })?;
    let taken = match take(0) {
        Err(owner) if look && is_gone(owner) => take(owner).is_ok(),
        other => other.is_ok(),
    };
    Ok(if taken { 0.0 } else { 1.0 })
}

/// Whether no process has this pid. (A pid may be reused: a real lock asks for more.)
fn is_gone(pid: u64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

fn flock_stays(name: &str) -> io::Result<Option<f64>> {
    if !cfg!(target_os = "linux") {
        return Ok(None); // blocks cannot be locked there
    }
    let block = Block::create(name, 8)?;
    block.unlink()?; // nothing stays behind, however this ends
    let stays = quietly(|| {
        die_after(|| {
            let held = block.lock()?;
            std::mem::forget(held);
            Ok(())
        })?;
        let taken = fork(|| block.lock().map(drop))?;
        let end = Instant::now() + ALIVE;
        while !PidFd::open(taken.pid())?.wait_timeout(ALIVE)? && Instant::now() < end {}
        kill(taken.pid()); // if it waits
        Ok(if taken.wait().is_ok() { 0.0 } else { 1.0 })
    });
    stays.map(Some)
}

/// A record is a value, twice. Its writer is killed between the two writes.
fn record_is_torn() -> io::Result<f64> {
    let record = Mapping::shared(2)?;
    die_after(|| {
        record.word(0).store(1, SeqCst);
        Ok(())
    })?;
    let torn = record.word(0).load(SeqCst) != record.word(1).load(SeqCst);
    Ok(if torn { 1.0 } else { 0.0 })
}

/// Kills a parent of two processes, and counts those that are alive half a second later.
fn orphans(death_signal: bool) -> io::Result<Option<f64>> {
    if !cfg!(target_os = "linux") {
        return Ok(None); // there is no death signal
    }
    let pids = Mapping::shared(2)?;
    let parent = fork(|| {
        limit_lifetime();
        let rest = |at| {
            if death_signal {
                limit_lifetime();
            }
            pids.word(at).store(u64::from(std::process::id()), SeqCst);
            thread::sleep(20 * ALIVE);
            Ok(())
        };
        let children = [fork(|| rest(0))?, fork(|| rest(1))?];
        children.into_iter().try_for_each(Child::wait)
    })?;
    while (0..2).any(|at| pids.word(at).load(SeqCst) == 0) {
        thread::yield_now();
    }
    let pids = [0, 1].map(|at| pids.word(at).load(SeqCst) as u32);
    kill(parent.pid());
    let _ = parent.wait(); // an error: it was killed
    let end = Instant::now() + ALIVE;
    let mut alive = 0.0;
    for pid in pids {
        // An orphan that is gone is reaped by another process, so its pid is unknown then.
        let Ok(orphan) = PidFd::open(pid) else {
            continue;
        };
        if !orphan.wait_timeout(end.saturating_duration_since(Instant::now()))? {
            alive += 1.0;
            kill(pid);
        }
    }
    Ok(Some(alive))
}
