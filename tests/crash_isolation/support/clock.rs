//! A clock on which an hour passes at once, and services that end when it says so.
//!
//! Each service blocks in a read until the clock sends it the way to end. So who dies when is a matter of the script, never of
//! the machine's speed.

use crate::support::middle::Handle;
use checks::outside;
use os_core::memory::{Mapping, Ordering::SeqCst};
use os_core::process::{Child, Crash, has_ended};
use os_core::time::Clock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::time::{Duration, Instant};

/// How a service ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Its closure returns `Ok`.
    Done,
    /// Its closure returns an error: exit code 1.
    Error,
    /// Its closure panics: exit code 101.
    Panic,
    /// It exits with this code.
    Exit(u8),
    /// It aborts.
    Abort,
    /// Somebody kills it by SIGKILL.
    Killed,
    /// Somebody ends it by SIGTERM.
    Terminated,
}

impl How {
    /// Whether it's no crash: an end with exit code 0.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::Exit(0))
    }
}

/// One run of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// How long it lasts.
    pub lasts: Duration,
    /// How it ends.
    pub ends: How,
}

/// The runs of each service; after the last one it runs on and on.
pub type Script = Vec<Vec<Life>>;

/// What a service was seen to do, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Which service.
    pub service: usize,
    /// When it was first seen to run.
    pub at: Duration,
}

/// How long a process may wait for something instead of doing what it was told. One that waits for the processor has time.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a process that was killed may seem to sleep.
const MOMENT: Duration = Duration::from_millis(50);

/// The services' side, which their processes inherit.
#[derive(Debug)]
pub struct Stage {
    services: usize,
    /// For each service: how often it was started, and the process id of the last start.
    words: Mapping,
    gates: Vec<(PipeReader, PipeWriter)>,
}

impl Stage {
    /// A stage for so many services.
    pub fn new(services: usize) -> Self {
        Self {
            services,
            words: Mapping::shared(2 * services).expect("memory can be mapped"),
            gates: (0..services).map(|_| io::pipe().expect("a pipe")).collect(),
        }
    }

    /// What a service does.
    pub fn serve(&self, service: usize) -> io::Result<()> {
        self.words.word(service).fetch_add(1, SeqCst);
        let me = u64::from(std::process::id());
        self.words.word(self.services + service).store(me, SeqCst);
        let mut way = [0; 2];
        (&self.gates[service].0).read_exact(&mut way)?;
        match way[0] {
            b'd' => Ok(()),
            b'e' => Err(io::Error::other("it failed on purpose")),
            b'p' => Crash::Panic.now(),
            b'x' => Crash::Exit(i32::from(way[1])).now(),
            _ => Crash::Abort.now(),
        }
    }

    /// How often a service was started.
    pub fn starts(&self, service: usize) -> u64 {
        self.words.word(service).load(SeqCst)
    }

    /// The process that a service runs in, or ran in last; 0 if it never did.
    pub fn pid(&self, service: usize) -> u32 {
        u32::try_from(self.words.word(self.services + service).load(SeqCst)).unwrap_or(0)
    }

    fn service_of(&self, pid: u32) -> Option<usize> {
        (0..self.services).find(|service| self.pid(*service) == pid)
    }

    fn end(&self, service: usize, child: &Child<()>, how: How) -> io::Result<()> {
        let way = match how {
            How::Killed => return child.kill(),
            How::Terminated => return outside::terminate(child.pid()),
            How::Done => [b'd', 0],
            How::Error => [b'e', 0],
            How::Panic => [b'p', 0],
            How::Exit(code) => [b'x', code],
            How::Abort => [b'a', 0],
        };
        (&self.gates[service].1).write_all(&way)
    }
}

/// Time passes here only while somebody waits.
#[derive(Debug)]
pub struct VirtualClock<'a> {
    now: Duration,
    stage: &'a Stage,
    script: Script,
    /// The processes that were waited for: the service, its how manieth run, since when.
    known: BTreeMap<u32, (usize, usize, Duration)>,
    /// All starts, in the order in which they were seen.
    pub starts: Vec<Start>,
    calls: usize,
    /// The call of `wait_any` that fails.
    pub failing: Option<usize>,
    failures: usize,
}

impl<'a> VirtualClock<'a> {
    /// A clock that shows `now`.
    pub fn new(now: Duration, stage: &'a Stage, script: Script) -> Self {
        Self {
            now,
            stage,
            script,
            known: BTreeMap::new(),
            starts: Vec::new(),
            calls: 0,
            failing: None,
            failures: 0,
        }
    }

    /// When this child ends, and how; `None` if it runs on and on. A child that ended before it began ends now.
    fn end_of(&mut self, child: &Child<()>) -> io::Result<Option<(Duration, Option<How>)>> {
        let pid = child.pid();
        if !self.known.contains_key(&pid) {
            let begin = Instant::now();
            let service = loop {
                if let Some(service) = self.stage.service_of(pid) {
                    break service;
                }
                if has_ended(pid)? {
                    return Ok(Some((self.now, None)));
                }
                if begin.elapsed() > PATIENCE && !outside::wants_to_run(pid) {
                    return Err(io::Error::other("a child was started that runs no service"));
                }
                std::thread::sleep(Duration::from_micros(100));
            };
            let run = self
                .starts
                .iter()
                .filter(|start| start.service == service)
                .count();
            self.known.insert(pid, (service, run, self.now));
            self.starts.push(Start {
                service,
                at: self.now,
            });
        }
        let (service, run, since) = self.known[&pid];
        let life = self.script.get(service).and_then(|lives| lives.get(run));
        Ok(match life {
            _ if has_ended(pid)? => Some((self.now, None)),
            Some(life) => Some((since.saturating_add(life.lasts), Some(life.ends))),
            None => None,
        })
    }
}

impl Clock for VirtualClock<'_> {
    fn now(&self) -> Duration {
        self.now
    }

    fn wait_any(
        &mut self,
        children: &[&Child<()>],
        until: Option<Duration>,
    ) -> io::Result<Vec<usize>> {
        let waited = self.wait(children, until);
        self.failures += usize::from(waited.is_err());
        // Nobody who was told once asks so often.
        assert!(
            self.failures < 1000,
            "wait_any has failed 1,000 times, the last time with {waited:?}"
        );
        waited
    }
}

impl VirtualClock<'_> {
    fn wait(&mut self, children: &[&Child<()>], until: Option<Duration>) -> io::Result<Vec<usize>> {
        self.calls += 1;
        if self.failing == Some(self.calls) {
            return Err(io::Error::other("the clock stands still"));
        }
        if children.is_empty() && until.is_none() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "wait_any: there is nothing to wait for: no child and no time",
            ));
        }
        let mut ends = Vec::new();
        for child in children {
            ends.push(self.end_of(child)?);
        }
        let first = ends.iter().flatten().map(|(time, _)| *time).min();
        match first {
            Some(first) if until.is_none_or(|until| first <= until) => {
                self.now = self.now.max(first);
            }
            _ => match until {
                Some(until) => {
                    self.now = self.now.max(until);
                    return Ok(Vec::new());
                }
                None => {
                    // A supervisor may have killed them and wait for their ends. One that runs on sleeps.
                    let begin = Instant::now();
                    let is_ending = |child: &&Child<()>| outside::wants_to_run(child.pid());
                    while begin.elapsed() < MOMENT
                        || begin.elapsed() < PATIENCE && children.iter().any(is_ending)
                    {
                        for (place, child) in children.iter().enumerate() {
                            if has_ended(child.pid())? {
                                return Ok(vec![place]);
                            }
                        }
                        std::thread::sleep(Duration::from_micros(100));
                    }
                    return Err(io::Error::other(
                        "wait_any: these children never end by themselves",
                    ));
                }
            },
        }
        let mut ended = Vec::new();
        for (place, (child, end)) in children.iter().zip(ends).enumerate() {
            let Some((time, how)) = end else { continue };
            if time > self.now {
                continue;
            }
            if let Some(how) = how {
                let (service, ..) = self.known[&child.pid()];
                self.stage.end(service, child, how)?;
                if !Handle::open(child.pid())?.ends(Instant::now() + PATIENCE) {
                    return Err(io::Error::other("a service was told to end and didn't"));
                }
            }
            ended.push(place);
        }
        Ok(ended)
    }
}
