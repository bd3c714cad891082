//! Step 6: who keeps a descriptor open, and a worker that has to see the end of its input.

use crate::Learner;
use crate::support::middle;
use checks::faults::{Fault, Operation};
use checks::ledger::{self, Ledger, What};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, explain, faults, observed, random, unused_name};
use os_core::process::Child;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// What a call returned, what happened meanwhile, what it left behind.
type Call = (Result<Vec<u64>, String>, Ledger, Leftovers);

/// The places in a list of pids that were returned, and those that are right.
type Found = (Result<Vec<usize>, String>, SelfReported<Vec<usize>>);

checks::subject! {
    for Learner;

    /// Several calls, one after the other, in one process.
    fn sum_in_workers(learner, calls: Vec<Vec<Vec<u8>>>, failing: Vec<Fault>) -> Vec<Call> {
        let call = |inputs: Vec<Vec<u8>>| {
            faults::reset();
            faults::plan(&failing);
            let ((sums, ledger), left) = leftovers::watch(|| ledger::observe(|| (learner.sum_in_workers)(&inputs)));
            faults::reset();
            (in_words(sums), ledger, left)
        };
        calls.into_iter().map(call).collect()
    }

    /// The sums, with no more than so many new descriptors, from 0 up to `most`; and what is left behind.
    fn sum_with_few_descriptors(learner, inputs: Vec<Vec<u8>>, most: usize) -> Vec<(Result<Vec<u64>, String>, Leftovers)> as sum_in_workers {
        let sum = |count| leftovers::watch(|| in_words(faults::with_new_descriptors(count, || (learner.sum_in_workers)(&inputs))));
        (0..=most).map(sum).collect()
    }

    /// The caller is killed while it writes: how many of its workers had begun, and how many live on.
    fn sum_and_be_killed(learner, workers: usize) -> SelfReported<(usize, usize)> as sum_in_workers {
        // In this process, too: a panic in a child is only a crash of somebody.
        let _ = (learner.sum_in_workers)(&[]);
        let (mut begun, begin) = io::pipe().expect("a pipe");
        let (go, let_go) = io::pipe().expect("a pipe");
        let caller = middle::child(|| {
            faults::hold_children(begin, go);
            // More than a stream takes while nobody reads.
            (learner.sum_in_workers)(&vec![vec![1; 1 << 20]; workers])
        });
        let mut pids = Vec::new();
        for _ in 0..workers {
            let mut pid = [0; 4];
            if begun.read_exact(&mut pid).is_err() {
                break;
            }
            pids.push(u32::from_le_bytes(pid));
        }
        let handles = middle::handles(pids.iter().copied());
        // Wherever it is: it can't have written everything, since nobody has read. It may poll, so it is not waited for.
        caller.kill().expect("it is a child");
        caller.finish().expect("it ends");
        (&let_go).write_all(&vec![0; workers]).expect("it can be written");
        observed((pids.len(), middle::survivors(&handles)))
    }

    /// Who has a descriptor: of a socket, of its other end, of a pipe; then of one that nobody has.
    fn holders(learner, unused: String) -> Vec<Found> {
        find_holders(learner, &unused)
    }

    /// The search, when no folder can be opened: whether it returned an error.
    fn holders_without_descriptors(learner) -> Result<Vec<u32>, String> as holders {
        let me = std::process::id();
        in_words(faults::without_new_descriptors(|| (learner.holders)(1, &[me])))
    }

    /// The search in the caller's own process, which has the folder open that it reads; and what it leaves behind.
    fn holders_left(learner) -> (Result<Vec<u32>, String>, Leftovers) as holders {
        let me = std::process::id();
        let (found, left) = leftovers::watch(|| (learner.holders)(1, &[me, me]));
        (in_words(found), left)
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    a_process_that_is_gone_holds_nothing,
    whoever_has_the_socket_is_found,
    the_other_end_is_another_inode,
    whoever_has_the_pipe_is_found,
    nobody_has_what_does_not_exist,
    a_file_is_neither_socket_nor_pipe,
    descriptors_that_cannot_be_read_are_an_error,
    one_worker_sees_the_end_of_its_input,
    siblings_do_not_keep_an_input_open,
    every_input_has_a_worker_of_its_own,
    all_workers_are_forked_before_the_first_is_waited_for,
    inputs_without_bytes_add_up_to_nothing,
    long_inputs_are_added_up,
    without_inputs_no_worker_is_forked,
    a_killed_caller_leaves_no_workers,
    a_killed_worker_is_an_error,
    a_fork_that_fails_is_an_error,
    a_stream_that_cannot_be_made_is_an_error,
    nothing_is_left_behind,
];

fn in_words<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn inode(end: impl Into<OwnedFd>) -> u64 {
    File::from(end.into()).metadata().expect("it is open").ino()
}

/// An inode that nobody has.
const NAMED_INODE: u64 = u32::MAX as u64 + 54_321;

/// A file whose link in `/proc` ends like that of a socket.
struct NamedLikeASocket {
    file: File,
    folder: PathBuf,
}

impl NamedLikeASocket {
    /// In a folder that the judge's end removes, however it ends.
    fn open(unused: &str) -> Self {
        let folder = std::env::temp_dir().join(unused);
        std::fs::create_dir(&folder).expect("a folder");
        let path = folder.join(format!("socket:[{NAMED_INODE}]"));
        let file = File::create(&path).expect("a file");
        Self { file, folder }
    }
}

impl Drop for NamedLikeASocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// 12345 becomes 2345.
fn without_first_digit(inode: u64) -> u64 {
    inode % 10u64.pow(inode.ilog10())
}

/// Three children: the first has both ends of a socket and of a pipe, the second only one of each, the third none.
fn find_holders(learner: Learner, unused: &str) -> Vec<Found> {
    let (one, other) = UnixStream::pair().expect("a stream");
    let (reader, writer) = io::pipe().expect("a pipe");
    let (gate, held) = io::pipe().expect("a pipe");
    let (mut ready, announce) = io::pipe().expect("a pipe");
    let file = NamedLikeASocket::open(unused);
    let namespace = File::open("/proc/self/ns/uts"); // its link reads `uts:[…]`
    let mut ends = Some((one, other, reader, writer));
    let mut start = |keeps: u8| -> Child<()> {
        middle::child(|| {
            let (one, other, reader, writer) = ends.take().expect("the child has a copy");
            // The ends come after many others.
            let _many = (0..70)
                .map(|_| File::open("/dev/null"))
                .collect::<io::Result<Vec<_>>>()?;
            let first = (keeps > 0).then_some((one.try_clone()?, reader.try_clone()?));
            let second = (keeps > 1).then_some((other.try_clone()?, writer.try_clone()?));
            drop((one, other, reader, writer));
            (&announce).write_all(b"!")?;
            let _ = (&gate).read(&mut [0]);
            drop((first, second));
            Ok(())
        })
    };
    let children = [start(2), start(1), start(0)];
    middle::announced(&mut ready, 3).expect("they announce themselves");
    let gone = middle::child(|| Ok(()));
    let pid_of_gone = gone.pid();
    gone.wait().expect("it ends");
    let mut pids: Vec<u32> = children.iter().map(Child::pid).collect();
    pids.insert(1, pid_of_gone);
    pids.reverse(); // none, one, gone, both
    let (one, other, reader, writer) = ends.take().expect("the parent has them");
    let socket = inode(one);
    let inodes = [
        socket,
        inode(other),
        inode(reader),
        u64::from(u32::MAX) + 12_345,
        socket / 10, // the first digits of one that exists
        without_first_digit(socket),
        file.file.metadata().expect("it is open").ino(),
        NAMED_INODE,
        socket + (1 << 32),
        std::fs::metadata("/dev/null").expect("it exists").ino(), // of which the children have many
        namespace.map_or(NAMED_INODE, inode),
        // Every child has it, most probably as a descriptor with one digit only.
        std::fs::metadata("/proc/self/fd/1")
            .expect("it is open")
            .ino(),
    ];
    drop(writer);
    // The other end of the socket is in the first child only; nobody is asked about the parent itself.
    let has = |pid: &u32, inode: u64| {
        let names = [format!("socket:[{inode}]"), format!("pipe:[{inode}]")];
        let links = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten()
            .flatten();
        links
            .flat_map(|link| std::fs::read_link(link.path()))
            .any(|link| names.iter().any(|name| link.as_os_str() == name.as_str()))
    };
    // Most probably nobody has these; but inodes are small numbers.
    let by_chance = |inode: u64| -> Vec<usize> {
        (0..pids.len())
            .filter(|place| has(&pids[*place], inode))
            .collect()
    };
    let mut right = vec![vec![1, 3], vec![3], vec![1, 3], vec![]];
    right.extend(inodes[4..].iter().map(|inode| by_chance(*inode)));
    let find = |inode: u64| {
        in_words((learner.holders)(inode, &pids)).map(|found| {
            let place = |pid: &u32| pids.iter().position(|other| other == pid).unwrap_or(99);
            found.iter().map(place).collect()
        })
    };
    let found = inodes
        .into_iter()
        .map(find)
        .zip(right.into_iter().map(observed))
        .collect();
    (&held).write_all(&[0; 3]).expect("they wait");
    for child in children {
        child.wait().expect("it ends");
    }
    found
}

fn assert_found(which: usize, what: &str) {
    let (yours, right) = &holders(&unused_name())[which];
    assert_eq!(
        yours.as_ref(),
        Ok(&**right),
        "the places in `pids` of the processes that have {what}"
    );
}

fn whoever_has_the_socket_is_found() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "Every descriptor of a process is a link in `/proc/<pid>/fd`. Compare the whole link: `socket:[inode]`.",
    );
    assert_found(0, "a descriptor of this end of a socket");
}

fn the_other_end_is_another_inode() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "The two ends of a socket are two sockets, each with an inode of its own.",
    );
    assert_found(1, "a descriptor of the socket's other end");
}

fn whoever_has_the_pipe_is_found() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "A pipe's link reads `pipe:[inode]`, the same for both ends.",
    );
    assert_found(2, "a descriptor of a pipe");
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "Standard output is a descriptor like any other.",
    );
    assert_found(11, "a descriptor of the test's standard output");
}

fn nobody_has_what_does_not_exist() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "No link has this inode.",
    );
    assert_found(3, "a descriptor of an inode that doesn't exist");
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "An inode is a whole number: `socket:[1234` is only the beginning of `socket:[12345]`.",
    );
    assert_found(
        4,
        "a descriptor of an inode whose digits are the first ones of another inode",
    );
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "An inode is a whole number: `45]` is only the end of `socket:[12345]`.",
    );
    assert_found(
        5,
        "a descriptor of an inode whose digits are the last ones of another inode",
    );
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "An inode is a `u64`: cut to 32 bits, this one becomes the number of another.",
    );
    assert_found(
        8,
        "a descriptor of an inode that is larger than another one by 2 to the power of 32",
    );
}

fn a_file_is_neither_socket_nor_pipe() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "Only the text of the link says what is open. The inode of a file means something on its own disk only, and a file may have any name.",
    );
    assert_found(6, "a descriptor of the inode of a file");
    assert_found(
        7,
        "a descriptor of an inode that doesn't exist, but is in the name of a file",
    );
    assert_found(9, "a descriptor of the inode of `/dev/null`");
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "Only `socket:[…]` and `pipe:[…]` are a socket and a pipe. A namespace's link reads `uts:[…]`.",
    );
    assert_found(10, "a socket or pipe with the inode of a namespace");
}

fn descriptors_that_cannot_be_read_are_an_error() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "Only `NotFound` says that a process is gone. If you can't look, you don't know, and must not say \"nobody\".",
    );
    let yours = holders_without_descriptors();
    assert!(
        yours.is_err(),
        "no folder of /proc could be opened (EMFILE), and holders returned {yours:?}"
    );
}

fn a_process_that_is_gone_holds_nothing() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "One of the processes in `pids` has ended and was waited for: its folder in `/proc` is gone.",
    );
    for (yours, _) in holders(&unused_name()) {
        assert!(
            yours.is_ok(),
            "one of the processes is gone, and holders returned {yours:?}"
        );
    }
    let (yours, left) = holders_left();
    assert!(
        yours.is_ok(),
        "asked about its own process, holders returned {yours:?}"
    );
    assert!(left.is_nothing(), "holders left {left} behind");
}

fn inputs(lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut random = random();
    lengths
        .iter()
        .map(|length| (0..*length).map(|_| random.u8(..)).collect())
        .collect()
}

fn total(input: &[u8]) -> u64 {
    input.iter().map(|byte| u64::from(*byte)).sum()
}

fn sums(inputs: &[Vec<u8>]) -> Vec<u64> {
    inputs.iter().map(|input| total(input)).collect()
}

fn call_all(calls: &[Vec<Vec<u8>>]) -> Vec<Call> {
    sum_in_workers(&calls.to_vec(), &vec![])
}

fn call(inputs: &[Vec<u8>]) -> Call {
    call_all(&[inputs.to_vec()]).remove(0)
}

fn one_worker_sees_the_end_of_its_input() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "A stream ends for its reader when nobody has the other end any more. A forked child has a copy of its parent's end, too.",
    );
    let inputs = inputs(&[random().usize(10..500)]);
    assert_eq!(call(&inputs).0, Ok(sums(&inputs)), "the sums");
}

fn siblings_do_not_keep_an_input_open() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "A worker that is forked later has copies of all ends that its parent has at that moment, including those of the earlier \
         workers.",
    );
    for lengths in [&[20, 30][..], &[5, 0, 700, 1, 80, 9]] {
        let inputs = inputs(lengths);
        let calls = call_all(&[inputs.clone(), inputs.clone()]);
        for (yours, ..) in calls {
            assert_eq!(yours, Ok(sums(&inputs)), "the sums");
        }
    }
}

fn every_input_has_a_worker_of_its_own() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "Fork once for each input, even for an empty one.",
    );
    for lengths in [&[3][..], &[0, 4, 0], &[1; 36]] {
        let inputs = inputs(lengths);
        let (sums, ledger, _) = call(&inputs);
        assert_eq!(sums, Ok(self::sums(&inputs)), "the sums");
        assert_eq!(
            ledger.all_forks(),
            lengths.len(),
            "processes forked for {} inputs",
            lengths.len()
        );
    }
}

fn all_workers_are_forked_before_the_first_is_waited_for() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "A worker that is waited for before the next one is forked works alone.",
    );
    let (_, ledger, _) = call(&inputs(&[10, 10, 10]));
    let waited = ledger
        .records
        .iter()
        .position(|record| matches!(record.what, What::WaitBegan(_)));
    let before = ledger.records[..waited.unwrap_or(ledger.records.len())].iter();
    let forked = before
        .filter(|record| record.process == 0 && matches!(record.what, What::Forked(_)))
        .count();
    assert_eq!(
        forked, 3,
        "workers that had been forked when you waited for the first"
    );
}

fn inputs_without_bytes_add_up_to_nothing() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "An empty input is only its end.",
    );
    assert_eq!(call(&inputs(&[0, 0])).0, Ok(vec![0, 0]), "the sums");
}

fn long_inputs_are_added_up() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "One read isn't one input: read until the end. A sum doesn't fit into a byte.",
    );
    let inputs = vec![vec![255; 700_000], vec![1; 300_000], vec![7]];
    assert_eq!(
        call(&inputs).0,
        Ok(sums(&inputs)),
        "the sums of long inputs"
    );
}

fn without_inputs_no_worker_is_forked() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "There is nothing to do.",
    );
    let (yours, ledger, _) = call(&[]);
    assert_eq!(
        (yours, ledger.all_forks()),
        (Ok(vec![]), 0),
        "the sums, and the processes forked"
    );
}

fn a_killed_caller_leaves_no_workers() {
    explain(
        "crash_isolation/exercise.md#who-holds-it",
        "A `shutdown` needs somebody alive to call it. An end closes when its owner dies only if nobody else has it: the worker must not \
         have a copy of its own parent's end.",
    );
    for workers in [1, 3] {
        let (begun, survivors) = sum_and_be_killed(&workers).into_inner();
        assert_eq!(begun, workers, "workers that were forked");
        assert_eq!(
            survivors, 0,
            "workers that wait for more input although their caller was killed"
        );
    }
}

fn a_killed_worker_is_an_error() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "Wait for every worker, even for those that come after one that failed. Only then return the error.",
    );
    for nth in [1, 2, 3] {
        let long = vec![vec![1; 300_000]; 3];
        for inputs in [inputs(&[9, 9, 9]), long] {
            let (yours, _, left) =
                sum_in_workers(&vec![inputs], &vec![Fault::KillChild(nth)]).remove(0);
            assert!(
                yours.is_err(),
                "worker {nth} was killed, and sum_in_workers returned {yours:?}"
            );
            assert!(
                left.is_nothing(),
                "worker {nth} was killed, and sum_in_workers left {left} behind"
            );
        }
    }
}

fn a_fork_that_fails_is_an_error() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "The workers that exist already have to end, and you have to wait for them.",
    );
    for nth in [1, 3] {
        let failing = vec![Fault::Fail(Operation::Fork, nth)];
        let (yours, _, left) = sum_in_workers(&vec![inputs(&[9, 9, 9])], &failing).remove(0);
        assert!(
            yours.is_err(),
            "fork {nth} failed, and sum_in_workers returned {yours:?}"
        );
        assert!(
            left.is_nothing(),
            "fork {nth} failed, and sum_in_workers left {left} behind"
        );
    }
}

fn a_stream_that_cannot_be_made_is_an_error() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "A process may have so many descriptors and no more (EMFILE): `UnixStream::pair` fails then. Return the error; but the workers that \
         exist already have to end, and to be waited for.",
    );
    let inputs = inputs(&[9, 9, 9]);
    let mut failed = 0;
    for (count, (yours, left)) in sum_with_few_descriptors(&inputs, &16)
        .into_iter()
        .enumerate()
    {
        failed += usize::from(yours.is_err());
        assert!(
            yours.is_err() || yours == Ok(sums(&inputs)),
            "with room for {count} more descriptors, sum_in_workers returned {yours:?}, and the sums are {:?}",
            sums(&inputs)
        );
        assert!(
            left.is_nothing(),
            "with room for {count} more descriptors, sum_in_workers left {left} behind"
        );
    }
    assert!(failed > 0, "without descriptors there are no streams");
}

fn nothing_is_left_behind() {
    explain(
        "crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end",
        "Each worker is waited for, and each stream is closed.",
    );
    for (_, _, left) in call_all(&[inputs(&[10, 20, 30]), inputs(&[4])]) {
        assert!(left.is_nothing(), "sum_in_workers left {left} behind");
    }
}
