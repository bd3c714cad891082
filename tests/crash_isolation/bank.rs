//! Step 5: a worker dies holding a lock, and the next owner repairs what it left.

use crate::Learner;
use crate::support::middle;
use checks::faults::{Fault, Operation};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, explain, faults, observed, outside, random};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// From an account to another one, and how much.
type Order = (usize, usize, u64);

/// What one transfer returned, and the balances afterwards.
type Moved = (Result<bool, String>, Result<Vec<u64>, String>);

checks::subject! {
    for Learner;

    /// Transfers, one after the other, each in this process or (`true`) in a child of its own.
    fn transfers(learner, balances: Vec<u64>, orders: Vec<(Order, bool)>) -> (Vec<Moved>, Leftovers) as transfer {
        let (moved, left) = leftovers::watch(|| {
            let bank = open(learner, &balances);
            let one = |((from, to, amount), in_child): (Order, bool)| {
                let transfer = || (bank.transfer)(from, to, amount);
                let moved = match in_child {
                    true => middle::child(transfer).wait(),
                    false => transfer(),
                };
                (in_words(moved), in_words((bank.balances)()))
            };
            orders.into_iter().map(one).collect()
        });
        (moved, left)
    }

    /// A child is killed at every step of a transfer in turn; what the next owner sees, and whether it can go on.
    fn killed_at_each_step(learner, balances: Vec<u64>, order: Order) -> Vec<Death> as transfer {
        let mut deaths = Vec::new();
        for step in 1..=MOST_STEPS {
            let bank = bank_after_a_transfer(learner, &balances);
            if !transfer_and_die(&bank, order, step) {
                return deaths; // it came through: there are no more steps
            }
            let next = || in_words((bank.balances)());
            let seen = middle::child(|| Ok(next())).wait().unwrap_or_else(|error| Err(error.to_string()));
            let onward = in_words((bank.transfer)(order.0, order.1, 1));
            deaths.push(Death { step, repair_step: 0, seen, onward, end: next() });
        }
        deaths
    }

    /// A child is killed at a step of a transfer, and the next owner at each step of its repair in turn; what the third one sees.
    fn killed_while_repairing(learner, balances: Vec<u64>, order: Order, first: u64) -> Vec<Death> as transfer {
        let mut deaths = Vec::new();
        for repair_step in 1..=MOST_STEPS {
            let bank = bank_after_a_transfer(learner, &balances);
            if !transfer_and_die(&bank, order, first) {
                break;
            }
            let killed = dies(|| {
                faults::kill_at_access(repair_step);
                (bank.balances)().map(drop)
            });
            if !killed {
                break;
            }
            let seen = in_words((bank.balances)());
            let onward = in_words((bank.transfer)(order.0, order.1, 1));
            deaths.push(Death { step: first, repair_step, seen, onward, end: in_words((bank.balances)()) });
        }
        deaths
    }

    /// A child is killed at a step of a transfer; the next owner looks; then a child is killed at each step of another transfer.
    fn killed_again(learner, balances: Vec<u64>, order: Order, first: u64, other: Order) -> Vec<Death> as transfer {
        let mut deaths = Vec::new();
        for step in 1..=MOST_STEPS {
            let bank = bank_after_a_transfer(learner, &balances);
            if !transfer_and_die(&bank, order, first) {
                break;
            }
            let seen = in_words((bank.balances)());
            if !transfer_and_die(&bank, other, step) {
                break;
            }
            let end = in_words((bank.balances)());
            deaths.push(Death { step: first, repair_step: step, seen, onward: Ok(true), end });
        }
        deaths
    }

    /// A child stands still at every step of a transfer in turn, while another one looks at the balances.
    fn looked_at_during_each_step(learner, balances: Vec<u64>, order: Order) -> Vec<(u64, Result<Vec<u64>, String>)> as balances {
        during_each_step(learner, &balances, order, |bank| in_words((bank.balances)()), |_, seen| seen)
    }

    /// A child stands still at every step of a transfer in turn, while another one makes a transfer; the balances at the end.
    fn transfers_during_each_step(learner, balances: Vec<u64>, order: Order, other: Order) -> Vec<(u64, Result<Vec<u64>, String>)> as transfer {
        let between = |bank: &crate::Bank| in_words((bank.transfer)(other.0, other.1, other.2).and_then(|_| (bank.balances)()));
        during_each_step(learner, &balances, order, between, |bank, seen| seen.and_then(|_| in_words((bank.balances)())))
    }

    /// Children that each make these transfers, all at the same time; the balances at the end, and some that were seen meanwhile.
    fn at_the_same_time(learner, balances: Vec<u64>, orders: Vec<Vec<Order>>) -> (Result<Vec<u64>, String>, Vec<u64>, Leftovers) as transfer {
        let ((end, totals), left) = leftovers::watch(|| {
            let bank = open(learner, &balances);
            let work = |orders: &[Order]| {
                for (from, to, amount) in orders {
                    (bank.transfer)(*from, *to, *amount)?;
                }
                Ok(())
            };
            let children: Vec<_> = orders.iter().map(|orders| middle::child(|| work(orders))).collect();
            let totals = (0..50).filter_map(|_| Some((bank.balances)().ok()?.iter().sum())).collect();
            let mut ended = Ok(());
            for child in children {
                ended = ended.and(child.wait());
            }
            (in_words(ended.and_then(|()| (bank.balances)())), totals)
        });
        (end, totals, left)
    }

    /// Children that make transfers and are killed at random; the totals that were seen meanwhile, and the deaths.
    fn under_fire(learner, balances: Vec<u64>, kills: u64, seed: u64) -> (Vec<Result<u64, String>>, SelfReported<u64>) as transfer {
        let bank = open(learner, &balances);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut totals = Vec::new();
        let mut deaths = 0;
        for _ in 0..kills {
            let (seed, spins) = (random.u64(..), random.u32(0..4000));
            let (mut begun, begin) = io::pipe().expect("a pipe");
            let worker = middle::child(|| {
                let mut random = fastrand::Rng::with_seed(seed);
                drop(begin);
                loop {
                    let (from, to) = (random.usize(..balances.len()), random.usize(..balances.len()));
                    (bank.transfer)(from, to, random.u64(..50))?;
                }
                #[allow(unreachable_code)]
                Ok(())
            });
            let _ = begun.read(&mut [0]); // ends when the child has begun
            for _ in 0..spins {
                std::hint::spin_loop();
            }
            worker.kill().expect("it is a child");
            deaths += u64::from(worker.finish().is_ok_and(|end| end.status == 9));
            totals.push(in_words((bank.balances)()).map(|balances| balances.iter().sum()));
        }
        (totals, observed(deaths))
    }

    /// A lock that fails.
    fn with_a_lock_that_fails(learner, balances: Vec<u64>) -> (Moved, Result<Vec<u64>, String>) as transfer {
        let bank = open(learner, &balances);
        let fail = || {
            faults::reset();
            faults::plan(&[Fault::Fail(Operation::RobustLock, 1)]);
        };
        fail();
        let moved = in_words((bank.transfer)(0, 1, 1));
        fail();
        let seen = in_words((bank.balances)());
        faults::reset();
        ((moved, seen), in_words((bank.balances)()))
    }
}

/// Steps after which a transfer is taken to have no end.
const MOST_STEPS: u64 = 400;

/// A death, and what was seen afterwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Death {
    /// The step of the transfer at which the first one died.
    step: u64,
    /// The step of its repair at which the second one died; 0 if it lives.
    repair_step: u64,
    /// The balances that the next one saw.
    seen: Result<Vec<u64>, String>,
    /// What a transfer of 1 returned then.
    onward: Result<bool, String>,
    /// The balances at the end.
    end: Result<Vec<u64>, String>,
}

fn in_words<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// A child stands still at every step of a transfer in turn, while another one does something, until it has or waits for a lock.
fn during_each_step(
    learner: Learner,
    balances: &[u64],
    order: Order,
    meanwhile: impl Fn(&crate::Bank) -> Result<Vec<u64>, String>,
    in_the_end: impl Fn(&crate::Bank, Result<Vec<u64>, String>) -> Result<Vec<u64>, String>,
) -> Vec<(u64, Result<Vec<u64>, String>)> {
    let mut seen = Vec::new();
    for step in 1..=MOST_STEPS {
        let bank = open(learner, balances);
        let (mut held, hold) = io::pipe().expect("a pipe");
        let (go, let_go) = io::pipe().expect("a pipe");
        let slow = middle::child(|| {
            faults::hold_at_access(step, hold, go);
            (bank.transfer)(order.0, order.1, order.2)
        });
        let is_held = middle::announced(&mut held, 1).is_ok_and(|count| count == 1);
        let mut result = None;
        if is_held {
            let other = middle::child(|| Ok(meanwhile(&bank)));
            outside::wait_until_asleep(other.pid());
            (&let_go).write_all(b"!").expect("it is held");
            result = Some(other.wait().unwrap_or_else(|error| Err(error.to_string())));
        }
        drop(let_go);
        let _ = slow.wait();
        match result {
            Some(result) => seen.push((step, in_the_end(&bank, result))),
            None => break,
        }
    }
    seen
}

/// A bank with these balances. It is used once in this process: a panic in a child is only a crash of somebody.
fn open(learner: Learner, balances: &[u64]) -> crate::Bank {
    let bank = (learner.bank)(balances).expect("a bank");
    if !balances.is_empty() {
        let _ = (bank.transfer)(0, 0, 0);
    }
    bank
}

/// A bank with these balances, in which a transfer has happened already.
fn bank_after_a_transfer(learner: Learner, balances: &[u64]) -> crate::Bank {
    let mut before = balances.to_vec();
    before[1] -= 3;
    before[2] += 3;
    let bank = open(learner, &before);
    (bank.transfer)(2, 1, 3).expect("a transfer");
    bank
}

/// Makes a transfer in a child that dies at this step; `false` if it came through.
fn transfer_and_die(bank: &crate::Bank, (from, to, amount): Order, step: u64) -> bool {
    dies(|| {
        faults::kill_at_access(step);
        (bank.transfer)(from, to, amount).map(drop)
    })
}

/// Whether a child that does this is killed by SIGKILL.
fn dies(body: impl FnOnce() -> io::Result<()>) -> bool {
    let child = middle::child(|| {
        let done = body();
        faults::kill_at_access(0);
        done
    });
    child.finish().expect("it ends").status == 9
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    money_is_moved,
    a_balance_that_is_too_low_changes_nothing,
    a_transfer_to_the_same_account_changes_nothing,
    all_of_a_balance_can_be_moved,
    large_balances_are_moved,
    an_account_that_does_not_exist_is_an_error,
    children_and_parent_share_the_bank,
    nobody_sees_half_of_a_transfer,
    a_transfer_in_the_middle_of_another_loses_nothing,
    the_next_owner_is_not_kept_waiting,
    a_transfer_happens_as_a_whole_or_not_at_all,
    the_bank_goes_on_after_a_death,
    a_repairer_may_die_as_well,
    a_death_loses_no_digit,
    transfers_at_the_same_time_lose_nothing,
    random_kills_leave_the_total,
    a_lock_that_fails_is_an_error,
    nothing_is_left_behind,
];

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

fn money_is_moved() {
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

fn a_balance_that_is_too_low_changes_nothing() {
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

fn a_transfer_to_the_same_account_changes_nothing() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "If both accounts are one, the second balance that you read is stale once you have written the first.",
    );
    let balances = [30, 40];
    let moved = here(&balances, &[(1, 1, 15)]);
    assert_moved(&balances, (1, 1, 15), &moved[0], true, &balances);
}

fn all_of_a_balance_can_be_moved() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "A balance of exactly `amount` is enough, and moving nothing is a transfer too.",
    );
    let balances = [9, 0];
    let moved = here(&balances, &[(0, 1, 9), (0, 1, 0)]);
    assert_moved(&balances, (0, 1, 9), &moved[0], true, &[0, 9]);
    assert_moved(&[0, 9], (0, 1, 0), &moved[1], true, &[0, 9]);
}

fn large_balances_are_moved() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "A balance may need all 64 bits.",
    );
    let balances = [u64::MAX - 3, 1];
    let amount = u64::MAX - 5;
    let moved = here(&balances, &[(0, 1, amount)]);
    assert_moved(&balances, (0, 1, amount), &moved[0], true, &[2, amount + 1]);
}

fn an_account_that_does_not_exist_is_an_error() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "Look at both numbers before you change anything. An account that isn't there is an error, not a panic.",
    );
    let balances = vec![50, 60];
    let orders = [
        (0, 2, 10),
        (2, 0, 10),
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

fn children_and_parent_share_the_bank() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "The balances are in memory that parent and children share: what one writes, all see.",
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

const BALANCES: [u64; 3] = [100, 1000, 5];
const ORDER: Order = (1, 0, 37);
const MOVED: [u64; 3] = [137, 963, 5];

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

fn the_next_owner_is_not_kept_waiting() {
    explain(
        "crash_isolation/exercise.md#the-next-owner-is-told",
        "Nobody releases a dead owner's lock unless the kernel knows it: use the `RobustLock`. And whoever has repaired says \
         so, by `mark_repaired`, or nobody can lock it again.",
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

fn a_transfer_happens_as_a_whole_or_not_at_all() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "Whoever takes the lock of a dead owner repairs first: the journal has the old balances, and one word says whether they are in \
         force. The order of the writes decides.",
    );
    for death in deaths() {
        assert_whole(&death);
    }
}

fn the_bank_goes_on_after_a_death() {
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
}

fn a_repairer_may_die_as_well() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "Whoever repairs can die in the middle of that. Undo in such an order that undoing once more does no harm, and mark it as \
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

fn a_death_loses_no_digit() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "What is undone may need all of a word: a balance beyond 32 bits, an account with a number beyond 255.",
    );
    let mut random = random();
    let before: Vec<u64> = (0..300).map(|_| random.u64(1 << 40..1 << 50)).collect();
    let (from, to, amount) = (298, 257, (1 << 39) + 5);
    let mut after = before.clone();
    after[from] -= amount;
    after[to] += amount;
    for death in killed_at_each_step(&before, &(from, to, amount)) {
        let seen = death.seen.as_deref().map(|seen| (seen[from], seen[to]));
        assert!(
            death.seen.as_ref() == Ok(&before) || death.seen.as_ref() == Ok(&after),
            "Account {from} of 300 had {}, account {to} had {}, and {amount} were to be moved. Then {}, and the next one saw {seen:?} there.",
            before[from],
            before[to],
            where_it_died(&death)
        );
    }
}

fn nobody_sees_half_of_a_transfer() {
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
}

fn a_transfer_in_the_middle_of_another_loses_nothing() {
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

fn transfers_at_the_same_time_lose_nothing() {
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

fn random_kills_leave_the_total() {
    explain(
        "crash_isolation/exercise.md#write-down-what-you-are-about-to-do",
        "Somebody was killed at a random moment. Whoever came next has to find a whole state.",
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

fn a_lock_that_fails_is_an_error() {
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

fn nothing_is_left_behind() {
    explain(
        "crash_isolation/exercise.md#step-5-a-lock-whose-owner-died",
        "When the bank is dropped, its memory is unmapped.",
    );
    let orders = vec![((0, 1, 3), true), ((1, 0, 1), false), ((0, 9, 4), false)];
    let (_, left) = transfers(&vec![10, 10], &orders);
    assert!(left.is_nothing(), "a bank left {left} behind");
}
