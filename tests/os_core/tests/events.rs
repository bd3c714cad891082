//! The judge's hook: what it hears, and what it can refuse.
//!
//! `harness = false`: a fork needs a process with one thread, and there is one hook for a process.

use os_core::hook::{self, Access, Event, Space, When};
use os_core::memory::{Block, Mapping, Ordering::SeqCst, Pages};
use os_core::process::fork;
use std::io;
use std::sync::Mutex;

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
static REFUSE: Mutex<Option<&'static str>> = Mutex::new(None);

fn listen(event: &Event<'_>) -> io::Result<()> {
    // What a hook does itself is no event: else this would never end.
    Mapping::shared(1)?.word(0).store(1, SeqCst);
    let text = match *event {
        Event::Access {
            when,
            space,
            index,
            access,
            wrote,
            seen,
            now,
        } => {
            let space = match space {
                Space::Mapping { shared, .. } => format!("mapping({shared})"),
                Space::Pages { shared, .. } => format!("pages({shared})"),
                Space::Block { .. } => "block".into(),
            };
            match when {
                When::Before => format!("before {access:?} {space} {index}"),
                When::After => format!("after {access:?} {space} {index} {wrote} {seen:?} {now:?}"),
            }
        }
        Event::Wait { when, .. } => format!("wait {when:?}"),
        Event::Fork { when, child } => format!("fork {when:?} {}", child.is_some()),
        Event::Map { when, len, .. } => format!("map {when:?} {len}"),
        Event::Lock { when, .. } => format!("lock {when:?}"),
        Event::Unlock { when, .. } => format!("unlock {when:?}"),
        Event::BlockCreate { when, .. } => format!("create {when:?}"),
        Event::BlockOpen { when, .. } => format!("open {when:?}"),
        Event::BlockUnlink { when, .. } => format!("unlink {when:?}"),
        Event::Usage { when } => format!("usage {when:?}"),
        ref other => format!("{other:?}"),
    };
    HEARD.lock().unwrap().push(text.clone());
    match *REFUSE.lock().unwrap() {
        Some(refused) if text.starts_with(refused) => Err(io::Error::from_raw_os_error(12)),
        _ => Ok(()),
    }
}

fn heard() -> Vec<String> {
    std::mem::take(&mut HEARD.lock().unwrap())
}

fn main() {
    hook::install(listen);
    let tests: [(&str, fn()); 4] = [
        (
            "every_access_is_heard_before_and_after",
            every_access_is_heard_before_and_after,
        ),
        (
            "processes_and_locks_are_heard",
            processes_and_locks_are_heard,
        ),
        (
            "two_handles_of_a_block_are_one_space",
            two_handles_of_a_block_are_one_space,
        ),
        ("what_can_fail_can_be_refused", what_can_fail_can_be_refused),
    ];
    for (name, run) in tests {
        heard();
        run();
        println!("test {name} ... ok");
    }
}

fn every_access_is_heard_before_and_after() {
    let mapping = Mapping::shared(3).expect("a mapping");
    assert_eq!(heard(), ["map Before 3", "map After 3"]);
    let word = mapping.word(2);
    let run = |access: Access, after: &str, f: &dyn Fn()| {
        f();
        let after = format!("after {access:?} mapping(true) 2 {after}");
        assert_eq!(
            heard(),
            [format!("before {access:?} mapping(true) 2"), after]
        );
    };
    use Access::{Load, Store, Update};
    run(Store, "true None Some(5)", &|| word.store(5, SeqCst));
    run(Load, "false Some(5) None", &|| {
        assert_eq!(word.load(SeqCst), 5)
    });
    run(Update, "true Some(5) Some(7)", &|| {
        assert_eq!(word.fetch_add(2, SeqCst), 5)
    });
    run(Update, "true Some(7) Some(6)", &|| {
        assert_eq!(word.fetch_sub(1, SeqCst), 7)
    });
    run(Update, "true Some(6) Some(9)", &|| {
        assert_eq!(word.swap(9, SeqCst), 6)
    });
    run(Update, "true Some(9) Some(10)", &|| {
        assert_eq!(word.fetch_max(10, SeqCst), 9)
    });
    run(Update, "true Some(10) Some(3)", &|| {
        assert_eq!(word.fetch_min(3, SeqCst), 10)
    });
    run(Update, "true Some(3) Some(2)", &|| {
        assert_eq!(word.fetch_and(2, SeqCst), 3)
    });
    run(Update, "true Some(2) Some(3)", &|| {
        assert_eq!(word.fetch_or(1, SeqCst), 2)
    });
    run(Update, "true Some(3) Some(1)", &|| {
        assert_eq!(word.fetch_xor(2, SeqCst), 3)
    });
    run(Update, "true Some(1) Some(4)", &|| {
        assert_eq!(word.compare_exchange(1, 4, SeqCst, SeqCst), Ok(1));
    });
    run(Update, "false Some(4) None", &|| {
        assert_eq!(word.compare_exchange_weak(1, 5, SeqCst, SeqCst), Err(4));
    });
    run(Load, "false Some(4) None", &|| {
        assert_eq!(format!("{word:?}"), "Word(4)")
    });
    assert_eq!(
        word.fetch_update(SeqCst, SeqCst, |seen| Some(seen + 1)),
        Ok(4)
    );
    assert_eq!(heard().len(), 4, "a load and an update");

    let copy = "mapping(true) 0";
    mapping.copy_in(&[1; 9]);
    assert_eq!(
        heard(),
        [
            format!("before Store {copy}"),
            format!("after Store {copy} true None None")
        ]
    );
    mapping.copy_out(&mut [0; 9]);
    assert_eq!(
        heard(),
        [
            format!("before Load {copy}"),
            format!("after Load {copy} false None None")
        ]
    );

    let mut pages = Pages::private(2).expect("pages");
    heard();
    pages.set(1, 7);
    assert_eq!(
        heard(),
        [
            "before Store pages(false) 1",
            "after Store pages(false) 1 true None Some(7)"
        ]
    );
    assert_eq!(pages.get(1), 7);
    assert_eq!(
        heard(),
        [
            "before Load pages(false) 1",
            "after Load pages(false) 1 false Some(7) None"
        ]
    );
}

fn processes_and_locks_are_heard() {
    let first = fork(|| Ok(heard())).expect("a child");
    let theirs = first.wait().expect("it returns");
    assert_eq!(theirs, ["fork Before false", "ChildBegin { number: 1 }"]);
    assert_eq!(
        heard(),
        [
            "fork Before false",
            "fork After true",
            "wait Before",
            "wait After"
        ]
    );

    let second = fork(|| Ok(heard().pop())).expect("a child");
    assert_eq!(
        second.wait().expect("it returns").as_deref(),
        Some("ChildBegin { number: 2 }")
    );
    heard();

    let name = format!("os-core-events-{}", std::process::id());
    let block = Block::create(&name, 8).expect("a block can be made");
    drop(block.lock().expect("it is free"));
    let mut guard = Some(block.lock().expect("it is free"));
    let child = fork(|| {
        heard();
        guard.take(); // holds nothing here, so there is nothing to hear
        Ok(heard())
    });
    assert_eq!(child.expect("a child").wait().expect("it returns"), [""; 0]);
    drop(guard);
    block.unlink().expect("it has its name");
    let all = heard();
    let here: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|e| !e.contains("fork") && !e.contains("wait"))
        .collect();
    let pair = ["lock Before", "lock After", "unlock Before", "unlock After"];
    let expected = [
        &["create Before", "create After"],
        &pair[..],
        &pair[..],
        &["unlink Before", "unlink After"],
    ];
    assert_eq!(here, expected.concat());
}

fn two_handles_of_a_block_are_one_space() {
    let name = format!("os-core-spaces-{}", std::process::id());
    let block = Block::create(&name, 16).expect("a block can be made");
    let other = Block::open(&name).expect("it exists");
    block.unlink().expect("it has its name");
    heard();
    other.word(1).expect("16 bytes").store(3, SeqCst);
    drop(other); // the other handle still knows its words
    assert_eq!(block.word(1).expect("16 bytes").load(SeqCst), 3);
    let accesses: Vec<String> = heard()
        .into_iter()
        .filter(|event| event.contains("block 1"))
        .collect();
    assert_eq!(accesses.len(), 4, "{accesses:?}");
}

fn what_can_fail_can_be_refused() {
    let name = format!("os-core-refused-{}", std::process::id());
    let block = Block::create(&name, 8).expect("a block can be made");
    let pages = Pages::private(1).expect("pages");
    let refused = |event: &'static str, f: &dyn Fn() -> io::Result<()>| {
        *REFUSE.lock().unwrap() = Some(event);
        let error = f().expect_err(event);
        *REFUSE.lock().unwrap() = None;
        assert_eq!(error.raw_os_error(), Some(12), "{event}: {error}");
    };
    refused("fork Before", &|| {
        fork(|| Ok(())).map(|child| drop(child.wait()))
    });
    refused("lock Before", &|| block.lock().map(drop));
    refused("map Before", &|| Mapping::shared(1).map(drop));
    refused("map Before", &|| Mapping::private(1).map(drop));
    refused("map Before", &|| Pages::shared(1).map(drop));
    refused("map Before", &|| Pages::private(1).map(drop));
    refused("create Before", &|| Block::create("refused", 8).map(drop));
    refused("open Before", &|| Block::open(&name).map(drop));
    refused("unlink Before", &|| block.unlink());
    refused("usage Before", &|| pages.usage().map(drop));
    // Nothing was done, and nothing is stuck.
    drop(block.lock().expect("it is free"));
    block.unlink().expect("it has its name");
}
