//! A pool with a socket for each worker.

use super::experiment::{TASK_COUNT, kill, quietly};
use crate::crash::Crash;
use crate::sys::limit_lifetime;
use os::memory::{Mapping, Ordering::SeqCst};
use os::process::{Child, fork};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::thread;

const QUIT: u8 = 255;

/// A forked worker, and the parent's end of its socket.
struct Worker {
    socket: UnixStream,
    child: Child<()>,
}

/// A pool of two workers, each with a socket of its own: so the pool knows which task each has, and a dead worker holds no lock.
struct Sockets {
    workers: Vec<Worker>,
    failure: Crash,
    /// Whether task 3 has begun, and whether it may end.
    states: Mapping,
}

const BEGUN: usize = 0;
const GO: usize = 1;

impl Sockets {
    fn start(failure: Crash) -> io::Result<Self> {
        let mut pool = Self {
            workers: Vec::new(),
            failure,
            states: Mapping::shared(2)?,
        };
        for _ in 0..2 {
            let worker = pool.fork()?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    fn fork(&self) -> io::Result<Worker> {
        let (socket, mut end) = UnixStream::pair()?;
        let child = fork(|| {
            limit_lifetime();
            let mut task = [0];
            while end.read_exact(&mut task).is_ok() && task != [QUIT] {
                let answer = catch_unwind(|| self.carry_out(task[0])).is_ok();
                end.write_all(&[u8::from(answer)])?;
            }
            Ok(())
        })?;
        Ok(Worker { socket, child })
    }

    /// Task 2 fails once task 3 has begun; task 3 ends when it is told to.
    fn carry_out(&self, task: u8) {
        let wait_for = |word| {
            while self.states.word(word).load(SeqCst) == 0 {
                thread::yield_now();
            }
        };
        match task {
            2 => {
                wait_for(BEGUN);
                self.failure.now();
            }
            3 => {
                self.states.word(BEGUN).store(1, SeqCst);
                wait_for(GO);
            }
            _ => {}
        }
    }

    /// Gives a worker a task. One that died idle never got it, so its successor does.
    fn give(&mut self, slot: usize, task: u8) -> io::Result<()> {
        if self.workers[slot].socket.write_all(&[task]).is_err() {
            self.replace(slot)?;
            self.workers[slot].socket.write_all(&[task])?;
        }
        Ok(())
    }

    /// Waits for a worker's answer. One that died instead is replaced; returns whether there was an answer.
    fn collect(&mut self, slot: usize) -> io::Result<bool> {
        let mut answer = [0];
        let answered = self.workers[slot].socket.read_exact(&mut answer).is_ok();
        if !answered {
            self.replace(slot)?;
        }
        Ok(answered)
    }

    fn replace(&mut self, slot: usize) -> io::Result<()> {
        let successor = self.fork()?;
        let dead = std::mem::replace(&mut self.workers[slot], successor);
        let _ = dead.child.wait(); // an error, since it died
        Ok(())
    }

    /// Carries out ten tasks, two at a time, and counts those without an answer.
    fn lose(&mut self) -> io::Result<f64> {
        let mut lost = 0.0;
        for task in (0..TASK_COUNT).step_by(2) {
            self.give(0, task)?;
            self.give(1, task + 1)?;
            for slot in 0..2 {
                if !self.collect(slot)? {
                    lost += 1.0;
                }
                self.states.word(GO).store(1, SeqCst); // whatever task 2 did is done
            }
        }
        Ok(lost)
    }

    fn end(self) -> io::Result<()> {
        for mut worker in self.workers {
            worker.socket.write_all(&[QUIT])?;
            worker.child.wait()?;
        }
        Ok(())
    }
}

pub fn sockets_lose(failure: Crash) -> io::Result<f64> {
    quietly(|| {
        let mut pool = Sockets::start(failure)?;
        let lost = pool.lose()?;
        pool.end()?;
        Ok(lost)
    })
}

pub fn sockets_lose_when_idle() -> io::Result<f64> {
    quietly(|| {
        let mut pool = Sockets::start(Crash::Panic)?;
        let idle = &mut pool.workers[0];
        kill(idle.child.pid());
        let mut byte = [0];
        let _ = idle.socket.read_exact(&mut byte); // returns when it is dead
        pool.states.word(BEGUN).store(1, SeqCst);
        let lost = pool.lose()?;
        pool.end()?;
        Ok(lost)
    })
}
