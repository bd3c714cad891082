//! The subject's side of the tests in `tests/gil/`: hands them the functions of the exercise.
//!
//! Only this file is compiled when you edit your code.

use gil::{around, io_first, lock, machine, switching};
use gil_tests::{
    Executed, Gil, Guard, Holder, Instruction, Learner, List, Lock, Program, Report, Settings,
};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    gil_tests::run(Learner {
        lock: || Arc::new(TheLock(lock::Lock::new())),
        gil: |interval| Arc::new(TheGil(switching::Gil::new(interval))),
        increment: |x| machine::increment(x).into_iter().map(to_test).collect(),
        run: |programs, settings| {
            let report = machine::run(&all_to_exercise(programs), settings_to_exercise(settings));
            Report {
                variables: report.variables,
                trace: report
                    .trace
                    .into_iter()
                    .map(|executed| Executed {
                        thread: executed.thread,
                        at: executed.at,
                        instruction: to_test(executed.instruction),
                    })
                    .collect(),
            }
        },
        run_in_processes: |programs, settings| {
            around::run_in_processes(&all_to_exercise(programs), settings_to_exercise(settings))
        },
        list: |capacity| Arc::new(TheList(around::List::with_capacity(capacity))),
        io_first: |interval| Arc::new(TheIoFirst(io_first::IoFirst::new(interval))),
    })
}

struct TheLock(lock::Lock);

impl Lock for TheLock {
    fn acquire(&self) -> Box<dyn Guard + '_> {
        Box::new(LockGuard(self.0.acquire()))
    }
}

struct LockGuard<'a>(#[allow(dead_code)] lock::Guard<'a>); // dropped, and nothing else

impl Guard for LockGuard<'_> {}

struct TheGil(switching::Gil);

impl Gil for TheGil {
    fn acquire(&self) -> Box<dyn Holder + '_> {
        Box::new(GilHolder(self.0.acquire()))
    }
}

struct GilHolder<'a>(switching::GilGuard<'a>);

impl Holder for GilHolder<'_> {
    fn safe_point(&mut self) -> bool {
        self.0.safe_point()
    }

    fn allow_threads(&mut self, work: &mut dyn FnMut() -> u64) -> u64 {
        self.0.allow_threads(work)
    }
}

struct TheIoFirst(io_first::IoFirst);

impl Gil for TheIoFirst {
    fn acquire(&self) -> Box<dyn Holder + '_> {
        Box::new(IoFirstHolder(self.0.acquire()))
    }
}

struct IoFirstHolder<'a>(io_first::IoFirstGuard<'a>);

impl Holder for IoFirstHolder<'_> {
    fn safe_point(&mut self) -> bool {
        self.0.safe_point()
    }

    fn allow_threads(&mut self, work: &mut dyn FnMut() -> u64) -> u64 {
        self.0.allow_threads(work)
    }
}

struct TheList(around::List);

impl List for TheList {
    fn append(&self, item: i64) -> bool {
        self.0.append(item)
    }

    fn items(&self) -> Vec<i64> {
        self.0.items()
    }
}

fn to_test(instruction: machine::Instruction) -> Instruction {
    use machine::Instruction as I;
    match instruction {
        I::Const(n) => Instruction::Const(n),
        I::Load(x) => Instruction::Load(x),
        I::Add => Instruction::Add,
        I::Store(x) => Instruction::Store(x),
        I::Call => Instruction::Call,
        I::Wait(time) => Instruction::Wait(time),
    }
}

fn to_exercise(instruction: Instruction) -> machine::Instruction {
    use machine::Instruction as I;
    match instruction {
        Instruction::Const(n) => I::Const(n),
        Instruction::Load(x) => I::Load(x),
        Instruction::Add => I::Add,
        Instruction::Store(x) => I::Store(x),
        Instruction::Call => I::Call,
        Instruction::Wait(time) => I::Wait(time),
    }
}

fn all_to_exercise(programs: &[Program]) -> Vec<machine::Program> {
    programs
        .iter()
        .map(|program| machine::Program {
            body: program.body.iter().copied().map(to_exercise).collect(),
            times: program.times,
        })
        .collect()
}

fn settings_to_exercise(settings: Settings) -> machine::Settings {
    machine::Settings {
        interval: settings.interval,
        cost: settings.cost,
        safe_points: if settings.everywhere {
            machine::SafePoints::EveryInstruction
        } else {
            machine::SafePoints::CallsAndJumps
        },
        variables: settings.variables,
    }
}
