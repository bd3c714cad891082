//! Wrong: claims a place atomically and writes the item later: others see the empty place
//! Changes: around
//! Fails: around::items_are_whole_while_others_append
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
        let Ok(length) = self
            .length
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
                (n < self.items.len()).then_some(n + 1)
            })
        else {
            return false;
        };
        let Some(place) = self.items.get(length) else {
            return false;
        };
        place.store(item, Ordering::Relaxed);
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
