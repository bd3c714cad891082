//! Step 4: a ring that tells full from empty, wraps around, publishes whole messages, and trusts nothing that it reads.

pub(crate) mod both;
pub(crate) mod layout;
pub(crate) mod model;
mod orders;
mod trust;

use crate::framing::peak_kib;
use crate::{Learner, checksum, kind, pattern};
use checks::faults::Fault;
use checks::ledger::{self, What};
use checks::leftovers::{self, Leftovers};
use checks::{Explored, SelfReported, explain, observed, random};
use layout::{DATA, HEAD, TAIL, counters, put, ring, take, used_ring, words, words_for};
use model::{Exchanged, try_exchange};
use os_core::memory::{Mapping, Ordering::SeqCst};
use serde::{Deserialize, Serialize};

/// What is done to a ring.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Act {
    /// `try_send`.
    Send(Vec<u8>),
    /// `try_recv`.
    Recv,
    /// The other side, as another program, puts a message.
    TheyPut(Vec<u8>),
    /// The other side takes one.
    TheyTake,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Came {
    Sent(Result<bool, String>),
    Received(Result<Option<Vec<u8>>, String>),
    TheyPut(bool),
    TheyTook(SelfReported<Option<Vec<u8>>>),
}

/// What came of an act, and the head and the tail after it.
type Step = (Came, SelfReported<u64>, SelfReported<u64>);

/// What `try_send` and `try_recv` returned for a ring with these words, and whether they changed any.
type Judged = (
    Result<bool, String>,
    SelfReported<bool>,
    Result<Option<Vec<u8>>, String>,
    SelfReported<bool>,
    SelfReported<u64>,
);

checks::subject! {
    for Learner;

    /// Acts on rings of so many words whose counters begin at a number; for each act also head and tail afterwards.
    fn act(learner, rings: Vec<(usize, u64, Vec<Act>)>) -> Vec<Vec<Step>> as Ring {
        rings
            .into_iter()
            .map(|(words, at, acts)| {
                let memory = used_ring(words, at);
                acts.into_iter().map(|act| {
                    let came = do_it(learner, &memory, act);
                    let (head, tail) = counters(&memory);
                    (came, observed(head), observed(tail))
                }).collect()
            })
            .collect()
    }

    /// All words of a ring after these messages were sent.
    fn written(learner, words_: usize, at: u64, messages: Vec<Vec<u8>>) -> SelfReported<Vec<u64>> as Ring {
        let memory = used_ring(words_, at);
        for message in messages {
            (learner.try_send)(&memory, &message).expect("it fits");
        }
        observed(words(&memory))
    }

    /// Which words `try_send`, of 11 bytes, changes in a ring of so many whose counters begin at a number, and in which there is
    /// a message of 8 bytes; then which `try_recv`.
    fn changed(learner, words_: usize, at: u64) -> SelfReported<[Vec<usize>; 2]> as Ring {
        observed(trust::changed(learner, words_, at))
    }

    /// By how many MiB the address space is larger at its largest, for a message that says it has so many bytes.
    fn room_for(learner, len: u64) -> SelfReported<u64> as Ring {
        let mut words = words(&ring(6));
        (words[TAIL], words[DATA]) = (3, len);
        let memory = memory_of(&words);
        let before = peak_kib();
        let _ = (learner.try_recv)(&memory);
        observed((peak_kib() - before) >> 10)
    }

    /// What `try_send`, of 3 bytes, and then `try_recv` do with these words.
    fn judge(learner, memories: Vec<Vec<u64>>) -> Vec<Judged> as Ring {
        memories.iter().map(|words| judged(learner, words)).collect()
    }

    /// What `try_send`, of so many bytes, does with these words, and how many of them it changed.
    fn send_too_much(learner, rings: Vec<(Vec<u64>, usize)>) -> Vec<(Result<bool, String>, SelfReported<usize>)> as Ring {
        rings
            .iter()
            .map(|(before, len)| {
                let memory = memory_of(before);
                let sent = (learner.try_send)(&memory, &vec![0xa5; *len]).map_err(|error| kind(&error));
                let changed = words(&memory).iter().zip(before).filter(|(now, then)| now != then).count();
                (sent, observed(changed))
            })
            .collect()
    }

    /// Random words: the first for which something else comes out of `try_send` or `try_recv` than should.
    fn judge_random(learner, seed: u64, count: usize) -> SelfReported<Option<(Vec<u64>, Judged)>> as Ring {
        let mut random = fastrand::Rng::with_seed(seed);
        observed((0..count).find_map(|_| {
            let words = both::random_words(&mut random);
            let judged = judged(learner, &words);
            trust::complaint(&words, &judged).map(|_| (words, judged))
        }))
    }

    /// Messages of these lengths through a ring of so many words whose counters begin at a number, one after the other: each from
    /// `try_send` to another program, and from another program to `try_recv`. What came out, as lengths and checksums.
    fn long(learner, words: usize, at: u64, lens: Vec<usize>) -> Vec<both::Long> as Ring {
        both::long(learner, words, at, &lens)
    }

    /// Messages of these lengths, each one's content by its number, from a child to this process or the other way round.
    fn across(learner, words: usize, lens: Vec<usize>, to_child: bool) -> SelfReported<Result<usize, String>> as Ring {
        observed(both::across(learner, words, &lens, to_child))
    }

    /// A child that sends, or one that receives, and is killed before its n-th access to the memory; for each n what was wrong.
    fn killed(learner, moments: Vec<u64>, receives: bool) -> SelfReported<Vec<Option<String>>> as Ring {
        observed(moments.iter().map(|nth| both::killed(learner, Fault::KillChildAtAccess(*nth), receives)).collect())
    }

    /// What is left after twenty messages, and how often memory was mapped for two more.
    fn used(learner) -> (Leftovers, usize) as Ring {
        let exchange = |memory: &Mapping, count| {
            for _ in 0..count {
                (learner.try_send)(memory, b"message").expect("it can be sent");
                (learner.try_recv)(memory).expect("it can be received");
            }
        };
        let ((), left) = leftovers::watch(|| exchange(&ring(9), 20));
        let memory = ring(9);
        let ((), ledger) = ledger::observe(|| exchange(&memory, 2));
        (left, ledger.count(|record| matches!(record.what, What::Mapped(_))))
    }

    /// Another process writes into the ring while it is used.
    fn meddled(learner, meddling: trust::Meddling) -> Vec<trust::Outcome> as Ring {
        trust::meddled(learner, &meddling)
    }

    /// Two threads exchange messages, under many schedules.
    fn exchange(learner, words: usize, messages: Vec<Vec<u8>>) -> Explored<Exchanged> as Ring {
        try_exchange(learner, words, &messages)
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    a_message_comes_out_as_it_went_in,
    an_empty_ring_has_no_message,
    the_memory_is_as_described,
    the_other_side_may_be_another_program,
    messages_come_out_in_their_order,
    a_message_may_be_empty_or_fill_the_ring,
    full_and_empty_are_told_apart,
    a_full_ring_stays_as_it_is,
    messages_wrap_around_the_end,
    the_counters_go_beyond_32_bits,
    a_message_that_never_fits_is_an_error,
    the_consumer_sees_the_whole_message,
    the_producer_overwrites_nothing_unread,
    nothing_is_lost_under_any_schedule,
    counters_that_make_no_sense_are_an_error,
    a_length_that_makes_no_sense_is_an_error,
    random_memory_is_no_trouble,
    a_word_that_changes_meanwhile_is_no_trouble,
    two_processes_share_a_ring,
    a_killed_producer_leaves_whole_messages,
    a_killed_consumer_leaves_whole_messages,
    each_side_writes_its_own_words,
    nothing_is_left_behind,
];

const STEP: &str = "ipc/exercise.md#step-4-a-ring-in-shared-memory";
const LAYOUT: &str = "ipc/exercise.md#the-layout";
const FULL: &str = "ipc/exercise.md#full-or-empty";
const TRUST: &str = "ipc/exercise.md#trust-nothing-in-shared-memory";

use both::{
    a_killed_consumer_leaves_whole_messages, a_killed_producer_leaves_whole_messages,
    two_processes_share_a_ring,
};
use orders::{
    nothing_is_lost_under_any_schedule, the_consumer_sees_the_whole_message,
    the_producer_overwrites_nothing_unread,
};
use trust::{
    a_length_that_makes_no_sense_is_an_error, a_word_that_changes_meanwhile_is_no_trouble,
    counters_that_make_no_sense_are_an_error, each_side_writes_its_own_words,
};

fn do_it(learner: Learner, memory: &Mapping, act: Act) -> Came {
    match act {
        Act::Send(message) => {
            Came::Sent((learner.try_send)(memory, &message).map_err(|error| kind(&error)))
        }
        Act::Recv => Came::Received((learner.try_recv)(memory).map_err(|error| kind(&error))),
        Act::TheyPut(message) => Came::TheyPut(put(memory, &message)),
        Act::TheyTake => Came::TheyTook(observed(take(memory))),
    }
}

fn memory_of(words: &[u64]) -> Mapping {
    let memory = ring(words.len() - DATA);
    for (at, word) in words.iter().enumerate() {
        memory.word(at).store(*word, SeqCst);
    }
    memory
}

fn judged(learner: Learner, all: &[u64]) -> Judged {
    let memory = memory_of(all);
    let sent = (learner.try_send)(&memory, b"abc").map_err(|error| kind(&error));
    let send_changed = words(&memory) != all;
    let memory = memory_of(all);
    let received = (learner.try_recv)(&memory).map_err(|error| kind(&error));
    (
        sent,
        observed(send_changed),
        received,
        observed(words(&memory) != all),
        observed(counters(&memory).0),
    )
}

fn one(words: usize, acts: Vec<Act>) -> Vec<Step> {
    act(&vec![(words, 0, acts)]).remove(0)
}

fn came(all: Vec<Step>) -> Vec<Came> {
    all.into_iter().map(|(came, ..)| came).collect()
}

fn received(message: &[u8]) -> Came {
    Came::Received(Ok(Some(message.to_vec())))
}

const SENT: Came = Came::Sent(Ok(true));
const NO_ROOM: Came = Came::Sent(Ok(false));
const NONE: Came = Came::Received(Ok(None));

fn a_message_comes_out_as_it_went_in() {
    explain(
        STEP,
        "What was sent is received, byte for byte, and then it is gone.",
    );
    let seed = random().u64(..);
    for len in [8, 1, 5, 16, 23] {
        let message = pattern(seed, len);
        let all = one(8, vec![Act::Send(message.clone()), Act::Recv, Act::Recv]);
        assert_eq!(
            came(all),
            [SENT, received(&message), NONE],
            "sending {len} bytes, receiving twice"
        );
    }
}

fn an_empty_ring_has_no_message() {
    explain(
        FULL,
        "If the head equals the tail, there is no message: `None`.",
    );
    let rings = vec![
        (4, 0, vec![Act::Recv, Act::Recv]),
        (4, 77, vec![Act::Recv]),
        (3, 1 << 40, vec![Act::Recv]),
    ];
    for ring in act(&rings) {
        for (came, head, tail) in ring {
            assert_eq!(came, NONE, "receiving from an empty ring");
            assert_eq!(head, tail, "head and tail of an empty ring");
        }
    }
}

fn the_memory_is_as_described() {
    explain(
        LAYOUT,
        "Another program reads this memory: the length of the message in bytes, its bytes filled up to whole words, and the tail moved by \
         that many words.",
    );
    let messages = vec![pattern(1, 11), vec![], pattern(2, 8)];
    let all = written(&8, &0, &messages);
    assert_eq!(all[TAIL], 6, "the tail after messages of 11, 0 and 8 bytes");
    assert_eq!(all[HEAD], 0, "the head when nothing was taken");
    let lens = [all[DATA], all[DATA + 3], all[DATA + 4]];
    assert_eq!(
        lens,
        [11, 0, 8],
        "the length words of messages of 11, 0 and 8 bytes"
    );
    let bytes: Vec<u8> = all[DATA + 1..DATA + 3]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .take(11)
        .collect();
    assert_eq!(bytes, messages[0], "the bytes of the first message");
    explain(
        LAYOUT,
        "Word number n goes to place `DATA + n % capacity`: at the end of the memory a message continues at `DATA`.",
    );
    let all = written(&5, &13, &vec![pattern(1, 24)]);
    let expected = pattern(1, 24);
    let word =
        |at: usize| u64::from_ne_bytes(expected[at * 8..at * 8 + 8].try_into().expect("a word"));
    assert_eq!(
        (all[TAIL], &all[DATA..]),
        (17, &[word(1), word(2), 0, 24, word(0)][..]),
        "the tail, and the words of a ring of 5 into which 24 bytes were sent from word number 13 on"
    );
}

fn messages_come_out_in_their_order() {
    explain(STEP, "The oldest message comes first.");
    let message = |n: u8| vec![n; usize::from(n)];
    let mut acts: Vec<Act> = (0..10).map(|n| Act::Send(message(n))).collect();
    acts.extend((0..11).map(|_| Act::Recv));
    let mut expected = vec![SENT; 10];
    expected.extend((0..10).map(|n| received(&message(n))));
    expected.push(NONE);
    assert_eq!(
        came(one(30, acts)),
        expected,
        "ten messages sent, then eleven receptions"
    );
}

fn a_message_may_be_empty_or_fill_the_ring() {
    explain(
        FULL,
        "A message of no bytes takes one word; one that takes all words of the ring fits exactly.",
    );
    let all = one(
        1,
        vec![
            Act::Send(vec![]),
            Act::Recv,
            Act::Send(vec![]),
            Act::Recv,
            Act::Recv,
        ],
    );
    assert_eq!(
        came(all),
        [SENT, received(&[]), SENT, received(&[]), NONE],
        "empty messages in a ring of one word"
    );
    let (fills, seven) = (pattern(3, 32), pattern(3, 31));
    let acts = vec![
        Act::Send(fills.clone()),
        Act::Recv,
        Act::Send(seven.clone()),
        Act::Recv,
    ];
    let all = act(&vec![(5, 0, acts.clone()), (5, 3, acts)]);
    for ring in all {
        assert_eq!(
            came(ring),
            [SENT, received(&fills), SENT, received(&seven)],
            "32 and 31 bytes in a ring of 5 words"
        );
    }
    explain(
        FULL,
        "A ring may have many words, and a message many bytes: lengths and places need more than 8 or 16 bits.",
    );
    let words = random().usize(70_000..90_000);
    let lens = vec![300, 70_001, (words - 1) * 8, 131_072];
    let at = words as u64 * 7 - 500; // the second one reaches the end of the memory
    for (len, came) in lens.iter().zip(long(&words, &at, &lens)) {
        let sum = Some((*len, checksum(&pattern(at, *len))));
        assert_eq!(
            came,
            (Ok(true), observed(sum), Ok(sum)),
            "what came of sending {len} bytes to a ring of {words} words; of what another program took out then; and of receiving as many from it \
             (lengths and checksums)"
        );
    }
}

fn full_and_empty_are_told_apart() {
    explain(
        FULL,
        "Head and tail count up and never wrap, so equal means empty, and a difference of the whole capacity means full. As indexes \
         into the ring, both would look the same.",
    );
    for at in [0, 2, 1001] {
        let message = |n: u8| vec![n; 8];
        let acts = vec![
            Act::Send(message(1)),
            Act::Send(message(2)),
            Act::Send(message(3)),
            Act::Recv,
            Act::Send(message(4)),
            Act::Send(message(5)),
            Act::Recv,
            Act::Recv,
            Act::Recv,
        ];
        let all = act(&vec![(4, at, acts)]).remove(0);
        assert_eq!(
            came(all),
            [
                SENT,
                SENT,
                NO_ROOM,
                received(&message(1)),
                SENT,
                NO_ROOM,
                received(&message(2)),
                received(&message(4)),
                NONE
            ],
            "messages of 2 words in a ring of 4, from word number {at} on"
        );
    }
}

fn a_full_ring_stays_as_it_is() {
    explain(
        FULL,
        "If there is no room, nothing changes: look before you write.",
    );
    for (at, last) in [(0, 7), (3, 7), (0, 0), (3, 0)] {
        let before = used_ring(4, at);
        put(&before, &[1; 8]);
        put(&before, &pattern(2, last));
        let free = 2 - words_for(last);
        let (sent, changed, ..) = judge(&vec![words(&before)]).remove(0);
        assert_eq!(
            sent,
            Ok(false),
            "sending 3 bytes to a ring with {free} free word(s)"
        );
        assert!(
            !*changed,
            "3 bytes were sent to a ring with {free} free word(s), and words of it changed."
        );
    }
    // Each number of free words, and each message that needs more: none of it may lie in the free ones afterwards.
    let mut rings = Vec::new();
    for (at, used) in [0, 5]
        .into_iter()
        .flat_map(|at| (1..=8).map(move |used| (at, used)))
    {
        let before = used_ring(8, at);
        for _ in 0..used {
            put(&before, &[]);
        }
        let lens = (8 - used..8).map(|words| words * 8);
        rings.extend(lens.map(|len| (words(&before), len)));
    }
    for ((before, len), (sent, changed)) in rings.iter().zip(send_too_much(&rings)) {
        let free = 8 - (before[TAIL] - before[HEAD]);
        assert_eq!(
            (sent, *changed),
            (Ok(false), 0),
            "sending {len} bytes, which need {} words, to a ring of 8 words, of which {free} are free; and how many words changed",
            words_for(*len)
        );
    }
    let acts = vec![
        Act::Send(vec![1; 8]),
        Act::Send(vec![9; 17]),
        Act::Send(vec![2; 8]),
        Act::Recv,
        Act::Recv,
    ];
    assert_eq!(
        came(one(4, acts)),
        [SENT, NO_ROOM, SENT, received(&[1; 8]), received(&[2; 8])],
        "in a ring of 4 words: 8 bytes, 17 bytes, 8 bytes, then two receptions"
    );
}

fn messages_wrap_around_the_end() {
    explain(
        LAYOUT,
        "A message that reaches the end of the memory continues at `DATA`, word by word. Copy it in two parts.",
    );
    let mut random = random();
    for words in [2, 3, 5, 8, 13] {
        let mut acts = Vec::new();
        let mut expected = Vec::new();
        let mut waiting = std::collections::VecDeque::new();
        let mut free = words as u64;
        for _ in 0..120 {
            if random.bool() {
                let message = pattern(random.u64(..), random.usize(0..=(words - 1) * 8));
                let fits = words_for(message.len()) <= free;
                expected.push(Came::Sent(Ok(fits)));
                if fits {
                    free -= words_for(message.len());
                    waiting.push_back(message.clone());
                }
                acts.push(Act::Send(message));
            } else {
                let message: Option<Vec<u8>> = waiting.pop_front();
                free += message
                    .as_ref()
                    .map_or(0, |message| words_for(message.len()));
                expected.push(Came::Received(Ok(message)));
                acts.push(Act::Recv);
            }
        }
        let at = random.u64(0..1000);
        let all = came(act(&vec![(words, at, acts.clone())]).remove(0));
        if let Some(nth) = (0..all.len()).find(|nth| all[*nth] != expected[*nth]) {
            assert_eq!(
                all[nth],
                expected[nth],
                "in a ring of {words} words, from word number {at} on, step {} of a random series: {}",
                nth + 1,
                both::show(&acts[nth])
            );
        }
    }
}

fn the_other_side_may_be_another_program() {
    explain(
        LAYOUT,
        "The two sides know nothing of each other but what is in the memory. Here the test is the other side, and follows the layout.",
    );
    talk_with_another_program(&[0, 5]);
}

/// Both ways through rings whose counters begin at these numbers; the test keeps to the layout.
fn talk_with_another_program(counters: &[u64]) {
    let seed = random().u64(..);
    let message = |n: usize| pattern(seed, n);
    let acts = vec![
        Act::TheyPut(message(3)),
        Act::TheyPut(message(17)),
        Act::Recv,
        Act::Recv,
        Act::Recv,
        Act::Send(message(25)),
        Act::Send(message(0)),
        Act::TheyTake,
        Act::Send(message(30)),
        Act::TheyTake,
        Act::TheyTake,
        Act::TheyTake,
    ];
    let expected = [
        Came::TheyPut(true),
        Came::TheyPut(true),
        received(&message(3)),
        received(&message(17)),
        NONE,
        SENT,
        SENT,
        Came::TheyTook(observed(Some(message(25)))),
        SENT,
        Came::TheyTook(observed(Some(message(0)))),
        Came::TheyTook(observed(Some(message(30)))),
        Came::TheyTook(observed(None)),
    ];
    for at in counters {
        let all = came(act(&vec![(7, *at, acts.clone())]).remove(0));
        for (nth, (came, expected)) in all.iter().zip(&expected).enumerate() {
            assert_eq!(
                came,
                expected,
                "in a ring of 7 words whose counters begin at {at}, step {} of 12: {}",
                nth + 1,
                both::show(&acts[nth])
            );
        }
    }
}

fn the_counters_go_beyond_32_bits() {
    explain(
        LAYOUT,
        "Head and tail count all words that ever went through, in 64 bits.",
    );
    for at in [
        (1 << 31) - 2,
        (1 << 32) - 2,
        (1 << 40) + 1,
        (1 << 63) - 3,
        (1 << 63) + 5,
        u64::MAX - 40,
        random().u64(1 << 33..1 << 63) >> random().u32(0..30),
    ] {
        let acts = vec![
            Act::Send(vec![1; 20]),
            Act::Recv,
            Act::Send(vec![2; 16]),
            Act::Recv,
            Act::Recv,
        ];
        let all = act(&vec![(5, at, acts)]).remove(0);
        let (_, head, tail) = all[4].clone();
        assert_eq!(
            came(all),
            [SENT, received(&[1; 20]), SENT, received(&[2; 16]), NONE],
            "20 and 16 bytes through a ring whose counters begin at {at}"
        );
        assert_eq!((*head, *tail), (at + 7, at + 7), "head and tail afterwards");
    }
    // 2³² is no multiple of 7: whoever reckons with fewer bits finds other places.
    talk_with_another_program(&[(1 << 32) - 4, (1 << 63) - 5, (1 << 63) + 1]);
}

fn a_message_that_never_fits_is_an_error() {
    explain(
        FULL,
        "A message that is longer than the whole ring will never find room: `InvalidInput`, so that nobody waits for it.",
    );
    for (words, len) in [(4, 25), (4, 32), (1, 1), (4, 1000)] {
        let all = one(words, vec![Act::Send(vec![1; len]), Act::Recv]);
        assert_eq!(
            came(all),
            [Came::Sent(Err("InvalidInput".to_owned())), NONE],
            "sending {len} bytes to a ring of {words} words, then receiving"
        );
    }
}

fn random_memory_is_no_trouble() {
    explain(
        TRUST,
        "Whatever is in the memory: a message, `None` or `InvalidData` comes out, and never a panic. After an error nothing has changed.",
    );
    if let Some((all, judged)) = judge_random(&random().u64(..), &3000).into_inner() {
        panic!(
            "In a ring with head {}, tail {} and the words {:?}, {}.",
            all[HEAD],
            all[TAIL],
            &all[DATA..],
            trust::complaint(&all, &judged).unwrap_or_default()
        );
    }
}

fn nothing_is_left_behind() {
    explain(
        STEP,
        "The ring is in the mapping that it was given: it maps and opens nothing.",
    );
    let (left, mapped) = used();
    assert!(left.is_nothing(), "Twenty messages left {left} behind.");
    assert_eq!(mapped, 0, "how often memory was mapped for two messages");
}
