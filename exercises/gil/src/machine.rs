//! Step 4: a bytecode machine whose threads run under the lock.

use crate::switching::Gil;
use os::sync::{AtomicI64, Mutex, Ordering, PoisonError};
use os::thread;
use os::time::{Duration, Instant};

/// An instruction of the machine. Each thread has a stack of its own; all threads share the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Pushes a number.
    Const(i64),
    /// Pushes the value of the variable with this number.
    Load(usize),
    /// Pops two numbers and pushes their sum, which wraps around.
    Add,
    /// Pops a number and stores it in the variable with this number.
    Store(usize),
    /// Calls a function that returns its argument: the stack stays as it is.
    Call,
    /// Waits for this long, as for a network, with the lock given up.
    Wait(Duration),
}

/// What one thread runs: the instructions of a loop, and how often it runs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The instructions of the loop. They leave the stack as they found it.
    pub body: Vec<Instruction>,
    /// How many times the loop runs them.
    pub times: u64,
}

/// Where a thread calls [`safe_point`](crate::switching::GilGuard::safe_point).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafePoints {
    /// After every instruction, about as CPython did up to 3.9.
    EveryInstruction,
    /// After a `Call`, and when the loop jumps back to its beginning: as CPython does since 3.10.
    CallsAndJumps,
}

/// How a machine is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The switch interval.
    pub interval: Duration,
    /// How long an instruction takes; a `Wait` takes as long as it says instead.
    pub cost: Duration,
    /// Where threads may switch.
    pub safe_points: SafePoints,
    /// How many variables there are. All begin at 0.
    pub variables: usize,
}

/// One executed instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The thread, as the index of its program in the list.
    pub thread: usize,
    /// When it was done, counted from the start of the machine by the clock of [`os::time`].
    pub at: Duration,
    /// What was executed.
    pub instruction: Instruction,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The variables at the end.
    pub variables: Vec<i64>,
    /// All instructions, in the order in which they were done.
    pub trace: Vec<Executed>,
}

/// Returns the instructions of `x += 1`, where `x` is the variable with this number.
///
/// They are those of CPython, under shorter names: push `x`, push 1, add, store in `x`.
#[must_use]
pub fn increment(x: usize) -> Vec<Instruction> {
    todo!("return the four instructions that add 1 to variable {x}")
}

/// Runs each program in a thread of its own, all of them under one lock, and returns when all have ended.
#[must_use]
pub fn run(programs: &[Program], settings: Settings) -> Report {
    let machine = Machine {
        gil: Gil::new(settings.interval),
        settings,
        variables: (0..settings.variables).map(|_| AtomicI64::new(0)).collect(),
        trace: Mutex::default(),
        start: Instant::now(),
    };
    thread::scope(|scope| {
        for (thread, program) in programs.iter().enumerate() {
            let machine = &machine;
            scope.spawn(move || machine.execute(thread, program));
        }
    });
    let value = |variable: &AtomicI64| variable.load(Ordering::Relaxed);
    Report {
        variables: machine.variables.iter().map(value).collect(),
        trace: machine
            .trace
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
    }
}

/// What the threads of a run share.
struct Machine {
    gil: Gil,
    settings: Settings,
    variables: Vec<AtomicI64>,
    trace: Mutex<Vec<Executed>>,
    /// When the run began.
    start: Instant,
}

impl Machine {
    /// Executes a program on the thread with this number: the loop at the heart of an interpreter.
    ///
    /// The thread holds the lock while it executes an instruction, from its beginning to its end, and gives it up
    /// only at safe points, in a `Wait`, and at the end. Every instruction but `Wait` first takes its time, with
    /// `thread::sleep(cost)`, and then has its effect. Each one is added to the trace when it is done.
    fn execute(&self, thread: usize, program: &Program) {
        let _ = (&self.gil, &self.variables, &self.trace, self.start);
        let _ = (self.settings, thread);
        todo!(
            "acquire the lock; {} times, execute the {} instructions of the body, with safe points where they belong",
            program.times,
            program.body.len()
        )
    }
}
