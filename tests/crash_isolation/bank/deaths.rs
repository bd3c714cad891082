//! Owners that die in the middle of a transfer, or of a repair.

use super::{
    BALANCES, Death, MOVED, ORDER, Order, killed_again, killed_at_each_step,
    killed_while_repairing, transfer_after_a_death, under_fire,
};
use checks::{explain, random};

fn deaths() -> Vec<Death> {
    let deaths = killed_at_each_step(&BALANCES.to_vec(), &ORDER);
    assert!(
        !deaths.is_empty(),
        "A transfer reads and writes nothing in the shared memory that `Bank` maps, so nobody can die in the middle of it."
    );
    deaths
}

fn where_it_died(death: &Death) -> String {
    match death.repair_step {
        0 => format!("a child died at step {} of a transfer", death.step),
        step => format!(
            "a child died at step {} of a transfer, and the next owner at step {step} of its repair",
            death.step
        ),
    }
}

pub fn the_next_owner_is_not_kept_waiting() {
    explain(
        "crash_isolation/exercise.md#the-next-owner-is-told",
        "Nobody releases a dead owner's lock unless the kernel knows it: use the `RobustLock`. And after a repair, \
         call `mark_repaired`, or nobody can lock it again.",
    );
    for death in deaths() {
        assert!(
            death.seen.is_ok(),
            "{}, and the next owner got {:?}",
            where_it_died(&death),
            death.seen
        );
        assert!(
            death.onward.is_ok() && death.end.is_ok(),
            "{}, the next owner came through, and the one after that got {:?}",
            where_it_died(&death),
            death.onward
        );
    }
}

fn assert_whole(death: &Death) {
    let seen = death.seen.as_deref();
    assert!(
        seen == Ok(&BALANCES) || seen == Ok(&MOVED),
        "The balances were {BALANCES:?}, to become {MOVED:?}. Then {}, and the next one saw {seen:?}.",
        where_it_died(death)
    );
}

pub fn a_transfer_happens_as_a_whole_or_not_at_all() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "The process that takes a dead owner's lock repairs first: the journal has the old balances, and one word says whether they are in \
         force. The order of the writes decides.",
    );
    for death in deaths() {
        assert_whole(&death);
    }
    // To an account with a higher number, from the first one, to the last one, to itself; and one that is refused.
    for (order, after) in [
        ((0, 2, 37), [63, 1000, 42]),
        ((1, 2, 37), [100, 963, 42]),
        ((1, 1, 15), BALANCES),
        ((2, 0, 6), BALANCES),
    ] {
        for death in killed_at_each_step(&BALANCES.to_vec(), &order) {
            let seen = death.seen.as_deref();
            assert!(
                seen == Ok(&BALANCES) || seen == Ok(&after),
                "The balances were {BALANCES:?}, and {after:?} after transfer{order:?}. Then {}, and the next one saw {seen:?}.",
                where_it_died(&death)
            );
        }
    }
}

pub fn the_bank_goes_on_after_a_death() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "After the repair the bank is as good as new: the journal is no longer in force, and the next transfer counts from what \
         was seen.",
    );
    for death in deaths() {
        assert_eq!(
            death.onward,
            Ok(true),
            "what a transfer of 1 returned, after {}",
            where_it_died(&death)
        );
        let expected = death
            .seen
            .clone()
            .map(|seen| vec![seen[0] + 1, seen[1] - 1, seen[2]]);
        assert_eq!(
            death.end,
            expected,
            "the balances after a transfer of 1, after {}",
            where_it_died(&death)
        );
    }
    let steps = deaths().len() as u64;
    for first in 1..=steps {
        for death in killed_again(&BALANCES.to_vec(), &ORDER, &first, &(2, 1, 4)) {
            let old = death.seen.clone();
            let new = old.clone().map(|old| vec![old[0], old[1] + 4, old[2] - 4]);
            assert!(
                death.end == old || death.end == new,
                "A child died at step {first} of a transfer, and the balances were {old:?}. Then one died at step {} of another \
                 transfer, to {new:?}, and the next one saw {:?}.",
                death.repair_step,
                death.end
            );
        }
    }
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "The balance that a dead owner left may be half of a transfer. Take the lock, repair first, in `transfer` too, and look at \
         the balance only then.",
    );
    // Only the old balance is enough for it.
    for (step, (moved, end)) in transfer_after_a_death(&BALANCES.to_vec(), &ORDER, &(1, 2, 970)) {
        let whole = [(true, [100, 30, 975]), (false, MOVED)];
        let yours = moved.clone().and_then(|moved| Ok((moved, end.clone()?)));
        assert!(
            whole
                .iter()
                .any(|(moved, end)| yours == Ok((*moved, end.to_vec()))),
            "The balances were {BALANCES:?}, to become {MOVED:?}. Then a child died at step {step} of the transfer, transfer(1, 2, 970) \
             returned {moved:?}, and the balances were {end:?}."
        );
    }
}

pub fn a_repairer_may_die_as_well() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "The repairing process can die in the middle. Undo in an order that does no harm when it is repeated, and mark it as \
         repaired last.",
    );
    let steps = deaths().len() as u64;
    let mut died = 0;
    for first in 1..=steps {
        for death in killed_while_repairing(&BALANCES.to_vec(), &ORDER, &first) {
            died += 1;
            assert_whole(&death);
            let expected = death
                .seen
                .clone()
                .map(|seen| vec![seen[0] + 1, seen[1] - 1, seen[2]]);
            assert_eq!(
                death.end,
                expected,
                "the balances after a transfer of 1, after {}",
                where_it_died(&death)
            );
        }
    }
    assert!(
        died > 0,
        "Nobody who came after a dead owner took the lock."
    );
}

pub fn a_death_loses_no_digit() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "The values to undo may need a whole word: a balance beyond 32 bits, an account with a number beyond 255.",
    );
    let mut random = random();
    let before: Vec<u64> = (0..300).map(|_| random.u64(1 << 40..1 << 50)).collect();
    let (from, to, amount) = (298, 257, (1 << 39) + 5);
    let mut after = before.clone();
    after[from] -= amount;
    after[to] += amount;
    assert_no_digit_is_lost(&before, &after, (from, to, amount));
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "A balance of 0 is a balance: it has to be written down and written back like any other.",
    );
    assert_no_digit_is_lost(&[0, 1000, 5], &[1000, 0, 5], (1, 0, 1000));
}

fn assert_no_digit_is_lost(before: &[u64], after: &[u64], (from, to, amount): Order) {
    for death in killed_at_each_step(&before.to_vec(), &(from, to, amount)) {
        let seen = death.seen.as_deref().map(|seen| (seen[from], seen[to]));
        assert!(
            death.seen.as_deref() == Ok(before) || death.seen.as_deref() == Ok(after),
            "Account {from} of {} had {}, account {to} had {}, and {amount} were to be moved. Then {}, and the next one saw {seen:?} there.",
            before.len(),
            before[from],
            before[to],
            where_it_died(&death)
        );
    }
}

pub fn random_kills_leave_the_total() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "A process was killed at a random moment. The next one has to find a whole state.",
    );
    let balances = vec![1000, 2000, 3000, 4000];
    // Each in a subject of its own, with the time that it has.
    let mut random = random();
    let (totals, deaths): (Vec<_>, Vec<_>) = (0..8)
        .map(|_| under_fire(&balances, &25, &random.u64(..)))
        .unzip();
    for total in totals.into_iter().flatten() {
        assert_eq!(
            total,
            Ok(10_000),
            "the sum of all balances, after a process was killed at a random moment"
        );
    }
    assert_eq!(
        deaths.iter().map(|deaths| **deaths).sum::<u64>(),
        200,
        "processes that made transfers until they were killed"
    );
}
