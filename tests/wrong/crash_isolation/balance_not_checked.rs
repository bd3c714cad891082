//! Wrong: lets a balance go below zero
//! Changes: bank
//! Fails: bank::a_balance_that_is_too_low_changes_nothing
//! Section: crash_isolation/exercise.md#step-5-a-lock-whose-owner-died

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
        let mut guard = self.lock.lock()?;
        if guard.owner_died() {
            // Undoing twice is undoing once, so whoever dies in here leaves the next owner the same to do.
            if self.get(IN_FORCE) == 1 {
                self.set(BALANCES + self.get(FIRST) as usize, self.get(FIRST_OLD));
                self.set(BALANCES + self.get(SECOND) as usize, self.get(SECOND_OLD));
                self.set(IN_FORCE, 0);
            }
            guard.mark_repaired()?;
        }
        Ok(guard)
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
        let accounts = self.words.len() - BALANCES;
        if from >= accounts || to >= accounts {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "transfer: the accounts are 0 to {}",
                    accounts.saturating_sub(1)
                ),
            ));
        }
        let _guard = self.lock()?;
        let (first, second) = (self.get(BALANCES + from), self.get(BALANCES + to));
        if from == to {
            return Ok(true);
        }
        // First the old balances, then the word that puts them in force, and only then the new balances.
        self.set(FIRST, from as u64);
        self.set(FIRST_OLD, first);
        self.set(SECOND, to as u64);
        self.set(SECOND_OLD, second);
        self.set(IN_FORCE, 1);
        self.set(BALANCES + from, first.wrapping_sub(amount));
        self.set(BALANCES + to, second.wrapping_add(amount));
        self.set(IN_FORCE, 0);
        Ok(true)
    }

    fn get(&self, place: usize) -> u64 {
        self.words.word(place).load(Ordering::SeqCst)
    }

    fn set(&self, place: usize, value: u64) {
        self.words.word(place).store(value, Ordering::SeqCst);
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
