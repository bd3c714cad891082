//! Memory of any size, at any index: an error or a panic, never a wild access. Run in debug and in release: a sum that
//! wraps does so silently only in release.

use os_core::memory::{Block, Mapping, Ordering::Relaxed, Pages, page_size};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Sizes and indices around the places where arithmetic goes wrong.
fn odd_numbers(random: &mut fastrand::Rng) -> impl Iterator<Item = usize> {
    let page = page_size();
    let edges = [
        0,
        1,
        page,
        page / 8,
        1 << 29,
        1 << 31,
        1 << 32,
        1 << 47,
        1 << 60,
        1 << 61,
        1 << 62,
        isize::MAX as usize,
        usize::MAX / page,
        usize::MAX / 8,
        usize::MAX,
    ];
    let near: Vec<usize> = edges
        .into_iter()
        .flat_map(|edge| (0..4).flat_map(move |by| [edge.wrapping_add(by), edge.wrapping_sub(by)]))
        .chain((0..300).map(|_| random.usize(..) >> random.u32(..64)))
        .collect();
    near.into_iter()
}

fn panics<T>(f: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// What can be mapped, can be used at both ends and nowhere beyond.
#[test]
fn every_size_and_index_is_checked() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let numbers: Vec<usize> = odd_numbers(&mut random).collect();
    for &size in &numbers {
        for mapping in [Mapping::shared(size), Mapping::private(size)]
            .into_iter()
            .flatten()
        {
            assert_eq!(mapping.len(), size);
            if let Some(last) = size.checked_sub(1) {
                mapping.word(last).store(7, Relaxed);
                assert_eq!(
                    mapping.word(last).load(Relaxed),
                    7,
                    "the last of {size} words"
                );
            }
            for &index in numbers.iter().filter(|index| **index >= size).take(20) {
                assert!(
                    panics(|| mapping.word(index).load(Relaxed)),
                    "word {index} of {size}"
                );
            }
        }
        for mut pages in [Pages::shared(size), Pages::private(size)]
            .into_iter()
            .flatten()
        {
            assert_eq!(pages.len(), size);
            if let Some(last) = size.checked_sub(1) {
                pages.set(last, 7);
                assert_eq!(pages.get(last), 7, "the last of {size} pages");
            }
            for &index in numbers.iter().filter(|index| **index >= size).take(20) {
                assert!(panics(|| pages.get(index)), "page {index} of {size}");
            }
        }
    }
}

#[test]
fn sizes_that_wrap_are_errors() {
    assert!(Mapping::shared((1 << 61) + 1).is_err());
    assert!(Mapping::private(usize::MAX).is_err());
    assert!(Pages::private(usize::MAX / 4096 + 2).is_err());
    assert!(Pages::shared(usize::MAX).is_err());
    for bytes in [usize::MAX, isize::MAX as usize, isize::MAX as usize + 1] {
        let name = name("wraps");
        assert!(Block::create(&name, bytes).is_err());
        let error = Block::open(&name).expect_err("a block that could not be made leaves no name");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn a_block_has_the_words_that_fit() {
    let numbers: Vec<usize> = odd_numbers(&mut fastrand::Rng::new()).collect();
    for bytes in [0, 1, 7, 8, 9, 15, 16, 4096, 4100] {
        let name = name("words");
        let block = Block::create(&name, bytes).expect("a block can be made");
        block.unlink().expect("it has its name");
        for &index in numbers.iter().chain(&[0, 1, 2]) {
            match block.word(index) {
                Ok(word) => {
                    assert!(index < bytes / 8, "word {index} of {bytes} bytes");
                    word.store(7, Relaxed);
                }
                Err(error) => {
                    assert!(
                        index >= bytes / 8,
                        "no word {index} of {bytes} bytes: {error}"
                    );
                    assert_eq!(error.kind(), ErrorKind::InvalidData);
                }
            }
        }
    }
}

/// Without the check of the file's present size, reading the word would kill this process with SIGBUS.
#[test]
#[cfg(target_os = "linux")]
fn a_block_that_somebody_shortened_has_no_words() {
    let name = name("shortened");
    let block = Block::create(&name, 8192).expect("a block can be made");
    let file = std::fs::File::options()
        .write(true)
        .open(format!("/dev/shm/{name}"));
    file.and_then(|file| file.set_len(4))
        .expect("its owner may shorten it");
    let error = block.word(0).map(|word| word.load(Relaxed)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    block.unlink().expect("it has its name");
}

#[test]
fn a_copy_of_any_length_keeps_what_it_does_not_cover() {
    let mut random = fastrand::Rng::new();
    let mapping = Mapping::shared(8).expect("a mapping");
    for _ in 0..500 {
        let old: Vec<u8> = (0..64).map(|_| random.u8(..)).collect();
        let new: Vec<u8> = (0..random.usize(..=64)).map(|_| random.u8(..)).collect();
        mapping.copy_in(&old);
        mapping.copy_in(&new);
        let expected = [&new[..], &old[new.len()..]].concat();
        let mut seen = vec![0; random.usize(..=64)];
        mapping.copy_out(&mut seen);
        assert_eq!(seen, expected[..seen.len()]);
    }
    assert!(panics(|| mapping.copy_in(&[0; 65])));
    assert!(panics(|| mapping.copy_out(&mut [0; 65])));
}

/// Long copies take another instruction than short ones, and only between aligned places.
#[test]
fn a_long_copy_keeps_its_bounds_wherever_it_begins() {
    let mut random = fastrand::Rng::new();
    const WORDS: usize = 300;
    let mapping = Mapping::shared(WORDS).expect("a mapping");
    let mut ours = vec![0_u8; WORDS * 8 + 8];
    for round in 0..400 {
        let old: Vec<u8> = (0..WORDS * 8).map(|_| random.u8(..)).collect();
        mapping.copy_in(&old);
        let (first, at) = (random.usize(..=WORDS - 130), round % 8);
        let len = random.usize(1000..=(WORDS - first) * 8);
        random.fill(&mut ours);
        let new = &ours[at..at + len];
        mapping.write_bytes(first, new);
        let mut seen = vec![0; WORDS * 8];
        mapping.copy_out(&mut seen);
        assert_eq!(seen[..first * 8], old[..first * 8]);
        assert_eq!(seen[first * 8..][..len], *new);
        assert_eq!(seen[first * 8 + len..], old[first * 8 + len..]);

        let mut theirs = vec![0x55; WORDS * 8 + 16];
        mapping.read_bytes(first, &mut theirs[at..at + len]);
        assert_eq!(theirs[at..at + len], *new);
        let rest = [&theirs[..at], &theirs[at + len..]].concat();
        assert!(rest.iter().all(|byte| *byte == 0x55));
    }
}

/// Two threads copy over each other through shared references, from aligned places and from others. Each word they see is
/// one that was written whole.
#[test]
fn copies_do_not_tear_words() {
    let mapping = Mapping::shared(1024).expect("a mapping");
    std::thread::scope(|s| {
        for byte in [0x11, 0xEE] {
            let mapping = &mapping;
            s.spawn(move || {
                let bytes = vec![byte; 8200]; // an allocation this large is aligned
                for round in 0..400 {
                    let at = if round % 2 == 0 { 0 } else { round % 8 };
                    mapping.copy_in(&bytes[at..at + 8192]);
                }
            });
        }
        let mut room = vec![0; 8200];
        for round in 0..400 {
            let at = if round % 2 == 0 { 0 } else { round % 8 };
            let seen = &mut room[at..at + 8192];
            mapping.copy_out(seen);
            for word in seen.as_chunks::<8>().0 {
                assert!(
                    word.iter().all(|byte| *byte == word[0]),
                    "a torn word: {word:x?}"
                );
            }
        }
    });
}

fn name(what: &str) -> String {
    format!(
        "os-core-{what}-{}-{:x}",
        std::process::id(),
        fastrand::u64(..)
    )
}
