//! As much of the course's `os` as the ring needs, with loom's atomics and checked cells.

pub mod memory {
    //! Words that two threads of a loom model share.

    use loom::cell::UnsafeCell;
    use loom::sync::atomic::AtomicU64;
    pub use std::sync::atomic::Ordering;

    /// A word: a value, and a cell that notices accesses to plain data that nothing orders.
    struct Place {
        word: Word,
        data: UnsafeCell<()>,
    }

    /// As `os::memory::Word`.
    pub struct Word(AtomicU64);

    impl Word {
        pub fn load(&self, order: Ordering) -> u64 {
            self.0.load(order)
        }

        pub fn store(&self, value: u64, order: Ordering) {
            self.0.store(value, order);
        }
    }

    /// As `os::memory::Mapping`, in the memory of this process.
    pub struct Mapping(Vec<Place>);

    impl std::fmt::Debug for Mapping {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Mapping")
        }
    }

    // SAFETY: loom runs one thread at a time, and its cells complain where nothing orders two accesses.
    unsafe impl Sync for Mapping {}

    impl Mapping {
        pub fn new(words: usize) -> Self {
            let place = |_| Place {
                word: Word(AtomicU64::new(0)),
                data: UnsafeCell::new(()),
            };
            Self((0..words).map(place).collect())
        }

        pub fn len(&self) -> usize {
            self.0.len()
        }

        pub fn word(&self, index: usize) -> &Word {
            &self.0[index].word
        }

        pub fn write_bytes(&self, first: usize, bytes: &[u8]) {
            for (place, chunk) in self.0[first..].iter().zip(bytes.chunks(8)) {
                place.data.with_mut(|_| ());
                let mut all = place.word.load(Ordering::Relaxed).to_ne_bytes();
                all[..chunk.len()].copy_from_slice(chunk);
                place.word.store(u64::from_ne_bytes(all), Ordering::Relaxed);
            }
        }

        pub fn read_bytes(&self, first: usize, bytes: &mut [u8]) {
            for (place, chunk) in self.0[first..].iter().zip(bytes.chunks_mut(8)) {
                place.data.with(|_| ());
                let all = place.word.load(Ordering::Relaxed).to_ne_bytes();
                chunk.copy_from_slice(&all[..chunk.len()]);
            }
        }
    }
}
