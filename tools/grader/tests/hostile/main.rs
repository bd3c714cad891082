//! Hostile and broken submissions, each judged among victims whose marks must not change.
//!
//! Everything runs in the sandbox, at the strongest level that works here. A submission that succeeds with what it tries
//! answers rightly, so a pass is a hole. Archives and folders are made here, where git couldn't hold them.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod attacks;
mod connection;
mod disturbance;
mod folders;
mod forgery;

use attacks::{Attack, Expect};
use common::Fixture;
use grader::{
    course::{Chapter, Course},
    grade::{Grader, Prepared, Record, Unit, annotate},
    runner::Status::{self, *},
    sandbox::{Level, Sandbox, Wanted},
    stop::Stop,
    submission,
};
use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr, UnixListener},
        },
    },
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// What the attacks aim at.
pub struct Surroundings {
    course: String,
    class: String,
    secret: String,
    port: u16,
    socket: String,
    abstract_name: String,
}

/// Shared memory of the user who grades.
const BLOCK: &str = "/dev/shm/hostile-block";

/// Room for a compiler on a busy machine; a constant that is computed without end uses all of it.
const COMPILE_TIME: Duration = Duration::from_secs(20);

/// Grades the folder `class`: one is compiled while another runs.
fn grade(fixture: &Fixture, sandbox: Sandbox) -> BTreeMap<String, Vec<Record>> {
    let course = fixture.course();
    grade_in(
        &course,
        &course.chapters[0],
        &fixture.path("class"),
        sandbox,
    )
}

fn grade_in(
    course: &Course,
    chapter: &Chapter,
    class: &Path,
    sandbox: Sandbox,
) -> BTreeMap<String, Vec<Record>> {
    let stop = Stop::new();
    let grader = Grader::new(course, &stop, || {}).expect("the slot");
    let mut grader = grader
        .within(sandbox)
        .with_budget(Duration::from_secs(60))
        .with_compile_time(COMPILE_TIME);
    let found = submission::find(course, &[class.to_owned()], None).expect("a class");
    let mut all = BTreeMap::new();
    let (to_run, compiled) = mpsc::channel::<(String, Box<Unit>)>();
    let judging = grader.judging();
    thread::scope(|scope| {
        let runner = scope.spawn(move || {
            let mut ran = BTreeMap::new();
            for (name, unit) in compiled {
                let records = judging.run(&unit, |_| {}).expect("not stopped");
                ran.insert(name, records);
            }
            ran
        });
        for submission in &found.submissions {
            let name = submission.name.clone();
            if let Some(problem) = &submission.problem {
                all.insert(name, vec![grader.refuse(submission, problem)]);
                continue;
            }
            let begun = std::time::Instant::now();
            let prepared = grader.prepare(submission, chapter, |_| {});
            if std::env::var_os("HOSTILE_TIMES").is_some() {
                eprintln!("{:7.2} compiling {name}", begun.elapsed().as_secs_f64());
            }
            match prepared {
                Ok(Prepared::Ready(unit)) => to_run.send((name, unit)).expect("a runner"),
                Ok(Prepared::Done(records)) => drop(all.insert(name, records)),
                Err(error) => panic!("{error}"),
            }
        }
        drop(to_run);
        all.extend(runner.join().expect("the runner ends"));
    });
    for submission in &found.submissions {
        let records = all.get_mut(&submission.name).expect("it was judged");
        annotate(records, submission, Some(chapter));
    }
    all
}

fn statuses(records: &[Record]) -> Vec<Status> {
    records.iter().map(|record| record.status).collect()
}

/// What a submission got that should not be: nothing if all is well.
fn complaint(records: &[Record], expect: &Expect) -> Option<String> {
    let found = statuses(records);
    let fits = match expect {
        Expect::Each(statuses) => {
            records.len() == 6
                && found[..3].iter().all(|status| statuses.contains(status))
                && found[3..] == [Passed; 3]
        }
        Expect::Whole(statuses) => found
            .iter()
            .all(|status| statuses.contains(status) && *status == found[0]),
    };
    let said = records.first().map_or("", |record| &record.message);
    (!fits || records.is_empty()).then(|| format!("{found:?}: {said}"))
}

/// Every file below a folder, but for what is built there.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() && entry.file_name() != "target" {
            files.extend(snapshot(&entry.path()));
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).expect("a file");
            files.insert(entry.path().display().to_string(), bytes);
        }
    }
    files
}

/// The processes of this machine whose command line contains `text`.
fn processes(text: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok())
        .filter(|line| line.split('\0').any(|word| word == text))
        .collect()
}

static MACHINE: Mutex<()> = Mutex::new(());

/// One at a time: some of these tests use up what the machine has, and look for what is left on it.
fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn no_attack_succeeds_and_no_victim_notices() {
    hostile_class(None);
}

#[test]
fn behind_landlock_only_what_is_listed_succeeds_and_no_victim_notices() {
    hostile_class(Some(Level::L1));
}

/// Why the attack succeeds at this level, if it is known to.
fn is_open(attack: &Attack, level: Level) -> Option<&'static str> {
    // Submissions of root's run as another user.
    let same_user = if rustix::process::geteuid().is_root() {
        &[]
    } else {
        attacks::OPEN_AT_L1_TO_THE_SAME_USER
    };
    let open = attacks::OPEN_AT_L1.iter().chain(same_user);
    open.filter(|_| level == Level::L1)
        .find_map(|(name, why)| (*name == attack.name).then_some(*why))
}

fn hostile_class(level: Option<Level>) {
    let _machine = alone();
    // Not in /tmp: there a submission may write, in a folder that is its own.
    let fixture = Fixture::below(Path::new("/var/tmp"));
    let secret = fixture.path("secret");
    fs::write(&secret, "hunter2\n").expect("a file");
    let hidden = [&*fixture.root(), &*fixture.path("class")];
    let sandbox = match Sandbox::find(&Wanted {
        hidden: &hidden,
        level,
        launcher: level.map(|_| env!("CARGO_BIN_EXE_launcher").into()),
    }) {
        Ok(sandbox) => sandbox,
        Err(why) => {
            let needed = if level.is_some() { "landlock" } else { "bwrap" };
            return common::skip(needed, &why);
        }
    };
    let found = sandbox.level();
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let socket = fixture.path("socket");
    let _unix = UnixListener::bind(&socket).expect("a socket");
    let abstract_name = format!("hostile-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
    let _abstract = UnixListener::bind_addr(&address).expect("a socket");
    fs::write(BLOCK, "a neighbor's").expect("room");
    fs::set_permissions(BLOCK, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let around = Surroundings {
        course: fixture.root().display().to_string(),
        class: fixture.path("class").display().to_string(),
        secret: secret.display().to_string(),
        port: tcp.local_addr().expect("bound").port(),
        socket: socket.display().to_string(),
        abstract_name,
    };
    let attacks = attacks::all(&around);
    assert!(attacks.len() >= 60, "{} attacks", attacks.len());
    // In the order of their names, with victims before, between and behind.
    let mut victims = Vec::new();
    for (number, attack) in attacks.iter().enumerate() {
        fixture.submit(&named(number, attack), &[("src/one.rs", &attack.code)]);
        if number % 20 == 0 || number + 1 == attacks.len() {
            let [right, wrong] = ["right", "wrong"].map(|kind| format!("{number:03}-{kind}"));
            fixture.submit(&right, &[]);
            fixture.submit(
                &wrong,
                &[("src/one.rs", "pub fn next(n: u64) -> u64 { n * 2 }")],
            );
            victims.extend([(right, [Passed; 3]), (wrong, [Failed, Passed, Failed])]);
        }
    }
    fixture.submit("right", &[]);
    let folders = folders::make(&fixture);
    let [course, class] =
        [fixture.root(), fixture.path("class")].map(|folder| (snapshot(&folder), folder));

    let all = grade(&fixture, sandbox);

    let mut complaints = Vec::new();
    for (number, attack) in attacks.iter().enumerate() {
        let name = named(number, attack);
        let open = is_open(attack, found);
        let expect = open.map_or(&attack.expect, |_| &Expect::Each(&[Passed]));
        let open = open.unwrap_or("it doesn't succeed");
        let complaint = complaint(&all[&name], expect);
        complaints.extend(complaint.map(|why| format!("{name} ({open}): {why}")));
    }
    for (name, expect) in &folders {
        complaints.extend(complaint(&all[*name], expect).map(|why| format!("{name}: {why}")));
    }
    for (name, step) in &victims {
        let found = statuses(&all[name]);
        if found[..3] != step[..] || found[3..] != [Passed; 3] {
            complaints.push(format!(
                "the victim {name}: {found:?}: {}",
                all[name][0].message
            ));
        }
    }
    if std::env::var_os("HOSTILE_TIMES").is_some() {
        for (name, records) in &all {
            eprintln!(
                "{:7.2} {name}",
                records.iter().map(|r| r.seconds).sum::<f64>()
            );
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));

    for record in all.values().flatten() {
        let text = [&record.submission, &record.message];
        assert!(record.sandbox != "none", "{record:?}");
        assert!(
            text.iter()
                .all(|text| !text.contains(['\u{1b}', '\u{202e}'])),
            "{record:?}"
        );
        assert!(
            !text
                .iter()
                .any(|text| text.lines().any(|line| line.trim_start().starts_with("::")))
        );
        assert!(record.message.len() < 100_000, "{}", record.message.len());
        assert!(!record.message.contains("hunter2"), "a secret: {record:?}");
    }
    let block = fs::read(BLOCK).expect("it is there");
    fs::remove_file(BLOCK).expect("it is ours");
    assert_eq!(block, b"a neighbor's");
    for (before, folder) in [&course, &class] {
        assert!(
            *before == snapshot(folder),
            "{} has changed",
            folder.display()
        );
    }
    // Of a unit that ended, nobody is left.
    for sleeper in ["98761", "98762"] {
        assert_eq!(processes(sleeper), [""; 0], "somebody sleeps on");
    }
    let own = format!("course-grade-{}-", std::process::id());
    for controller in ["", "memory", "pids"] {
        let groups = fs::read_dir(Path::new("/sys/fs/cgroup").join(controller));
        let groups = groups.into_iter().flatten().flatten();
        let left: Vec<_> = groups
            .map(|one| one.file_name().display().to_string())
            .collect();
        assert!(!left.iter().any(|name| name.starts_with(&own)), "{left:?}");
    }
}

fn named(number: usize, attack: &Attack) -> String {
    format!("{number:03}-{}", attack.name)
}
