//! The subject's side of the tests in `tests/crash_isolation/`: hands them the functions of the exercise.
//!
//! Only this file is compiled when you edit your code.

use crash_isolation::outcome::{CrashReport, Outcome};
use crash_isolation::{bank, crash_matrix, end_of_file, pool, supervisor};
use crash_isolation_tests as tests;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    tests::run(tests::Learner {
        from_status: |status| outcome(Outcome::from_status(status)),
        display: |status| Outcome::from_status(status).to_string(),
        display_made: |made| match made {
            tests::Outcome::Exited(code) => Outcome::Exited(code).to_string(),
            tests::Outcome::Killed {
                signal,
                core_dumped,
            } => Outcome::Killed {
                signal,
                core_dumped,
            }
            .to_string(),
        },
        decode: |bytes| {
            let report = CrashReport::decode(bytes)?;
            Some((report.task, report.message))
        },
        crash_in_thread: |crash| crash_matrix::crash_in_thread(crash).map(fate),
        crash_in_process: |crash| crash_matrix::crash_in_process(crash).map(fate),
        after_crashes: |policy, times| {
            let mut restarts = supervisor::Restarts::new(its(policy));
            let decide = |now: &_| match restarts.after_crash(*now) {
                supervisor::Decision::RestartAfter(delay) => Some(delay),
                supervisor::Decision::GiveUp => None,
            };
            times.iter().map(decide).collect()
        },
        supervise: |services, policy, clock| {
            let verdict = supervisor::supervise(services, its(policy), clock)?;
            Ok(match verdict {
                supervisor::Verdict::AllDone => tests::Verdict::AllDone,
                supervisor::Verdict::GaveUp { service, last } => tests::Verdict::GaveUp {
                    service,
                    last: outcome(last),
                },
            })
        },
        run_tasks: |tasks, workers, attempts, work| {
            let answers = pool::run_tasks(tasks, workers, attempts, work)?;
            let answer = |answer: Result<u64, pool::Failure>| {
                answer.map_err(|failure| tests::Failure {
                    outcome: outcome(failure.outcome),
                    message: failure.message,
                })
            };
            Ok(answers.into_iter().map(answer).collect())
        },
        bank: |balances| {
            let bank = Arc::new(bank::Bank::new(balances)?);
            let same = bank.clone();
            Ok(tests::Bank {
                transfer: Box::new(move |from, to, amount| bank.transfer(from, to, amount)),
                balances: Box::new(move || same.balances()),
            })
        },
        holders: end_of_file::holders,
        sum_in_workers: end_of_file::sum_in_workers,
    })
}

fn outcome(outcome: Outcome) -> tests::Outcome {
    match outcome {
        Outcome::Exited(code) => tests::Outcome::Exited(code),
        Outcome::Killed {
            signal,
            core_dumped,
        } => tests::Outcome::Killed {
            signal,
            core_dumped,
        },
    }
}

fn fate(fate: crash_matrix::Fate) -> tests::Fate {
    tests::Fate {
        process: outcome(fate.process),
        bystander_survived: fate.bystander_survived,
    }
}

fn its(policy: tests::Policy) -> supervisor::Policy {
    supervisor::Policy {
        first_delay: policy.first_delay,
        max_delay: policy.max_delay,
        limit: policy.limit,
        window: policy.window,
    }
}
