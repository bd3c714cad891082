//! Step 2: a worker behind two pipes, which ends when it should and whose end is noticed.

mod life;

use crate::{Answer, Answers, Learner, checksum, kind, pattern};
use checks::faults::{Fault, Operation};
use checks::ledger::{self, Ledger};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, explain, faults, observed, random};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::unix::process::parent_id;

/// What came of one worker's life.
#[derive(Debug, Serialize, Deserialize)]
struct Life {
    started: Result<(), String>,
    /// What each call returned.
    answers: Vec<Result<Vec<u8>, String>>,
    /// Whether it ended by itself; else why not.
    stopped: Result<(), String>,
    ledger: Ledger,
    left: Leftovers,
}

/// A pipe that a process holds: whether for reading, for writing.
type Ends = BTreeMap<String, (bool, bool)>;

/// The process that answered, its parent, and how often it had been asked.
type Asked = (u32, u32, u32);

checks::subject! {
    for Learner;

    /// One worker after the other in one process: each gets these requests and answers with their bytes backwards.
    fn answers(learner, workers: Vec<Vec<Vec<u8>>>) -> Vec<Life> as Worker {
        workers.iter().map(|requests| live(learner, requests, backwards())).collect()
    }

    /// A worker that gets bodies of these lengths, and returns as many: each answer's length and checksum.
    fn long_answers(learner, lens: Vec<(usize, usize)>) -> Vec<Result<(usize, u32), String>> as Worker {
        let serve: Answers = Box::new(|request| {
            let len = u64::from_ne_bytes(request[..8].try_into().expect("eight bytes"));
            pattern(u64::from(checksum(request)), usize::try_from(len).expect("a short length"))
        });
        let mut worker = (learner.start_worker)(serve).expect("a worker starts");
        let calls = lens.iter().map(|(ask, answer)| {
            let mut request = (*answer as u64).to_ne_bytes().to_vec();
            request.extend(pattern(3, ask.saturating_sub(8)));
            worker.call(&request).map(|answer| (answer.len(), checksum(&answer))).map_err(|error| kind(&error))
        });
        calls.collect()
    }

    /// A worker that gets a request of so many zeros and returns as many: the length of what `call` returned. If `again`, also of
    /// a request of one byte after it. And what is left of it when it was stopped.
    fn zeros(learner, ask: usize, answer: usize, again: bool) -> (Vec<Result<usize, String>>, Leftovers) as Worker {
        let serve: Answers = Box::new(move |request| match request.len() == ask {
            true => vec![0; answer],
            false => vec![],
        });
        leftovers::watch(|| {
            let mut worker = (learner.start_worker)(serve).expect("a worker starts");
            let asks = if again { &[ask, 1][..] } else { &[ask] };
            let calls = asks.iter().map(|ask| worker.call(&vec![0; *ask]).map(|answer| answer.len()).map_err(|error| kind(&error)));
            let answers = calls.collect();
            let _ = worker.stop(); // the worker may still be writing
            answers
        })
    }

    /// In which process, and of which parent, each of three requests is answered, and how often that process was asked.
    fn who_answers(learner) -> SelfReported<(u32, Vec<Asked>)> as Worker {
        let asked = Cell::new(0);
        let serve: Answers = Box::new(move |_| {
            asked.set(asked.get() + 1);
            let words = [std::process::id(), parent_id(), asked.get()];
            words.iter().flat_map(|word| word.to_ne_bytes()).collect()
        });
        let mut worker = (learner.start_worker)(serve).expect("a worker starts");
        let answers = (0..3).map(|_| {
            let answer = worker.call(b"who").expect("an answer");
            let word = |at: usize| answer.get(at * 4..at * 4 + 4).map_or(0, |word| u32::from_ne_bytes(word.try_into().expect("four bytes")));
            (word(0), word(1), word(2))
        });
        let answers = answers.collect();
        worker.stop().expect("it stops");
        observed((std::process::id(), answers))
    }

    /// A worker whose `serve` does what the requests say.
    fn dying_worker(learner, requests: Vec<Vec<u8>>) -> Life as Worker {
        live(learner, &requests, life::dies())
    }

    /// Starts a worker where the process can open so many descriptors more.
    fn start_with_descriptors(learner, more: usize) -> (Result<(), String>, Leftovers) as Worker {
        leftovers::watch(|| {
            let started = faults::with_new_descriptors(more, || (learner.start_worker)(backwards()));
            started.map(drop).map_err(|error| error.to_string())
        })
    }

    fn worker_with_faults(learner, failing: Vec<Fault>) -> Life as Worker {
        faults::plan(&failing);
        live(learner, &[b"request".to_vec()], backwards())
    }

    /// Several workers at the same time, each with an answer of its own: all are called in turn, then called and stopped in this order.
    fn several_workers(learner, order: Vec<usize>) -> Vec<(Answer, Result<(), String>)> as Worker {
        let start = |at: usize| {
            let serve: Answers = Box::new(move |request| [&[at as u8], request].concat());
            Some((learner.start_worker)(serve).expect("a worker starts"))
        };
        let mut workers: Vec<_> = (0..order.len()).map(start).collect();
        for worker in workers.iter_mut().flatten() {
            let _ = worker.call(b"the first");
        }
        order
            .into_iter()
            .map(|at| {
                let mut worker = workers[at].take().expect("it is stopped once");
                let answer = worker.call(b"abc").map_err(|error| kind(&error));
                (answer, worker.stop().map_err(|error| error.to_string()))
            })
            .collect()
    }

    /// The pipes that this process holds, those that it held before the worker was started left out; those of the worker; and
    /// which of an earlier worker's it inherited.
    fn pipes(learner) -> SelfReported<(Ends, Ends, Ends)> as Worker {
        observed(life::pipes(learner))
    }

    /// The parent of a worker is killed: while the worker waits for a request, or before it sends so many bytes. Whether the
    /// worker has ended then.
    fn orphan(learner, answer: Option<usize>) -> SelfReported<bool> as Worker {
        observed(life::orphan(learner, answer))
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    the_worker_ends_when_it_is_stopped,
    a_worker_answers,
    one_process_answers_all,
    nothing_is_left_behind,
    workers_end_on_their_own,
    nobody_keeps_an_end_that_it_does_not_use,
    empty_and_long_requests_and_answers,
    requests_and_answers_up_to_the_limit,
    many_requests,
    a_second_worker_begins_anew,
    an_answer_is_a_frame,
    a_request_is_a_frame,
    a_worker_that_dies_is_an_error,
    a_worker_that_is_gone_is_a_broken_pipe,
    stopping_a_dead_worker_is_an_error,
    a_worker_ends_when_its_parent_dies,
    a_fork_that_fails_is_an_error,
    pipes_that_cannot_be_made_are_an_error,
];

const STEP: &str = "ipc/exercise.md#step-2-a-worker";
const ENDS: &str = "ipc/exercise.md#who-holds-which-end";
const GONE: &str = "ipc/exercise.md#when-the-worker-is-gone";

fn backwards() -> Answers {
    Box::new(|request| request.iter().rev().copied().collect())
}

fn live(learner: Learner, requests: &[Vec<u8>], serve: Answers) -> Life {
    let (((started, answers, stopped), ledger), left) = leftovers::watch(|| {
        ledger::observe(|| match (learner.start_worker)(serve) {
            Err(error) => (Err(error.to_string()), vec![], Ok(())),
            Ok(mut worker) => {
                let calls = requests.iter();
                let answers =
                    calls.map(|request| worker.call(request).map_err(|error| kind(&error)));
                let answers = answers.collect();
                let stopped = worker.stop().map_err(|error| error.to_string());
                (Ok(()), answers, stopped)
            }
        })
    });
    Life {
        started,
        answers,
        stopped,
        ledger,
        left,
    }
}

fn a_worker_answers() {
    explain(
        STEP,
        "The worker reads a frame, gives its bytes to `serve`, and writes the result as a frame.",
    );
    let mut random = random();
    let requests: Vec<Vec<u8>> = (1..6).map(|n| pattern(random.u64(..), n * 3)).collect();
    let life = answers(&vec![requests.clone()]).remove(0);
    assert_eq!(life.started, Ok(()), "the start of a worker");
    for (request, answer) in requests.into_iter().zip(life.answers) {
        let backwards: Vec<u8> = request.iter().rev().copied().collect();
        assert_eq!(
            answer,
            Ok(backwards),
            "the answer to {request:?} of a worker that returns the bytes backwards"
        );
    }
    assert_eq!(life.stopped, Ok(()), "stopping the worker");
}

fn one_process_answers_all() {
    explain(
        STEP,
        "`start` forks one process, which answers every request. A thread, or the caller itself, would not be behind a wall.",
    );
    let (subject, answers) = who_answers().into_inner();
    for (pid, parent, _) in &answers {
        assert!(
            *pid != subject,
            "The request was answered by the process that asked."
        );
        assert_eq!(*parent, subject, "the parent of the worker, a process id");
    }
    let asked: Vec<u32> = answers.iter().map(|(.., asked)| *asked).collect();
    assert!(
        answers.iter().all(|(pid, ..)| *pid == answers[0].0) && asked == [1, 2, 3],
        "Three requests were answered by the processes {:?}; it must be the same one for all.",
        answers.iter().map(|(pid, ..)| pid).collect::<Vec<_>>()
    );
}

fn empty_and_long_requests_and_answers() {
    explain(
        STEP,
        "A request may be empty or longer than a pipe holds (64 KiB), and so may an answer.",
    );
    let life = answers(&vec![vec![vec![], vec![7], vec![]]]).remove(0);
    assert_eq!(
        life.answers,
        [Ok(vec![]), Ok(vec![7]), Ok(vec![])],
        "the answers to requests of 0, 1 and 0 bytes"
    );
    let lens = vec![
        (8, 1 << 20),
        (1 << 20, 0),
        (1 << 20, 1 << 20),
        (16_384, 16_385),
        (9, 9),
    ];
    for ((ask, answer), got) in lens.iter().zip(long_answers(&lens)) {
        let mut request = (*answer as u64).to_ne_bytes().to_vec();
        request.extend(pattern(3, ask - 8));
        let expected = checksum(&pattern(u64::from(checksum(&request)), *answer));
        assert_eq!(
            got,
            Ok((*answer, expected)),
            "the answer of {answer} bytes to a request of {ask} bytes: length and checksum"
        );
    }
}

fn requests_and_answers_up_to_the_limit() {
    explain(
        STEP,
        "A request and an answer may have `LIMIT` bytes, and not one more: pass `LIMIT` to `recv_frame`, on both sides.",
    );
    const LIMIT: usize = 1 << 26;
    for (ask, answer, expected) in [
        (LIMIT, 1, Ok(1)),
        (1, LIMIT, Ok(LIMIT)),
        (LIMIT + 1, 1, Err("BrokenPipe".to_owned())),
    ] {
        assert_eq!(
            zeros(&ask, &answer, &false).0,
            [expected],
            "the length of an answer of {answer} bytes to a request of {ask} bytes"
        );
    }
    let ended = || Err("BrokenPipe".to_owned());
    assert_eq!(
        zeros(&(LIMIT + 1), &1, &true).0,
        [ended(), ended()],
        "what came of a request of {} bytes, which ends the worker, and of a request of 1 byte after it",
        LIMIT + 1
    );
    explain(
        ENDS,
        "An answer that is too long is refused after its header, and the worker may still be writing it when it is stopped. It waits for \
         a reader as long as you hold your end of the answers: close both ends before you wait.",
    );
    let (answers, left) = zeros(&1, &(LIMIT + 1), &false);
    assert_eq!(
        answers,
        [Err("InvalidData".to_owned())],
        "the length of an answer of {} bytes",
        LIMIT + 1
    );
    assert!(
        left.is_nothing(),
        "A worker whose answer was too long was stopped, and left {left} behind."
    );
}

fn many_requests() {
    explain(
        STEP,
        "The worker answers as many requests as come, in their order.",
    );
    let mut random = random();
    let requests: Vec<Vec<u8>> = (0..600u16)
        .map(|n| {
            [
                &n.to_ne_bytes()[..],
                &pattern(random.u64(..), random.usize(0..4)),
            ]
            .concat()
        })
        .collect();
    let backwards = |request: &Vec<u8>| Ok(request.iter().rev().copied().collect());
    let expected: Vec<Answer> = requests.iter().map(backwards).collect();
    let life = answers(&vec![requests]).remove(0);
    assert!(
        life.answers == expected,
        "Of 600 requests, number {} got the answer {:?}.",
        life.answers
            .iter()
            .zip(&expected)
            .position(|(a, b)| a != b)
            .unwrap_or(0),
        life.answers
            .iter()
            .zip(&expected)
            .find(|(a, b)| a != b)
            .map(|(a, _)| a)
    );
}

fn a_second_worker_begins_anew() {
    explain(STEP, "Each worker has pipes and a process of its own.");
    let lives = answers(&vec![
        vec![b"ab".to_vec()],
        vec![],
        vec![b"cd".to_vec(), b"ef".to_vec()],
    ]);
    let answers: Vec<_> = lives.iter().map(|life| life.answers.clone()).collect();
    let ok = |bytes: &[u8]| Ok(bytes.to_vec());
    assert_eq!(
        answers,
        [vec![ok(b"ba")], vec![], vec![ok(b"dc"), ok(b"fe")]],
        "the answers of three workers, one after the other"
    );
    for life in &lives {
        assert_eq!(
            life.ledger.all_forks(),
            1,
            "processes forked for one worker"
        );
        assert_eq!(life.stopped, Ok(()), "stopping each of three workers");
    }
}

fn the_worker_ends_when_it_is_stopped() {
    explain(
        ENDS,
        "`stop` closes the pipe of requests and then waits. The worker finds the end of the requests when every process has closed \
         its writing end of that pipe, the worker's own copy included. Then its closure returns `Ok(())`.",
    );
    for requests in [vec![], vec![b"abc".to_vec()]] {
        let life = answers(&vec![requests]).remove(0);
        assert_eq!(life.stopped, Ok(()), "stopping a worker");
        assert_eq!(
            life.left.children, 0,
            "children left, running or as zombies"
        );
    }
}

fn nothing_is_left_behind() {
    explain(
        STEP,
        "`stop` waits for the process and closes the pipes: nothing of the worker is left.",
    );
    let life = answers(&vec![vec![b"abc".to_vec()]]).remove(0);
    assert!(
        life.left.is_nothing(),
        "A worker that was stopped left {} behind.",
        life.left
    );
}

fn a_fork_that_fails_is_an_error() {
    explain(
        STEP,
        "Without a process there is no worker: return the error, and drop the pipes.",
    );
    let life = worker_with_faults(&vec![Fault::Fail(Operation::Fork, 1)]);
    assert!(
        life.started.is_err(),
        "The process could not be forked, and `start` returned {:?}.",
        life.started
    );
    assert!(
        life.left.is_nothing(),
        "The process could not be forked, and `start` left {} behind.",
        life.left
    );
}

fn pipes_that_cannot_be_made_are_an_error() {
    explain(
        STEP,
        "A process can have only so many descriptors. If `io::pipe` fails, there is no worker: return the error. `fork` fails, \
         too, when there is no descriptor left for a pipe of its own.",
    );
    for (more, what) in [
        (0, "No pipe could be made"),
        (2, "The second pipe could not be made"),
        (4, "Two pipes could be made, and no other descriptor"),
    ] {
        let (started, left) = start_with_descriptors(&more);
        assert!(
            started.is_err(),
            "{what}, and `start` returned {started:?}."
        );
        assert!(left.is_nothing(), "{what}, and `start` left {left} behind.");
    }
}

use life::{
    a_request_is_a_frame, a_worker_ends_when_its_parent_dies, a_worker_that_dies_is_an_error,
    a_worker_that_is_gone_is_a_broken_pipe, an_answer_is_a_frame,
    nobody_keeps_an_end_that_it_does_not_use, stopping_a_dead_worker_is_an_error,
    workers_end_on_their_own,
};
