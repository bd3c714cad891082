//! Wrong: takes an old balance of 0 for one that was not written down
//! Changes: bank
//! Fails: bank::a_death_loses_no_digit
//! Section: crash_isolation/exercise.md#write-down-what-you-are-about-to-do

impl Bank {
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

    fn lock(&self) -> io::Result<RobustGuard<'_>> {
        let mut guard = self.lock.lock()?;
        if guard.owner_died() {
            // Undoing twice is undoing once, so whoever dies in here leaves the next owner the same to do.
            if self.get(IN_FORCE) == 1 {
                for (account, old) in [(FIRST, FIRST_OLD), (SECOND, SECOND_OLD)] {
                    // "0 means that nothing was written down."
                    if self.get(old) != 0 {
                        self.set(self.place_in(account), self.get(old));
                    }
                }
                self.set(IN_FORCE, 0);
            }
            guard.mark_repaired()?;
        }
        Ok(guard)
    }

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
        if first < amount {
            return Ok(false);
        }
        if from == to {
            return Ok(true);
        }
        // First the old balances, then the word that puts them in force, and only then the new balances.
        self.set(FIRST, from as u64);
        self.set(FIRST_OLD, first);
        self.set(SECOND, to as u64);
        self.set(SECOND_OLD, second);
        self.set(IN_FORCE, 1);
        self.set(BALANCES + from, first - amount);
        self.set(BALANCES + to, second + amount);
        self.set(IN_FORCE, 0);
        Ok(true)
    }

    fn get(&self, place: usize) -> u64 {
        self.words.word(place).load(Ordering::SeqCst)
    }

    fn place_in(&self, word: usize) -> usize {
        BALANCES + usize::try_from(self.get(word)).expect("an account of this bank")
    }

    fn set(&self, place: usize, value: u64) {
        self.words.word(place).store(value, Ordering::SeqCst);
    }

    pub fn balances(&self) -> io::Result<Vec<u64>> {
        let _guard = self.lock()?;
        Ok((BALANCES..self.words.len())
            .map(|place| self.words.word(place).load(Ordering::SeqCst))
            .collect())
    }
}
