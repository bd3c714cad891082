//! Transfers by those who live.

use super::{
    BALANCES, MOVED, Moved, ORDER, Order, at_the_same_time, looked_at_around_a_transfer,
    looked_at_during_each_step, transfers, transfers_during_each_step, with_a_lock_that_fails,
};
use checks::{explain, random};

/// Transfers in this process.
fn here(balances: &[u64], orders: &[Order]) -> Vec<Moved> {
    let orders = orders.iter().map(|order| (*order, false)).collect();
    transfers(&balances.to_vec(), &orders).0
}

fn assert_moved(balances: &[u64], order: Order, yours: &Moved, expected: bool, after: &[u64]) {
    let (from, to, amount) = order;
    let what = format!("transfer({from}, {to}, {amount}), of balances {balances:?}");
    assert_eq!(yours.0, Ok(expected), "what you returned for {what}");
    assert_eq!(yours.1.as_deref(), Ok(after), "the balances after {what}");
}

pub fn money_is_moved() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "What one account loses, the other one gains.",
    );
    let amount = random().u64(1..90);
    let balances = [100, 20, 7];
    let moved = here(&balances, &[(0, 1, amount), (1, 2, 19 + amount)]);
    let between = [100 - amount, 20 + amount, 7];
    assert_moved(&balances, (0, 1, amount), &moved[0], true, &between);
    assert_moved(
        &between,
        (1, 2, 19 + amount),
        &moved[1],
        true,
        &[100 - amount, 1, 26 + amount],
    );
}

pub fn a_balance_that_is_too_low_changes_nothing() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "A balance can't go below 0: look at it, under the lock, before you write anything.",
    );
    let balances = [5, 100];
    for amount in [6, u64::MAX] {
        let moved = here(&balances, &[(0, 1, amount)]);
        assert_moved(&balances, (0, 1, amount), &moved[0], false, &balances);
    }
    let moved = here(&balances, &[(0, 0, 6)]);
    assert_moved(&balances, (0, 0, 6), &moved[0], false, &balances);
}

pub fn a_transfer_to_the_same_account_changes_nothing() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "If both accounts are the same, the second balance that you read is stale once you have written the first.",
    );
    let balances = [30, 40];
    let moved = here(&balances, &[(1, 1, 15)]);
    assert_moved(&balances, (1, 1, 15), &moved[0], true, &balances);
}

pub fn all_of_a_balance_can_be_moved() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "A balance of exactly `amount` is enough, and moving nothing is a transfer too.",
    );
    let balances = [9, 0];
    let moved = here(&balances, &[(0, 1, 9), (0, 1, 0)]);
    assert_moved(&balances, (0, 1, 9), &moved[0], true, &[0, 9]);
    assert_moved(&[0, 9], (0, 1, 0), &moved[1], true, &[0, 9]);
}

pub fn large_balances_are_moved() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "A balance may need all 64 bits.",
    );
    let balances = [u64::MAX - 3, 1];
    let amount = u64::MAX - 5;
    let moved = here(&balances, &[(0, 1, amount)]);
    assert_moved(&balances, (0, 1, amount), &moved[0], true, &[2, amount + 1]);
}

pub fn an_account_that_does_not_exist_is_an_error() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "Look at both numbers first, before you change anything and before you look at the balance. An account that isn't there is an error, \
         not a panic.",
    );
    let balances = vec![50, 60];
    let orders = [
        (0, 2, 10),
        (2, 0, 10),
        (0, 2, 51),
        (2, 0, u64::MAX),
        (7, 7, 0),
        (usize::MAX, 0, 1),
        (0, usize::MAX, 1),
    ];
    for (order, (moved, after)) in orders.iter().zip(here(&balances, &orders)) {
        assert!(
            moved.is_err(),
            "transfer{order:?} of 2 accounts returned {moved:?}"
        );
        assert_eq!(
            after,
            Ok(balances.clone()),
            "the balances after transfer{order:?} of 2 accounts"
        );
    }
    assert!(
        here(&[], &[(0, 0, 0)])[0].0.is_err(),
        "a transfer in a bank without accounts returned no error"
    );
}

pub fn children_and_parent_share_the_bank() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "The balances are in memory that parent and children share: all see what one writes.",
    );
    let orders = vec![((0, 1, 3), true), ((1, 0, 1), false), ((0, 1, 4), true)];
    let (moved, _) = transfers(&vec![10, 10], &orders);
    let after: Vec<_> = moved.into_iter().map(|(_, after)| after).collect();
    let expected = [vec![7, 13], vec![8, 12], vec![4, 16]].map(Ok);
    assert_eq!(
        after, expected,
        "the balances after each of three transfers, the first and the last in a child"
    );
}

pub fn nobody_sees_half_of_a_transfer() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "Read and write the balances only under the lock: while one is in the middle of a transfer, the others wait.",
    );
    let looks = looked_at_during_each_step(&BALANCES.to_vec(), &ORDER);
    assert!(
        !looks.is_empty(),
        "A transfer reads and writes nothing in the shared memory that `Bank` maps."
    );
    for (step, seen) in looks {
        let seen = seen.as_deref();
        assert!(
            seen == Ok(&BALANCES) || seen == Ok(&MOVED),
            "The balances were {BALANCES:?}, to become {MOVED:?}. While a transfer stood still at its step {step}, another \
             process saw {seen:?}."
        );
    }
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "Hold the lock until you have read the last balance: bind the guard to a name.",
    );
    for (step, seen) in looked_at_around_a_transfer(&BALANCES.to_vec(), &ORDER) {
        let seen = seen.as_deref();
        assert!(
            seen == Ok(&BALANCES) || seen == Ok(&MOVED),
            "The balances were {BALANCES:?}, and a transfer made them {MOVED:?}, while a process stood still at step {step} of reading them. \
             It saw {seen:?}."
        );
    }
}

pub fn a_transfer_in_the_middle_of_another_loses_nothing() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "Take the lock before you read a balance: one that was read before may be stale when you write.",
    );
    // The other one takes from the account that is paid from, or from the one that is paid to.
    for (other, both) in [((1, 2, 5), [137, 958, 10]), ((0, 2, 5), [132, 963, 10])] {
        for (step, end) in transfers_during_each_step(&BALANCES.to_vec(), &ORDER, &other) {
            assert_eq!(
                end,
                Ok(both.to_vec()),
                "the balances after two transfers, of which one stood still at its step {step} while the other one began"
            );
        }
    }
}

pub fn transfers_at_the_same_time_lose_nothing() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "A balance that was read without the lock, or before it, may be stale when it is written back.",
    );
    let mut random = random();
    let balances = vec![10_000, 10_000, 10_000, 0];
    let mut expected = balances.clone();
    let mut order = || {
        let (from, to, amount) = (random.usize(..3), random.usize(..4), random.u64(1..8));
        expected[from] -= amount;
        expected[to] += amount;
        (from, to, amount)
    };
    let orders: Vec<Vec<Order>> = (0..4)
        .map(|_| (0..150).map(|_| order()).collect())
        .collect();
    let (end, totals, _) = at_the_same_time(&balances, &orders);
    for total in totals {
        assert_eq!(
            total, 30_000,
            "the sum of all balances, seen while four processes made transfers"
        );
    }
    assert_eq!(end, Ok(expected), "the balances after 4 × 150 transfers");
}

pub fn a_lock_that_fails_is_an_error() {
    explain(
        "crash_isolation/exercise.md#the-next-owner-is-told",
        "Without the lock you may neither read nor write: return the error.",
    );
    let balances = vec![10, 20];
    let ((moved, seen), after) = with_a_lock_that_fails(&balances);
    assert!(
        moved.is_err(),
        "the lock failed, and transfer returned {moved:?}"
    );
    assert!(
        seen.is_err(),
        "the lock failed, and balances returned {seen:?}"
    );
    assert_eq!(after, Ok(balances), "the balances afterwards");
}

pub fn nothing_is_left_behind() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "When the bank is dropped, its memory is unmapped.",
    );
    let orders = vec![((0, 1, 3), true), ((1, 0, 1), false), ((0, 9, 4), false)];
    let (_, left) = transfers(&vec![10, 10], &orders);
    assert!(left.is_nothing(), "a bank left {left} behind");
}
