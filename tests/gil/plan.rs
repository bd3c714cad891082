//! What must come of a run: the schedule, by the specification.

use crate::{Executed, Instruction, Program, Report, Settings};
use os_core::time::Duration;
use std::collections::VecDeque;

/// What must come of programs that compute and are all the same.
pub fn of_equal_programs(programs: &[Program], settings: Settings) -> Report {
    let body = &programs[0].body;
    let total = body.len() * usize::try_from(programs[0].times).unwrap_or(0);
    let mut threads = vec![Thread::default(); programs.len()];
    let mut report = Report {
        variables: vec![0; settings.variables],
        trace: Vec::new(),
    };
    let mut queue: VecDeque<usize> = (0..programs.len()).collect();
    let (mut now, mut since) = (Duration::ZERO, Duration::ZERO);
    while let Some(&holder) = queue.front() {
        let thread = &mut threads[holder];
        if thread.done == total {
            queue.pop_front();
            since = now;
            continue;
        }
        let instruction = body[thread.done % body.len()];
        now += settings.cost;
        match instruction {
            Instruction::Const(n) => thread.stack.push(n),
            Instruction::Load(x) => thread.stack.push(report.variables[x]),
            Instruction::Add => {
                let (b, a) = (thread.stack.pop(), thread.stack.pop());
                thread
                    .stack
                    .push(a.unwrap_or(0).wrapping_add(b.unwrap_or(0)));
            }
            Instruction::Store(x) => report.variables[x] = thread.stack.pop().unwrap_or(0),
            Instruction::Call | Instruction::Wait(_) => {}
        }
        report.trace.push(Executed {
            thread: holder,
            at: now,
            instruction,
        });
        thread.done += 1;
        let place = thread.done % body.len();
        let is_safe = settings.everywhere || instruction == Instruction::Call || place == 0;
        // A thread that is done gives the lock up anyway.
        if is_safe && thread.done < total && queue.len() > 1 && now >= since + settings.interval {
            queue.rotate_left(1);
            since = now;
        }
    }
    report
}

/// Programs that are all different, settings, and what comes of them.
pub fn draw(random: &mut fastrand::Rng, everywhere: bool) -> (Vec<Program>, Settings, Report) {
    loop {
        let cost = Duration::from_nanos(random.u64(300_000..3_000_000));
        let settings = Settings {
            interval: cost * random.u32(1..8) + cost / random.u32(2..9),
            cost,
            everywhere,
            variables: random.usize(3..9),
        };
        let programs: Vec<Program> = (0..random.usize(3..5))
            .map(|_| program(random, settings))
            .collect();
        if let Some(report) = Plan::new(&programs, settings).report() {
            return (programs, settings, report);
        }
    }
}

/// A loop that begins with a `Wait`, so that it makes no difference who gets the lock first.
fn program(random: &mut fastrand::Rng, settings: Settings) -> Program {
    use Instruction as I;
    let mut wait = |most: u64| I::Wait(Duration::from_nanos(random.u64(1000..most)));
    let mut body = vec![wait(2_000_000)];
    // Much longer than anything else, and not in whole seconds.
    let long = wait(3_000_000_000);
    let short = wait(9_000_000);
    for _ in 0..random.usize(1..4) {
        let mut x = || random.usize(..settings.variables);
        let (one, other) = (x(), x());
        let n = random.i64(..);
        let calls = [I::Call; 3];
        body.extend(match random.u8(..8) {
            0 => vec![long],
            1 => [&[I::Const(n)], &calls[..], &[I::Store(one)], &calls].concat(),
            2 => [
                &[I::Load(one)],
                &calls[..],
                &[I::Const(n), I::Add],
                &calls,
                &[I::Store(other)],
            ]
            .concat(),
            3 => vec![I::Load(one), short, I::Load(other), I::Add, I::Store(one)],
            4 => {
                let pushes = [n, 1, 2, 3, 4].map(I::Const);
                [&pushes[..], &[I::Add; 4], &[I::Call, I::Store(one)]].concat()
            }
            _ => vec![I::Load(one), I::Const(1), I::Add, I::Store(one)],
        });
    }
    Program {
        body,
        times: random.u64(1..4),
    }
}

struct Plan<'a> {
    programs: &'a [Program],
    settings: Settings,
    threads: Vec<Thread>,
    now: Duration,
    /// Who holds the lock, since when, and when its instruction ends.
    holder: Option<(usize, Duration, Duration)>,
    /// Who waits for the lock, and since when.
    line: VecDeque<(usize, Duration)>,
    report: Report,
}

#[derive(Clone, Default)]
struct Thread {
    /// Instructions done, of all passes.
    done: usize,
    stack: Vec<i64>,
    /// When its `Wait` ends.
    back: Option<Duration>,
    /// Whether it is to trace its `Wait` when it has the lock again.
    waited: bool,
}

impl<'a> Plan<'a> {
    fn new(programs: &'a [Program], settings: Settings) -> Self {
        let mut plan = Self {
            programs,
            settings,
            threads: vec![Thread::default(); programs.len()],
            now: Duration::ZERO,
            holder: None,
            line: VecDeque::new(),
            report: Report {
                variables: vec![0; settings.variables],
                trace: Vec::new(),
            },
        };
        for thread in 0..programs.len() {
            plan.take(thread); // and gives it up at once, for its first `Wait`
        }
        plan
    }

    /// What comes of it; `None` if that is a matter of chance: two things happen at the same moment, or the last safe point of a
    /// program, which may be left out, finds a request.
    fn report(mut self) -> Option<Report> {
        loop {
            let ends = self.holder.map(|(thread, _, end)| (end, thread));
            let backs = self.threads.iter().zip(0..);
            let backs = backs.filter_map(|(thread, number)| Some((thread.back?, number)));
            let mut events: Vec<(Duration, usize)> = backs.chain(ends).collect();
            events.sort_unstable();
            let Some((at, thread)) = events.first().copied() else {
                return Some(self.report);
            };
            if events.get(1).is_some_and(|(next, _)| *next == at) {
                return None;
            }
            self.now = at;
            if self.threads[thread].back.take().is_some() {
                match self.holder {
                    None => self.take(thread),
                    Some(_) => self.line.push_back((thread, at)),
                }
            } else {
                self.end_instruction(thread)?;
            }
        }
    }

    fn instruction(&self, thread: usize) -> Option<Instruction> {
        let Program { body, times } = &self.programs[thread];
        let done = self.threads[thread].done;
        ((done / body.len()) < *times as usize).then(|| body[done % body.len()])
    }

    fn trace(&mut self, thread: usize, instruction: Instruction) {
        self.report.trace.push(Executed {
            thread,
            at: self.now,
            instruction,
        });
        self.threads[thread].done += 1;
    }

    /// The thread has the lock from now on.
    fn take(&mut self, thread: usize) {
        if std::mem::take(&mut self.threads[thread].waited)
            && let Some(wait) = self.instruction(thread)
        {
            self.trace(thread, wait);
        }
        self.holder = Some((thread, self.now, Duration::MAX));
        self.begin_instruction(thread);
    }

    fn begin_instruction(&mut self, thread: usize) {
        match self.instruction(thread) {
            None => self.release(),
            Some(Instruction::Wait(time)) => {
                self.threads[thread].back = Some(self.now + time);
                self.threads[thread].waited = true;
                self.release();
            }
            Some(_) => {
                let end = self.now + self.settings.cost;
                self.holder = self.holder.map(|(thread, since, _)| (thread, since, end));
            }
        }
    }

    fn release(&mut self) {
        self.holder = None;
        if let Some((next, _)) = self.line.pop_front() {
            self.take(next);
        }
    }

    fn end_instruction(&mut self, thread: usize) -> Option<()> {
        let instruction = self.instruction(thread)?;
        let variables = &mut self.report.variables;
        let stack = &mut self.threads[thread].stack;
        let mut pop = || stack.pop().unwrap_or(0);
        match instruction {
            Instruction::Const(n) => stack.push(n),
            Instruction::Load(x) => stack.push(variables[x]),
            Instruction::Add => {
                let sum = pop().wrapping_add(pop());
                stack.push(sum);
            }
            Instruction::Store(x) => variables[x] = pop(),
            Instruction::Call | Instruction::Wait(_) => {}
        }
        self.trace(thread, instruction);
        let jumps = self.threads[thread]
            .done
            .is_multiple_of(self.programs[thread].body.len());
        let is_safe = self.settings.everywhere || instruction == Instruction::Call || jumps;
        let (_, since, _) = self.holder?;
        let requested = self
            .line
            .front()
            .map(|(_, arrival)| since.max(*arrival) + self.settings.interval);
        match requested {
            Some(moment) if moment == self.now => return None,
            Some(moment) if is_safe && moment < self.now => {
                self.instruction(thread)?; // its last safe point
                self.line.push_back((thread, self.now));
                self.release();
            }
            _ => self.begin_instruction(thread),
        }
        Some(())
    }
}
