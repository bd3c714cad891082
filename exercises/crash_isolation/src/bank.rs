//! Step 5: a worker dies holding a lock, and the next owner repairs what it left.

use os::memory::{Mapping, Ordering, RobustGuard, RobustLock};
use std::io;

/// Accounts in shared memory, which this process and the children that it forks use at the same time.
///
/// The first words are a journal: what a transfer is about to overwrite. The balances follow.
#[derive(Debug)]
pub struct Bank {
    lock: RobustLock,
    words: Mapping,
}

/// The word that says whether the journal is in force: 1 from before the first balance is overwritten until after the last.
pub const IN_FORCE: usize = 0;
/// The words with the number of the first account, its old balance, the number of the second one, and its old balance.
pub const FIRST: usize = 1;
pub const FIRST_OLD: usize = 2;
pub const SECOND: usize = 3;
pub const SECOND_OLD: usize = 4;
/// The word with the balance of account 0.
pub const BALANCES: usize = 5;

impl Bank {
    /// Opens accounts with these balances. Their sum fits into a `u64`.
    ///
    /// # Errors
    /// When memory can't be mapped, or the lock can't be made.
    pub fn new(balances: &[u64]) -> io::Result<Self> {
        let words = Mapping::shared(BALANCES + balances.len())?;
        for (account, balance) in balances.iter().enumerate() {
            words
                .word(BALANCES + account)
                .store(*balance, Ordering::SeqCst);
        }
        let lock = RobustLock::new()?;
        Ok(Self { lock, words })
    }

    /// Takes the lock. If its last owner died, repairs what that owner left half-written.
    ///
    /// A transfer that was interrupted is either undone or completed as a whole, by the journal. The repairing process may
    /// die as well, at any moment: then the next owner repairs.
    fn lock(&self) -> io::Result<RobustGuard<'_>> {
        let _ = (&self.lock, &self.words);
        todo!(
            "take the lock; if the owner died, undo what the journal has, and mark it as repaired"
        )
    }

    /// Moves `amount` from one account to another; returns whether it did. If the balance is too low, nothing changes.
    ///
    /// The transfer happens as a whole or not at all, even if this process dies in the middle of it: whoever uses the bank
    /// next, in whichever process, sees either both new balances or both old ones. Others may use the bank at the same time. A
    /// transfer from an account to itself leaves its balance as it is.
    ///
    /// # Errors
    /// When there is no such account (nothing changes then), or the lock fails.
    pub fn transfer(&self, from: usize, to: usize, amount: u64) -> io::Result<bool> {
        todo!(
            "lock; write the journal; move {amount} from account {from} to account {to}; end the journal"
        )
    }

    /// Returns all balances, as they were at one moment.
    ///
    /// # Errors
    /// When the lock fails.
    pub fn balances(&self) -> io::Result<Vec<u64>> {
        let _guard = self.lock()?;
        Ok((BALANCES..self.words.len())
            .map(|place| self.words.word(place).load(Ordering::SeqCst))
            .collect())
    }
}
