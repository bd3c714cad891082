//! Memory that the other process writes while this one reads it.

use super::{
    Judged, TRUST, changed as changed_of, judge, meddled as meddled_of, memory_of, room_for,
};
use crate::ring::layout::{
    self, CONSUMER_ASLEEP, DATA, HEAD, PRODUCER_ASLEEP, TAIL, counters, put, ring, words,
};
use crate::{Learner, kind};
use checks::{SelfReported, explain, faults, observed, random};
use os_core::memory::Ordering::SeqCst;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A ring, and what another process does to it while `try_recv` or `try_send` runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meddling {
    words: Vec<u64>,
    /// Which word it writes, and what.
    word: usize,
    value: u64,
    sends: bool,
}

/// What `try_recv` returned, or `try_send`: `None` for "no room".
type Came = Result<Option<Vec<u8>>, String>;

/// What came, and this side's own counter afterwards: the head, or the tail.
pub type Outcome = (Came, SelfReported<u64>);

/// More accesses than a careful answer makes to a ring that is so small.
const MOMENTS: u64 = 24;

/// What came when the word was written before each access in turn, as long as there were so many.
pub fn meddled(learner: Learner, meddling: &Meddling) -> Vec<Outcome> {
    let mut all = Vec::new();
    for nth in 1..=MOMENTS {
        let memory = Arc::new(memory_of(&meddling.words));
        let (theirs, word, value) = (memory.clone(), meddling.word, meddling.value);
        faults::meddle_at_access(nth, move || theirs.word(word).store(value, SeqCst));
        let came = match meddling.sends {
            true => (learner.try_send)(&memory, b"abc").map(|sent| sent.then(Vec::new)),
            false => (learner.try_recv)(&memory),
        };
        faults::reset();
        let (head, tail) = counters(&memory);
        let own = observed(if meddling.sends { tail } else { head });
        all.push((came.map_err(|error| kind(&error)), own));
    }
    all
}

/// What is wrong, if anything, with what came of `try_send`, of 3 bytes, and of `try_recv` in a ring with these words.
pub fn complaint(words: &[u64], judged: &Judged) -> Option<String> {
    let (sent, send_changed, received, recv_changed, head) = judged;
    let expected = layout::decode(words);
    let (came, after) = match expected.clone() {
        Ok(Some((message, head))) => (Ok(Some(message)), head),
        Ok(None) => (Ok(None), words[HEAD]),
        Err(error) => (Err(error), words[HEAD]),
    };
    if *received != came {
        return Some(format!(
            "`try_recv` returned {received:?}, where {came:?} was expected"
        ));
    }
    if *head != after {
        return Some(format!(
            "the head was {} after `try_recv`, where {after} was expected",
            **head
        ));
    }
    if **recv_changed != (after != words[HEAD]) {
        return Some(format!(
            "`try_recv` returned {received:?}, and words changed"
        ));
    }
    let capacity = (words.len() - DATA) as u64;
    let used = words[TAIL].checked_sub(words[HEAD]);
    let mut allowed = Vec::new();
    match used.filter(|used| *used <= capacity) {
        Some(used) if capacity >= 2 => allowed.push(Ok(used + 2 <= capacity)),
        None => allowed.push(Err("InvalidData".to_owned())),
        _ => {}
    }
    if capacity < 2 {
        allowed.push(Err("InvalidInput".to_owned()));
    }
    if words[TAIL] > u64::MAX - 2 {
        allowed.push(Err("InvalidData".to_owned())); // counters never wrap around
    }
    if !allowed.contains(sent) {
        return Some(format!(
            "`try_send` of 3 bytes returned {sent:?}, where {:?} was expected",
            allowed[0]
        ));
    }
    (**send_changed != (*sent == Ok(true))).then(|| {
        let not = if **send_changed { "" } else { "no " };
        format!("`try_send` of 3 bytes returned {sent:?}, and {not}words changed")
    })
}

pub fn counters_that_make_no_sense_are_an_error() {
    explain(
        TRUST,
        "The other process may write anything into the memory. Check that the tail is not before the head, and not ahead of it by more \
         than there are words.",
    );
    let mut random = random();
    let base = words(&ring(4));
    for (head, tail) in [
        (5, 4),
        (0, 5),
        (1, 0),
        (0, u64::MAX),
        (u64::MAX, 0),
        (10, 15),
        (random.u64(100..), 3),
    ] {
        let mut all = base.clone();
        (all[HEAD], all[TAIL]) = (head, tail);
        let (sent, send_changed, received, recv_changed, _) = judge(&vec![all]).remove(0);
        let invalid = "InvalidData".to_owned();
        assert_eq!(
            received,
            Err(invalid.clone()),
            "receiving from a ring of 4 words with head {head} and tail {tail}"
        );
        assert_eq!(
            sent,
            Err(invalid),
            "sending to a ring of 4 words with head {head} and tail {tail}"
        );
        assert!(
            !*send_changed && !*recv_changed,
            "With head {head} and tail {tail} in a ring of 4 words, words of it changed."
        );
    }
}

pub fn a_length_that_makes_no_sense_is_an_error() {
    explain(
        TRUST,
        "The length is what the other process says. Compare the words that it needs with those between head and tail, and mind that \
         rounding up may overflow.",
    );
    let mut base = words(&ring(6));
    base[TAIL] = 3;
    for len in [
        17,
        18,
        40,
        48,
        1 << 20,
        1 << 32,
        1 << 62,
        u64::MAX - 7,
        u64::MAX - 6,
        u64::MAX,
    ] {
        let mut all = base.clone();
        all[DATA] = len;
        let (_, _, received, changed, _) = judge(&vec![all]).remove(0);
        assert_eq!(
            received,
            Err("InvalidData".to_owned()),
            "receiving a message that says it has {len} bytes, where the producer has put 3 words"
        );
        assert!(
            !*changed,
            "A message said it had {len} bytes, and words of the ring changed."
        );
    }
    // Reckoned in bytes, in bits or in fewer of them, some of these look like short ones.
    let lens: Vec<u64> = (5..64)
        .flat_map(|k| [0, 3, 8, 16].map(|small| (1 << k) + small))
        .collect();
    let memories = lens.iter().map(|len| {
        let mut all = base.clone();
        all[DATA] = *len;
        all
    });
    for (len, (_, _, received, changed, _)) in lens.iter().zip(judge(&memories.collect())) {
        assert_eq!(
            (received, *changed),
            (Err("InvalidData".to_owned()), false),
            "receiving a message that says it has {len} bytes, where the producer has put 3 words; and whether words of the ring changed"
        );
    }
    let grown = *room_for(&(600 << 20));
    assert!(
        grown < 100,
        "For a message that says it has 600 MiB, in a ring of 6 words, the process grew by {grown} MiB."
    );
    base[DATA] = 16;
    let (_, _, received, _, head) = judge(&vec![base]).remove(0);
    assert_eq!(
        (received, *head),
        (Ok(Some(vec![0; 16])), 3),
        "receiving 16 bytes, where the producer has put 3 words; and the head"
    );
}

pub fn a_word_that_changes_meanwhile_is_no_trouble() {
    explain(
        TRUST,
        "The other process may write at any moment, even between your check and your use of a word. Read each word once, into a variable, \
         and check and use that.",
    );
    let words_with = |length| {
        let mut all = words(&ring(9));
        (all[TAIL], all[DATA]) = (4, length);
        all
    };
    let invalid = Err("InvalidData".to_owned());
    let right: Came = Ok(Some(vec![0; 20]));
    let receiving = |length, word, value| Meddling {
        words: words_with(length),
        word,
        value,
        sends: false,
    };
    // In a ring of 9 words the producer has put 4, for 20 bytes.
    for (meddling, what, allowed) in [
        (
            receiving(20, DATA, 64),
            "64 into the word with the length, which was 20: words enough for 24 bytes had been put",
            vec![right, invalid.clone()],
        ),
        (
            receiving(100, TAIL, 20),
            "20 into the tail, which was 4: the head is 0, the ring has 9 words, and the message claims to have 100 bytes",
            vec![invalid.clone()],
        ),
        (
            receiving(u64::MAX - 9, TAIL, u64::MAX),
            "the largest number into the tail, while the message claims to have almost as many bytes",
            vec![invalid.clone()],
        ),
    ] {
        for (nth, (came, head)) in (1..).zip(meddled_of(&meddling)) {
            assert!(
                allowed.contains(&came),
                "Right before access number {nth} of `try_recv` to the memory, the other process wrote {what}. What came was {}.",
                shown(&came)
            );
            assert_eq!(
                head,
                if came.is_ok() { 4 } else { 0 },
                "the head, which was 0, when {} had come. Right before access number {nth} of `try_recv` to the memory, the \
                 other process wrote {what}",
                shown(&came)
            );
        }
    }
    // Its own counter, too, is in memory that others can write.
    for value in [u64::MAX, u64::MAX - 1, 1 << 40] {
        for (nth, (came, _)) in (1..).zip(meddled_of(&receiving(20, HEAD, value))) {
            assert!(
                [Ok(Some(vec![0; 20])), invalid.clone()].contains(&came),
                "Right before access number {nth} of `try_recv` to the memory, the other process wrote {value} into the head, which was 0. \
                 What came was {}.",
                shown(&came)
            );
        }
    }
    // What `try_send` reads of the other side is the head.
    for value in [u64::MAX, 1 << 40, 5] {
        let meddling = Meddling {
            sends: true,
            ..receiving(20, HEAD, value)
        };
        for (nth, (came, tail)) in (1..).zip(meddled_of(&meddling)) {
            assert_eq!(
                tail,
                if came == Ok(Some(vec![])) { 6 } else { 4 },
                "the tail, which was 4, when {} had come of sending 3 bytes. Right before access number {nth} of `try_send` to the \
                 memory, the other process wrote {value} into the head",
                shown(&came)
            );
            assert!(
                [Ok(Some(vec![])), invalid.clone()].contains(&came),
                "The head was 0 and the tail 4, in a ring of 9 words. Right before access number {nth} of `try_send` to the \
                 memory, the other process wrote {value} into the head. What came was {}.",
                shown(&came)
            );
        }
    }
}

pub fn changed(learner: Learner, capacity: usize, at: u64) -> [Vec<usize>; 2] {
    let memory = ring(capacity);
    // Whatever is written over these is another value.
    for word in DATA..memory.len() {
        memory.word(word).store(0x5a5a_5a5a_5a5a_5a5a, SeqCst);
    }
    memory.word(HEAD).store(at, SeqCst);
    memory.word(TAIL).store(at, SeqCst);
    for asleep in [CONSUMER_ASLEEP, PRODUCER_ASLEEP] {
        memory.word(asleep).store(1, SeqCst);
    }
    put(&memory, &[1; 8]);
    let changes = |act: &dyn Fn()| {
        let before = words(&memory);
        act();
        let after = words(&memory);
        (0..after.len())
            .filter(|word| before[*word] != after[*word])
            .collect()
    };
    [
        changes(&|| drop((learner.try_send)(&memory, b"eleven byte"))),
        changes(&|| drop((learner.try_recv)(&memory))),
    ]
}

pub fn each_side_writes_its_own_words() {
    explain(
        "ipc/exercise.md#the-layout",
        "The producer writes the tail and the words of its message, the consumer the head and nothing else: what one side writes, the \
         other only reads.",
    );
    for at in [0, 4] {
        let [sent, received] = changed_of(&8, &at).into_inner();
        let places = (at + 2..at + 5).map(|number| DATA + (number % 8) as usize);
        let mut allowed: Vec<usize> = places.collect();
        allowed.push(TAIL);
        let others: Vec<usize> = sent
            .into_iter()
            .filter(|word| !allowed.contains(word))
            .collect();
        assert_eq!(
            others,
            [0; 0],
            "words changed by sending 11 bytes to a ring of 8 words, other than the tail and words {} to {} that went through it",
            at + 2,
            at + 4
        );
        assert_eq!(
            received,
            [HEAD],
            "words changed by receiving 8 bytes from a ring of 8 words; the head is word {HEAD}"
        );
    }
}

fn shown(came: &Came) -> String {
    match came {
        Ok(Some(message)) => format!("a message of {} bytes", message.len()),
        Ok(None) => "nothing: `None`, or `false` from `try_send`".to_owned(),
        Err(kind) => format!("the error `{kind}`"),
    }
}
