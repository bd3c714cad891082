//! Wrong: keeps each item once
//! Changes: around
//! Fails: around::one_thread_appends_in_order
//! Section: gil/exercise.md#a-list-with-a-lock-of-its-own

impl List {
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            items: (0..capacity).map(|_| AtomicI64::new(0)).collect(),
            length: AtomicUsize::new(0),
            lock: Lock::new(),
        }
    }

    pub fn append(&self, item: i64) -> bool {
        // Under the GIL these three steps were one: no safe point lies between them.
        let _guard = self.lock.acquire();
        let length = self.length.load(Ordering::Relaxed);
        let Some(place) = self.items.get(length) else {
            return false;
        };
        let known = &self.items[..length];
        if known
            .iter()
            .any(|other| other.load(Ordering::Relaxed) == item)
        {
            return true;
        }
        place.store(item, Ordering::Relaxed);
        self.length.store(length + 1, Ordering::Relaxed);
        true
    }

    #[must_use]
    pub fn items(&self) -> Vec<i64> {
        let _guard = self.lock.acquire();
        let length = self.length.load(Ordering::Relaxed);
        let item = |item: &AtomicI64| item.load(Ordering::Relaxed);
        self.items[..length].iter().map(item).collect()
    }
}
