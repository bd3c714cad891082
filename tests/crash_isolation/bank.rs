//! Step 5: a worker dies holding a lock, and the next owner repairs what it left.

mod alive;
mod deaths;

use crate::Learner;
use crate::support::middle;
use alive::*;
use checks::faults::{Fault, Operation};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, faults, observed, outside};
use deaths::*;
use os_core::process::Answer;
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

    /// A child is killed at every step of a transfer in turn, and the next owner makes a transfer: what it returned, and the balances.
    fn transfer_after_a_death(learner, balances: Vec<u64>, order: Order, next: Order) -> Vec<(u64, Moved)> as transfer {
        let mut seen = Vec::new();
        for step in 1..=MOST_STEPS {
            let bank = bank_after_a_transfer(learner, &balances);
            if !transfer_and_die(&bank, order, step) {
                break; // it came through: there are no more steps
            }
            let moved = in_words((bank.transfer)(next.0, next.1, next.2));
            seen.push((step, (moved, in_words((bank.balances)()))));
        }
        seen
    }

    /// A child stands still at every step of a transfer in turn, while another one looks at the balances.
    fn looked_at_during_each_step(learner, balances: Vec<u64>, order: Order) -> Vec<(u64, Result<Vec<u64>, String>)> as balances {
        during_each_step(learner, &balances, order, |bank| in_words((bank.balances)()), |_, seen| seen)
    }

    /// A child that looks at the balances stands still at each of its steps in turn, while another one makes a transfer.
    fn looked_at_around_a_transfer(learner, balances: Vec<u64>, order: Order) -> Vec<(u64, Result<Vec<u64>, String>)> as balances {
        let between = |bank: &crate::Bank| in_words((bank.transfer)(order.0, order.1, order.2));
        let held = |bank: &crate::Bank| (bank.balances)();
        held_at_each_step(learner, &balances, held, between, |_, seen, moved| moved.and(seen))
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
    (from, to, amount): Order,
    meanwhile: impl Fn(&crate::Bank) -> Result<Vec<u64>, String>,
    in_the_end: impl Fn(&crate::Bank, Result<Vec<u64>, String>) -> Result<Vec<u64>, String>,
) -> Vec<(u64, Result<Vec<u64>, String>)> {
    let held = |bank: &crate::Bank| (bank.transfer)(from, to, amount);
    let in_the_end = |bank: &crate::Bank, _, seen| in_the_end(bank, seen);
    held_at_each_step(learner, balances, held, meanwhile, in_the_end)
}

/// A child stands still at each step of `held` in turn, and another one does something meanwhile. From what both returned comes
/// what is seen in the end.
fn held_at_each_step<H: Answer, M: Answer>(
    learner: Learner,
    balances: &[u64],
    held: impl Fn(&crate::Bank) -> io::Result<H>,
    meanwhile: impl Fn(&crate::Bank) -> Result<M, String>,
    in_the_end: impl Fn(&crate::Bank, Result<H, String>, Result<M, String>) -> Result<Vec<u64>, String>,
) -> Vec<(u64, Result<Vec<u64>, String>)> {
    let mut seen = Vec::new();
    for step in 1..=MOST_STEPS {
        let bank = open(learner, balances);
        let (mut is_held, hold) = io::pipe().expect("a pipe");
        let (go, let_go) = io::pipe().expect("a pipe");
        let slow = middle::child(|| {
            faults::hold_at_access(step, hold, go);
            held(&bank)
        });
        let is_held = middle::announced(&mut is_held, 1).is_ok_and(|count| count == 1);
        let mut result = None;
        if is_held {
            let other = middle::child(|| Ok(meanwhile(&bank)));
            outside::wait_until_asleep(other.pid());
            (&let_go).write_all(b"!").expect("it is held");
            result = Some(other.wait().unwrap_or_else(|error| Err(error.to_string())));
        }
        drop(let_go);
        let slow = in_words(slow.wait());
        match result {
            Some(result) => seen.push((step, in_the_end(&bank, slow, result))),
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

const BALANCES: [u64; 3] = [100, 1000, 5];

const ORDER: Order = (1, 0, 37);

const MOVED: [u64; 3] = [137, 963, 5];
