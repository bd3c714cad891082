//! Step 5: processes have a lock each; without a GIL, lists need locks of their own.

use crate::{Instruction, Learner, Program, Settings};
use checks::faults::{Fault, Operation};
use checks::ledger::{self, Ledger, What};
use checks::leftovers::{self, Leftovers};
use checks::{Explored, SelfReported, explain, explore, faults, observed, random};
use os_core::sync::Arc;
use os_core::thread;
use os_core::time::Duration;

/// What a call returned, what happened meanwhile, what it left behind.
type Outcome = (Result<Vec<Vec<i64>>, String>, Ledger, Leftovers);

checks::subject! {
    for Learner;

    /// Several calls, one after the other, in one process.
    fn run_in_processes(learner, calls: Vec<Vec<Program>>, settings: Settings) -> Vec<Outcome> {
        calls.iter().map(|programs| in_processes(learner, programs, settings)).collect()
    }

    /// What a call returned, and how long it took.
    fn run_for_a_while(learner, programs: Vec<Program>, settings: Settings) -> (Result<Vec<Vec<i64>>, String>, SelfReported<Duration>)
        as run_in_processes
    {
        let start = std::time::Instant::now();
        let result = (learner.run_in_processes)(&programs, settings);
        (result.map_err(|error| error.to_string()), observed(start.elapsed()))
    }

    /// Calls in which something fails, one after the other, after one in which nothing does.
    fn run_with_faults(learner, programs: Vec<Program>, settings: Settings, failing: Vec<Vec<Fault>>) -> Vec<Outcome>
        as run_in_processes
    {
        let _ = in_processes(learner, &programs, settings);
        failing
            .iter()
            .map(|failing| {
                faults::reset();
                faults::plan(failing);
                in_processes(learner, &programs, settings)
            })
            .collect()
    }

    /// One thread appends all of these; then the items, and what each call returned.
    fn append_alone(learner, capacity: usize, items: Vec<i64>) -> (Vec<i64>, Vec<bool>) as append {
        let list = (learner.list)(capacity);
        let appended = items.iter().map(|item| list.append(*item)).collect();
        (list.items(), appended)
    }

    /// Several threads append, under many schedules; a complaint is what a list may never show.
    fn append_in_threads(learner, capacity: usize, work: Vec<Vec<i64>>) -> Explored<Option<String>> as append {
        explore(move || appended(learner, capacity, &work))
    }

    /// The same while another thread looks at the list.
    fn append_and_look(learner, work: Vec<Vec<i64>>) -> Explored<Option<String>> as append {
        explore(move || {
            let list = (learner.list)(8);
            let seen = {
                let list = list.clone();
                thread::spawn(move || [list.items(), list.items()])
            };
            let threads = start(&list, &work);
            let appended: usize = threads.into_iter().map(|thread| thread.join().expect("appending does not panic")).sum();
            let seen = seen.join().expect("looking does not panic");
            let items = list.items();
            let fits = seen.iter().all(|seen| items.starts_with(seen)) && items.len() == appended;
            (!fits).then(|| format!("a thread saw the items {:?} and then {:?}, and at the end they were {items:?}", seen[0], seen[1]))
        })
    }

    /// On threads of the kernel: what is missing, and what is left.
    fn append_in_a_plain_run(learner, threads: i64, each: i64) -> (SelfReported<Option<String>>, Leftovers) as append {
        leftovers::watch(|| {
            let work: Vec<Vec<i64>> = (0..threads).map(|thread| (1..=each).map(|n| thread * each + n).collect()).collect();
            observed(appended(learner, work.len() * work[0].len(), &work))
        })
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    every_program_has_a_process_of_its_own,
    all_processes_run_at_the_same_time,
    every_process_has_variables_of_its_own,
    a_process_runs_by_the_settings,
    results_come_in_the_order_of_the_programs,
    no_program_no_process,
    no_child_is_left_behind,
    a_killed_child_is_an_error,
    a_fork_that_fails_is_an_error,
    one_thread_appends_in_order,
    no_item_is_lost_under_any_schedule,
    a_full_list_takes_no_more,
    items_are_whole_while_others_append,
    many_threads_append,
];

fn in_processes(learner: Learner, programs: &[Program], settings: Settings) -> Outcome {
    let ((result, ledger), left) =
        leftovers::watch(|| ledger::observe(|| (learner.run_in_processes)(programs, settings)));
    (result.map_err(|error| error.to_string()), ledger, left)
}

fn start(list: &Arc<dyn crate::List>, work: &[Vec<i64>]) -> Vec<thread::JoinHandle<usize>> {
    work.iter()
        .cloned()
        .map(|items| {
            let list = list.clone();
            thread::spawn(move || items.into_iter().filter(|item| list.append(*item)).count())
        })
        .collect()
}

/// Appends in threads; says what is wrong with the list afterwards.
fn appended(learner: Learner, capacity: usize, work: &[Vec<i64>]) -> Option<String> {
    let list = (learner.list)(capacity);
    let threads = start(&list, work);
    let appended: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("appending does not panic"))
        .sum();
    let items = list.items();
    let all: usize = work.iter().map(Vec::len).sum();
    let shown = || match items.len() {
        0..20 => format!("the items were {items:?}"),
        many => format!("there were {many} items"),
    };
    if appended != all.min(capacity) {
        return Some(format!(
            "`append` returned true {appended} times for {all} items and room for {capacity}; {}",
            shown()
        ));
    }
    if items.len() != appended {
        return Some(format!(
            "`append` returned true {appended} times, and {}",
            shown()
        ));
    }
    let in_order = work.iter().all(|mine| {
        let kept: Vec<&i64> = items.iter().filter(|item| mine.contains(item)).collect();
        kept.iter().copied().eq(mine.iter().take(kept.len()))
    });
    let known = items
        .iter()
        .all(|item| work.iter().any(|mine| mine.contains(item)));
    (!in_order || !known).then(|| format!("the threads appended {work:?}, and {}", shown()))
}

fn settings() -> Settings {
    Settings {
        interval: Duration::from_millis(5),
        cost: Duration::ZERO,
        everywhere: true,
        variables: 2,
    }
}

fn counting(times: u64) -> Program {
    use Instruction as I;
    Program {
        body: vec![I::Load(0), I::Const(1), I::Add, I::Store(0)],
        times,
    }
}

/// Several calls in one process, after another one.
fn calls(calls: &[Vec<Program>]) -> Vec<Outcome> {
    let mut all = vec![vec![counting(3)]];
    all.extend_from_slice(calls);
    run_in_processes(&all, &settings()).split_off(1)
}

fn every_program_has_a_process_of_its_own() {
    explain(
        "gil/exercise.md#a-process-has-a-lock-of-its-own",
        "Each program gets a child of its own, made with `os::process::fork`, however many there are.",
    );
    let many = random().usize(18..24);
    let programs: Vec<Vec<Program>> = [1, 2, many]
        .iter()
        .map(|count| vec![counting(2); *count])
        .collect();
    for (programs, (_, ledger, _)) in programs.iter().zip(calls(&programs)) {
        let count = programs.len();
        let s = if count == 1 { "" } else { "s" };
        assert_eq!(
            ledger.all_forks(),
            count,
            "processes forked for {count} program{s}"
        );
    }
}

fn all_processes_run_at_the_same_time() {
    explain(
        "gil/exercise.md#a-process-has-a-lock-of-its-own",
        "A child that is waited for before the next one is forked runs alone: fork all, then wait for all.",
    );
    let count = random().usize(40..48);
    let (_, ledger, _) = calls(&[vec![counting(2); count]]).remove(0);
    let forks = ledger
        .records
        .iter()
        .take_while(|record| !matches!(record.what, What::WaitBegan(_) | What::Waited(_)))
        .filter(|record| matches!(record.what, What::Forked(_)))
        .count();
    assert_eq!(
        forks, count,
        "processes forked before the first of them was waited for"
    );
}

fn every_process_has_variables_of_its_own() {
    explain(
        "gil/exercise.md#a-process-has-a-lock-of-its-own",
        "Each process has its own memory: no other process changes its variables, and no update is lost.",
    );
    let times = random().u64(100..300);
    let (result, ..) = calls(&[vec![counting(times); 3]]).remove(0);
    assert_eq!(
        result,
        Ok(vec![vec![times as i64, 0]; 3]),
        "the variables of three processes that count to {times}"
    );
}

fn a_process_runs_by_the_settings() {
    explain(
        "gil/exercise.md#a-process-has-a-lock-of-its-own",
        "The child hands the settings to `machine::run` as they are: the cost of an instruction, the number of variables.",
    );
    let variables = random().usize(3..9);
    let settings = Settings {
        cost: Duration::from_millis(1),
        variables,
        ..settings()
    };
    let (result, took) = run_for_a_while(&vec![counting(10)], &settings);
    let mut expected = vec![0; variables];
    expected[0] = 10;
    assert_eq!(
        result,
        Ok(vec![expected]),
        "what a process returned whose machine has {variables} variables"
    );
    assert!(
        *took >= 40 * settings.cost,
        "A process executed 40 instructions that cost 1 ms each, and was done after {} ms.",
        took.as_millis()
    );
}

fn results_come_in_the_order_of_the_programs() {
    explain(
        "gil/exercise.md#a-process-has-a-lock-of-its-own",
        "The result has the variables of each process, in the order of the programs, whoever ends first.",
    );
    let programs = vec![counting(2000), counting(1), counting(30)];
    let (result, ..) = calls(&[programs]).remove(0);
    assert_eq!(
        result,
        Ok(vec![vec![2000, 0], vec![1, 0], vec![30, 0]]),
        "the variables of three processes"
    );
}

fn no_program_no_process() {
    explain(
        "gil/exercise.md#a-process-has-a-lock-of-its-own",
        "No program means no process and no result.",
    );
    let (result, ledger, _) = calls(&[vec![]]).remove(0);
    assert_eq!(result, Ok(vec![]), "the result for no program");
    assert_eq!(ledger.all_forks(), 0, "processes forked for no program");
}

fn no_child_is_left_behind() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "Wait for every child, or it stays as a zombie.",
    );
    for (_, _, left) in calls(&[vec![counting(2); 3], vec![counting(2)]]) {
        assert!(left.is_nothing(), "run_in_processes left {left} behind.");
    }
}

fn a_killed_child_is_an_error() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A child that is killed returns nothing. Wait for the others all the same, then return the error.",
    );
    let failing = (1..=3).map(|nth| vec![Fault::KillChild(nth)]).collect();
    let outcomes = run_with_faults(&vec![counting(2); 3], &settings(), &failing);
    for (nth, (result, _, left)) in (1..).zip(outcomes) {
        assert!(
            result.is_err(),
            "Child {nth} of 3 was killed, and run_in_processes returned {result:?}."
        );
        assert!(
            left.is_nothing(),
            "Child {nth} of 3 was killed, and {left} was left behind."
        );
    }
}

fn a_fork_that_fails_is_an_error() {
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A program that has no process has no result: when a fork fails, the function returns its error.",
    );
    let failing = (1..=3)
        .map(|nth| vec![Fault::Fail(Operation::Fork, nth)])
        .collect();
    let outcomes = run_with_faults(&vec![counting(2); 3], &settings(), &failing);
    for (nth, (result, ..)) in (1..).zip(&outcomes) {
        assert!(
            result.is_err(),
            "Fork {nth} of 3 failed, and run_in_processes returned {result:?}."
        );
    }
    explain(
        "memory/exercise.md#wait-for-your-children",
        "A `?` in the loop returns early and leaves behind the children that were forked already. Wait for them first.",
    );
    for (nth, (_, _, left)) in (1..).zip(outcomes) {
        assert!(
            left.is_nothing(),
            "Fork {nth} of 3 failed, and {left} was left behind."
        );
    }
}

fn one_thread_appends_in_order() {
    explain(
        "gil/exercise.md#a-list-with-a-lock-of-its-own",
        "Every item is kept, even one that is in the list already, in the order in which they were appended.",
    );
    let mut random = random();
    let mut items: Vec<i64> = (0..random.usize(3..20)).map(|_| random.i64(..)).collect();
    items.extend([0, 7, 7, 0]);
    let (kept, appended) = append_alone(&items.len(), &items);
    assert_eq!(kept, items, "the items of a list with room for all of them");
    explain(
        "gil/exercise.md#a-list-with-a-lock-of-its-own",
        "`append` returns `true` when it kept the item, whatever the item is.",
    );
    assert!(
        appended.iter().all(|done| *done),
        "`append` returned {appended:?}, though there was room."
    );
}

fn a_full_list_takes_no_more() {
    explain(
        "gil/exercise.md#a-list-with-a-lock-of-its-own",
        "A list with no room left stays as it is, and `append` returns `false`.",
    );
    for capacity in [0, 1, 2] {
        let (kept, appended) = append_alone(&capacity, &vec![5, 6, 7]);
        let expected: Vec<bool> = (0..3).map(|place| place < capacity).collect();
        assert_eq!(
            kept,
            [5, 6, 7][..capacity],
            "the items of a list with room for {capacity}"
        );
        assert_eq!(
            appended, expected,
            "what `append` returned for a list with room for {capacity}"
        );
    }
    explain(
        "gil/exercise.md#a-list-with-a-lock-of-its-own",
        "Two threads see the same last place. Only one of them gets it: hold the list's lock from the check to the change, and release \
         it when you return `false`, too.",
    );
    append_in_threads(&3, &vec![vec![1, 2], vec![3, 4], vec![5]]).expect_no_complaint();
}

fn no_item_is_lost_under_any_schedule() {
    explain(
        "gil/exercise.md#a-list-with-a-lock-of-its-own",
        "Two threads see the same length and write to the same place. The GIL kept them apart; now the list's own lock has to, from \
         reading the length to changing it.",
    );
    for work in [
        vec![vec![1], vec![2]],
        vec![vec![1, 2], vec![3, 4], vec![5]],
    ] {
        append_in_threads(&8, &work).expect_no_complaint();
    }
}

fn items_are_whole_while_others_append() {
    explain(
        "gil/exercise.md#a-list-with-a-lock-of-its-own",
        "A thread that reads the list while others append sees only items that were appended, and no place that is still empty.",
    );
    append_and_look(&vec![vec![1, 2, 3], vec![4, 5, 6]]).expect_no_complaint();
}

fn many_threads_append() {
    explain(
        "gil/exercise.md#a-list-with-a-lock-of-its-own",
        "Any number of threads append to one list.",
    );
    let (complaint, left) = append_in_a_plain_run(&8, &100);
    assert!(
        complaint.is_none(),
        "Eight threads appended 100 items each: {}.",
        complaint.as_deref().unwrap_or_default()
    );
    assert!(left.is_nothing(), "When the list is gone, {left} is left.");
}
