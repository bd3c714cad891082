//! Step 5: asleep while there is nothing to do, awake at once when there is, and aware of the peer's death.

mod death;
mod idle;

use crate::ring::model::{self, Exchanged, explain_outcome, send_to_the_dying};
use crate::{Answer, Learner, pattern};
use checks::faults::Fault;
use checks::{Events, Explored, SelfReported, explain, observed, random};
use serde::{Deserialize, Serialize};

/// What came of one side's waiting, while the test was the other side.
#[derive(Debug, Serialize, Deserialize)]
struct Waited {
    /// What `send` or `recv` returned; a message as it came.
    result: Result<Option<Vec<u8>>, String>,
    /// Whether the other side saw it asleep, by the kernel's account.
    seen_asleep: SelfReported<bool>,
    /// On which words it slept, each once.
    slept_on: SelfReported<Vec<usize>, Events>,
    /// Processor time in milliseconds while there was nothing to do.
    cpu_ms: SelfReported<u64>,
}

checks::subject! {
    for Learner;

    /// Two threads exchange messages with `send` and `recv`, under many schedules. The producer may die at the end.
    fn exchange(learner, words: usize, messages: Vec<Vec<u8>>, dies: bool) -> Explored<Exchanged> as send_and_recv {
        model::exchange(learner, words, &messages, dies)
    }

    /// A consumer takes so many messages and dies, while the producer sends the last one.
    fn send_to_dying(learner, words: usize, messages: Vec<Vec<u8>>, takes: usize) -> Explored<Result<(), String>> as send {
        send_to_the_dying(learner, words, &messages, takes)
    }

    /// `recv` on an empty ring, or `send` on a full one, until the other side, after `idle_ms`, sends or takes.
    fn wait(learner, sends: bool, idle_ms: u64, spurious: u32) -> Waited as send_and_recv {
        idle::wait(learner, sends, idle_ms, spurious)
    }

    /// How often `send` and `recv` wake somebody: with nobody asleep, and with the other side asleep.
    fn wakes(learner) -> idle::Wakes as send_and_recv {
        idle::wakes(learner)
    }

    /// A message that is sent and received with nobody asleep, where nobody can ask about the peer.
    fn unasked(learner) -> Result<(), String> as send_and_recv {
        idle::unasked(learner)
    }

    /// Errors of the ring: sending too much, and receiving from, and sending to, memory that makes no sense.
    fn errors(learner) -> [Result<(), String>; 3] as send_and_recv {
        idle::errors(learner)
    }

    /// `recv` on an empty ring, or `send` on a full one, whose other side moves its counter between the announcement and the second look.
    fn overtaken(learner, sends: bool) -> idle::Overtaken as send_and_recv {
        idle::overtaken(learner, sends)
    }

    /// While one side sleeps, the other leaves counters that make no sense, and wakes it, or dies.
    /// Also whether it slept once more.
    fn nonsense_while_asleep(learner, sends: bool, dies: bool) -> (Result<Option<Vec<u8>>, String>, SelfReported<bool>) as send_and_recv {
        idle::nonsense_while_asleep(learner, sends, dies)
    }

    /// A child sends messages of these lengths, or receives them; `round_trip` sends each back.
    fn across(learner, words: usize, lens: Vec<usize>, to_child: bool) -> SelfReported<Result<usize, String>> as send_and_recv {
        observed(death::across(learner, words, &lens, to_child))
    }

    /// The peer is gone already: what `recv` returns for messages that it had sent, and then; what `send` returns for a ring that has
    /// room for one message, twice.
    fn after_death(learner, sent: Vec<Vec<u8>>) -> (Vec<Answer>, [Result<(), String>; 2]) as send_and_recv {
        death::after(learner, &sent)
    }

    /// The peer ends while this side sleeps: by exit, by SIGKILL; `recv`, then `send`.
    fn while_asleep(learner, sends: bool, by_kill: bool) -> Result<Option<Vec<u8>>, String> as send_and_recv {
        death::while_asleep(learner, sends, by_kill)
    }

    /// The peer stands still, stopped by SIGSTOP, and then goes on or is killed; `recv`, then `send`.
    fn while_stopped(learner, sends: bool, by_kill: bool) -> Result<Option<Vec<u8>>, String> as send_and_recv {
        death::while_stopped(learner, sends, by_kill)
    }

    /// A child is killed before its n-th access to the memory, or at some moment in a stream of messages: what was wrong.
    fn killed_at(learner, moments: Vec<u64>, receives: bool) -> SelfReported<Vec<Option<String>>> as send_and_recv {
        observed(moments.iter().map(|nth| death::killed(learner, Some(Fault::KillChildAtAccess(*nth)), receives, 0)).collect())
    }

    fn killed_at_random(learner, seed: u64, rounds: usize, receives: bool) -> SelfReported<Vec<Option<String>>> as send_and_recv {
        let mut random = fastrand::Rng::with_seed(seed);
        observed((0..rounds).map(|_| death::killed(learner, None, receives, random.u64(0..300_000))).collect())
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    messages_arrive_under_any_schedule,
    no_wake_up_is_lost_when_the_ring_is_full,
    a_sleeper_is_woken,
    who_sleeps_says_so_and_sleeps_on_the_word,
    waiting_takes_no_processor_time,
    a_wake_up_without_a_message_changes_nothing,
    nobody_is_woken_who_does_not_sleep,
    a_dead_producer_is_a_broken_pipe,
    a_dead_consumer_is_a_broken_pipe,
    a_death_while_asleep_is_noticed,
    a_stopped_peer_is_alive,
    what_was_sent_before_the_death_arrives,
    errors_of_the_ring_come_through,
    nobody_asks_about_a_peer_without_need,
    two_processes_exchange_messages,
    a_producer_may_be_killed_at_every_access,
    a_consumer_may_be_killed_at_every_access,
    processes_may_be_killed_at_random_moments,
];

const STEP: &str = "ipc/exercise.md#step-5-asleep-until-woken";
const LOST: &str = "ipc/exercise.md#no-wake-up-is-lost";
const DEAD: &str = "ipc/exercise.md#the-peer-died";

use death::{
    a_consumer_may_be_killed_at_every_access, a_dead_consumer_is_a_broken_pipe,
    a_dead_producer_is_a_broken_pipe, a_death_while_asleep_is_noticed,
    a_producer_may_be_killed_at_every_access, a_stopped_peer_is_alive,
    processes_may_be_killed_at_random_moments, two_processes_exchange_messages,
};
use idle::{
    a_sleeper_is_woken, a_wake_up_without_a_message_changes_nothing,
    errors_of_the_ring_come_through, nobody_asks_about_a_peer_without_need,
    nobody_is_woken_who_does_not_sleep, waiting_takes_no_processor_time,
    who_sleeps_says_so_and_sleeps_on_the_word,
};

fn messages(lens: &[usize]) -> Vec<Vec<u8>> {
    let seed = random().u64(..);
    lens.iter()
        .enumerate()
        .map(|(n, len)| pattern(seed + n as u64, *len))
        .collect()
}

fn messages_arrive_under_any_schedule() {
    explain(
        STEP,
        "`recv` returns each message once, in order, even if it has to sleep before each of them.",
    );
    for (words, lens) in [(8, &[9][..]), (8, &[3, 16]), (16, &[8, 8, 0])] {
        let messages = messages(lens);
        let explored = exchange(&words, &messages, &false);
        explain_outcome(&explored);
        explored.expect_always(&Ok(messages));
    }
}

fn no_wake_up_is_lost_when_the_ring_is_full() {
    explain(
        STEP,
        "`send` sleeps while there is no room, and every message arrives, in order.",
    );
    for (words, lens) in [(2, &[8, 8, 8][..]), (3, &[16, 1, 8, 16])] {
        let messages = messages(lens);
        let explored = exchange(&words, &messages, &false);
        explain_outcome(&explored);
        explored.expect_always(&Ok(messages));
    }
}

fn what_was_sent_before_the_death_arrives() {
    explain(
        DEAD,
        "A producer may send its last message and die right after, while the consumer falls asleep. The death must not hide the message: \
         when the peer is gone, look into the ring once more, and only then return the error.",
    );
    let messages = messages(&[9, 3]);
    for sent in [&messages[..1], &messages[..0], &messages[..]] {
        let explored = exchange(&8, &sent.to_vec(), &true);
        let mut expected = sent.to_vec();
        expected.push(b"BrokenPipe".to_vec());
        explain_outcome(&explored);
        explored.expect_always(&Ok(expected));
    }
    explain(
        DEAD,
        "Just before it died, the consumer may have made room. Try once more before you give up; if there \
         is no room, return `BrokenPipe`.",
    );
    let full = vec![vec![1; 8], vec![2; 8], vec![3; 8]];
    for (takes, expected) in [(0, Err("BrokenPipe".to_owned())), (1, Ok(()))] {
        let explored = send_to_dying(&4, &full, &takes);
        explain_outcome(&explored);
        explored.expect_always(&expected);
    }
}
