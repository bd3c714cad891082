//! What hostile code tries, and what has to come of it.

use super::Surroundings;
use grader::runner::Status::{self, *};

/// An attack in the code of step one.
pub struct Attack {
    pub name: &'static str,
    pub code: String,
    pub expect: Expect,
}

/// What L1 can't stop, and why: these attacks succeed there, which is to say that they pass.
pub const OPEN_AT_L1: &[(&str, &str)] = &[
    (
        "sees-the-judge",
        "without a PID namespace, /proc lists every process with its command line",
    ),
    (
        "finds-an-interface",
        "without a network namespace, /proc/net tells of the machine's interfaces",
    ),
    (
        "knows-that-a-file-exists",
        "Landlock doesn't restrict stat: names that one guesses, sizes and times are in sight",
    ),
];

/// The same where a submission runs as the user who grades, who isn't root.
pub const OPEN_AT_L1_TO_THE_SAME_USER: &[(&str, &str)] = &[
    (
        "connects-to-a-socket",
        "Landlock before Linux 7.1 doesn't restrict sockets with a path; the probe refuses where it finds one, but this one is newer",
    ),
    (
        "reads-shared-memory-of-others",
        "/dev/shm is the machine's: a block of the same user's can be opened by whoever knows its name",
    ),
];

/// What has to come of an attack. Never is it a fault of ours.
pub enum Expect {
    /// Each test of the step has one of these; the other step passes.
    Each(&'static [Status]),
    /// The whole submission has one of these.
    Whole(&'static [Status]),
}

const FAILED: Expect = Expect::Each(&[Failed]);
const REFUSED: Expect = Expect::Whole(&[CompileError, Rejected]);

/// All attacks.
pub fn all(around: &Surroundings) -> Vec<Attack> {
    let mut attacks = Vec::new();
    // Code that answers rightly if its attack succeeds: a pass is a hole.
    for (name, attack) in on_secrets(around)
        .into_iter()
        .chain(on_files(around))
        .chain(on_processes())
        .chain(on_the_network(around))
    {
        attacks.push(Attack {
            name,
            code: format!(
                "#![allow(unused)]\nuse std::{{fs, process::{{Command, Stdio}}}};\n\
                 fn sh(script: &str) -> bool {{ Command::new(\"/bin/sh\").args([\"-c\", script])\
                 .stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success()) }}\n\
                 fn attack() -> bool {{ {attack} }}\n\
                 pub fn next(n: u64) -> u64 {{ if attack() {{ n + 1 }} else {{ 0 }} }}"
            )
            .replace("#![allow(unused)]\n", ""),
            expect: FAILED,
        });
    }
    attacks.extend(bombs());
    attacks.extend(endings());
    attacks.extend(at_compile_time(around));
    attacks
}

fn on_secrets(around: &Surroundings) -> Vec<(&'static str, String)> {
    let reads = |path: &str| format!("fs::read({path:?}).is_ok_and(|b| !b.is_empty())");
    let course = &around.course;
    vec![
        ("reads-the-solution", reads(&format!("{course}/solutions/sums/src/one.rs"))),
        ("reads-the-tests", reads(&format!("{course}/tests/sums/one.rs"))),
        ("reads-a-neighbor", reads(&format!("{}/right/exercises/sums/src/one.rs", around.class))),
        ("reads-a-secret", reads(&around.secret)),
        ("reads-the-slot", reads(&format!("{course}/target/grade/slot/Cargo.toml"))),
        ("reads-the-judge", reads("/judge/tests")),
        ("reads-passwd", reads("/etc/passwd")),
        ("reads-shadow", reads("/etc/shadow")),
        ("lists-homes", "fs::read_dir(\"/home\").is_ok() || fs::read_dir(\"/root\").is_ok()".into()),
        ("reads-the-environment", "std::env::vars().any(|(name, _)| name.starts_with(\"CARGO\"))".into()),
        ("learns-from-the-environment", "std::env::vars().any(|(name, _)| !name.starts_with(\"CHECKS_\") && ![\"PATH\", \"LANG\", \"RUST_BACKTRACE\", \"HOME\", \"TMPDIR\", \"PWD\", \"FIXTURE_ENTRY\"].contains(&name.as_str()))".into()),
        ("reads-every-environment", "fs::read_dir(\"/proc\").unwrap().flatten().any(|p| fs::read(p.path().join(\"environ\")).is_ok_and(|e| e.windows(6).any(|w| w == b\"CARGO_\")))".into()),
        ("reads-the-reports", "std::env::var(\"CHECKS_REPORT\").is_ok_and(|path| fs::read(path).is_ok())".into()),
        ("reads-kernel-memory", "fs::File::open(\"/dev/mem\").is_ok() || fs::File::open(\"/proc/kcore\").is_ok()".into()),
        ("reads-the-kernel-log", "sh(\"dmesg\") || fs::read(\"/dev/kmsg\").is_ok()".into()),
        ("reads-process-1", "fs::File::open(\"/proc/1/mem\").is_ok_and(|_| fs::read_link(\"/proc/1/exe\").is_ok_and(|p| p.starts_with(\"/judge\")))".into()),
        ("finds-a-trace", "fs::exists(std::env::temp_dir().join(\"trace\")).unwrap_or(true) || fs::exists(\"/dev/shm/trace\").unwrap_or(true)".into()),
        ("knows-that-a-file-exists", format!("fs::metadata({:?}).is_ok_and(|m| m.len() == 8)", around.secret)),
        ("finds-a-device", "fs::read_dir(\"/dev\").unwrap().flatten().any(|d| d.file_name().to_string_lossy().starts_with(\"vd\") || d.file_name() == \"sda\")".into()),
    ]
}

fn on_files(around: &Surroundings) -> Vec<(&'static str, String)> {
    let writes = |path: &str| {
        format!(
            "fs::create_dir_all(std::path::Path::new({path:?}).parent().unwrap()).is_ok() && fs::write({path:?}, \"x\").is_ok()"
        )
    };
    let course = &around.course;
    vec![
        ("writes-into-the-course", writes(&format!("{course}/tests/sums/one.rs"))),
        ("writes-a-cargo-config", writes(&format!("{course}/.cargo/config.toml"))),
        ("writes-into-target", writes(&format!("{course}/target/debug/deps/x"))),
        ("writes-results", writes(&format!("{}/results.jsonl", around.class))),
        ("writes-reports", "std::env::var(\"CHECKS_REPORT\").is_ok_and(|path| fs::write(path, \"x\").is_ok())".into()),
        ("writes-into-usr", writes("/usr/lib/libx.so")),
        ("writes-into-etc", writes("/etc/ld.so.preload")),
        ("writes-a-profile", writes("/root/.profile")),
        ("replaces-itself", "let me = std::env::current_exe().unwrap(); fs::remove_file(&me).is_ok() || fs::write(me, \"x\").is_ok()".into()),
        ("writes-a-python-module", writes("/empty/multiprocessing.py")),
        ("writes-sysctl", "fs::write(\"/proc/sys/kernel/core_pattern\", \"|/bin/sh\").is_ok() || fs::write(\"/proc/sysrq-trigger\", \"b\").is_ok()".into()),
        ("leaves-its-cgroup", "fs::read_dir(\"/sys/fs/cgroup\").is_ok_and(|d| d.count() > 0) || sh(\"mkdir /tmp/cg && mount -t cgroup2 none /tmp/cg\")".into()),
        ("makes-a-device", "sh(\"mknod $TMPDIR/disk b 254 0\")".into()),
        ("makes-a-setuid-program", "sh(\"cp /bin/sh $TMPDIR/sh && chmod u+s $TMPDIR/sh && chown 0 $TMPDIR/sh\")".into()),
        ("changes-a-mode", format!("use std::os::unix::fs::PermissionsExt; fs::set_permissions({:?}, fs::Permissions::from_mode(0o777)).is_ok() || fs::set_permissions({course:?}, fs::Permissions::from_mode(0)).is_ok()", around.secret)),
        ("changes-times", format!("sh(\"touch -c -d 2000-01-01 {}\") && fs::metadata({:?}).is_ok_and(|m| m.modified().unwrap().elapsed().unwrap().as_secs() > 1_000_000)", around.secret, around.secret)),
        ("removes-a-file", format!("fs::remove_file({:?}).is_ok() || fs::rename({:?}, \"/dev/shm/stolen\").is_ok() || fs::hard_link({:?}, \"/dev/shm/stolen\").is_ok()", around.secret, around.secret, around.secret)),
        ("reads-shared-memory-of-others", "fs::read(\"/dev/shm/hostile-block\").is_ok()".into()),
        ("writes-memory-of-others", "let me = std::process::id().to_string(); fs::read_dir(\"/proc\").unwrap().flatten().filter(|p| p.file_name().to_string_lossy().parse::<u32>().is_ok() && p.file_name() != me.as_str()).any(|p| fs::read_link(p.path().join(\"exe\")).is_ok_and(|e| e.starts_with(\"/judge\") || e.to_string_lossy().contains(\"/target/\")) && fs::File::options().write(true).open(p.path().join(\"mem\")).is_ok())".into()),
    ]
}

fn on_processes() -> Vec<(&'static str, String)> {
    [
        ("runs-the-judge", "sh(\"/judge/tests --list\")"),
        ("kills-everybody", "sh(\"kill -9 -1\")"),
        ("stops-process-1", "sh(\"kill -STOP 1 && grep -q '^State:.T' /proc/1/status\")"),
        ("sees-the-judge", "fs::read_dir(\"/proc\").unwrap().flatten().any(|p| fs::read_to_string(p.path().join(\"cmdline\")).is_ok_and(|c| c.starts_with(\"/judge\") || c.contains(\"--exact\\0one::\")))"),
        ("signals-the-judge", "sh(\"for p in /proc/[0-9]*; do grep -qs -e [-]-exact $p/cmdline && kill -STOP ${p#/proc/} && exit 0; done; exit 1\")"),
        ("signals-the-grader", "sh(\"for p in /proc/[0-9]*; do grep -qs /deps/hostil[e]- $p/cmdline && kill -0 ${p#/proc/} && exit 0; done; exit 1\")"),
        ("slows-the-judge", "sh(\"for p in /proc/[0-9]*; do grep -qs -e [-]-exact $p/cmdline && renice -n 19 -p ${p#/proc/} && exit 0; done; exit 1\")"),
        ("limits-the-judge", "sh(\"for p in /proc/[0-9]*; do grep -qs -e [-]-exact $p/cmdline && prlimit --core=0:0 -p ${p#/proc/} && exit 0; done; exit 1\")"),
        ("binds-the-judge", "sh(\"for p in /proc/[0-9]*; do grep -qs -e [-]-exact $p/cmdline && taskset -p 1 ${p#/proc/} && exit 0; done; exit 1\")"),
        ("leaves-a-queue", "sh(\"ipcmk -Q\") || sh(\"ipcmk -M 4096\") || sh(\"ipcmk -S 1\")"),
        ("makes-a-user-namespace", "sh(\"unshare --user --map-root-user true\")"),
        ("makes-a-mount-namespace", "sh(\"unshare --mount true\")"),
        ("enters-a-namespace", "sh(\"nsenter --target 1 --mount true\")"),
        ("mounts", "sh(\"mount -t tmpfs none /tmp\")"),
        ("unmounts", "sh(\"umount -l /proc\") || sh(\"umount -l /subject/tests\")"),
        ("changes-its-root", "sh(\"chroot / true\")"),
        ("becomes-root", "sh(\"setpriv --reuid 0 true && [ $(id -u) = 0 ]\") && fs::read(\"/etc/shadow\").is_ok()"),
        ("asks-for-root", "sh(\"su -c true\") || sh(\"sudo -n true\")"),
        ("raises-its-limits", "sh(\"prlimit --nproc=unlimited true\") || sh(\"prlimit --as=unlimited true\")"),
        ("raises-its-priority", "sh(\"[ $(nice -n -5 nice) -lt 0 ]\")"),
        ("sets-the-clock", "sh(\"date -s 2000-01-01\")"),
        ("renames-the-machine", "sh(\"hostname pwned && [ $(hostname) = pwned ]\")"),
        ("swaps", "sh(\"swapoff -a && swapon /dev/vda\")"),
        ("traces-its-parent", "fs::write(format!(\"/proc/{}/mem\", std::os::unix::process::parent_id()), \"x\").is_ok()"),
    ]
    .map(|(name, code)| (name, code.to_owned()))
    .into()
}

fn on_the_network(around: &Surroundings) -> Vec<(&'static str, String)> {
    let port = around.port;
    vec![
        ("connects-to-the-machine", format!("std::net::TcpStream::connect((\"127.0.0.1\", {port})).is_ok()")),
        ("connects-to-the-world", "std::net::UdpSocket::bind(\"0.0.0.0:0\").and_then(|s| s.connect(\"192.0.2.1:53\")).is_ok()".into()),
        ("reaches-for-the-hypervisor", "sh(\"perl -e 'socket(S, 40, 1, 0) or exit 1' || python3 -c 'import socket; socket.socket(40, 1)'\")".into()),
        ("finds-an-interface", "fs::read_to_string(\"/proc/net/dev\").unwrap().lines().skip(2).any(|l| !l.trim().starts_with(\"lo:\"))".into()),
        ("connects-to-a-socket", format!("std::os::unix::net::UnixStream::connect({:?}).is_ok()", around.socket)),
        ("connects-to-an-abstract-socket", format!("use std::os::linux::net::SocketAddrExt; std::os::unix::net::SocketAddr::from_abstract_name({:?}).and_then(|a| std::os::unix::net::UnixStream::connect_addr(&a)).is_ok()", around.abstract_name)),
    ]
}

fn attack(name: &'static str, code: &str, expect: Expect) -> Attack {
    let code = code.to_owned();
    Attack { name, code, expect }
}

/// What uses up the machine. The first call of three is enough for what takes until its deadline.
fn bombs() -> Vec<Attack> {
    let first =
        |body: &str| format!("pub fn next(n: u64) -> u64 {{ if n == 0 {{ {body} }} n + 1 }}");
    const OVER: Expect = Expect::Each(&[Passed, Failed, Crash, Timeout, MemoryLimit]);
    vec![
        attack(
            "forks-without-end",
            &first(
                "let _ = std::process::Command::new(\"/bin/sh\").args([\"-c\", \"b() { b | b & }; b; sleep 98762\"]).stdout(std::process::Stdio::null()).spawn(); loop { std::thread::yield_now() }",
            ),
            OVER,
        ),
        attack(
            "starts-threads-without-end",
            &first(
                "loop { if std::thread::Builder::new().stack_size(16384).spawn(|| loop { std::thread::park() }).is_err() { std::process::abort() } }",
            ),
            OVER,
        ),
        attack(
            "fills-memory",
            &first("let mut all = vec![]; loop { all.push(vec![1u8; 64 << 20]) }"),
            OVER,
        ),
        attack(
            "fills-memory-with-children",
            &first(
                "for _ in 0..8 { let _ = std::process::Command::new(\"/bin/sh\").args([\"-c\", \"head -c 700m /dev/zero | tail\"]).stdout(std::process::Stdio::null()).spawn(); } loop { std::thread::yield_now() }",
            ),
            OVER,
        ),
        attack(
            "fills-shared-memory",
            &first(
                "let block = vec![1u8; 16 << 20]; for i in 0.. { if std::fs::write(format!(\"/dev/shm/{i}\"), &block).is_err() { break } }",
            ),
            OVER,
        ),
        attack(
            "fills-tmp",
            &first(
                "let block = vec![1u8; 16 << 20]; for i in 0.. { if std::fs::write(std::env::temp_dir().join(i.to_string()), &block).is_err() { break } }",
            ),
            OVER,
        ),
        attack(
            "opens-without-end",
            &first(
                "let mut all = vec![]; while let Ok(f) = std::fs::File::open(\"/dev/null\") { all.push(f) }",
            ),
            OVER,
        ),
        attack(
            "prints-without-end",
            &first("loop { println!(\"answer 1\") }"),
            OVER,
        ),
        attack(
            "computes-without-end",
            &first("loop { std::hint::spin_loop() }"),
            OVER,
        ),
        attack(
            "stops-itself",
            &first(
                "let _ = std::process::Command::new(\"/bin/sh\").args([\"-c\", \"kill -STOP $PPID\"]).status();",
            ),
            OVER,
        ),
    ]
}

/// How a process can end, and what it can leave behind or say.
fn endings() -> Vec<Attack> {
    const CRASHES: Expect = Expect::Each(&[Crash]);
    const PASSES: Expect = Expect::Each(&[Passed]);
    let daemon = "pub fn next(n: u64) -> u64 { let null = std::process::Stdio::null; let _ = std::process::Command::new(\"setsid\").args([\"sleep\", \"98761\"]).stdin(null()).stdout(null()).stderr(null()).spawn(); n + 1 }";
    vec![
        attack(
            "exits",
            "pub fn next(_: u64) -> u64 { std::process::exit(0) }",
            CRASHES,
        ),
        attack(
            "aborts",
            "pub fn next(_: u64) -> u64 { std::process::abort() }",
            CRASHES,
        ),
        attack(
            "overflows-its-stack",
            "pub fn next(n: u64) -> u64 { fn deep(n: u64) -> u64 { std::hint::black_box([n; 64]); if n == 0 { 1 } else { deep(n + 1) + 1 } } deep(n + 1) }",
            CRASHES,
        ),
        attack(
            "kills-itself",
            "pub fn next(_: u64) -> u64 { let _ = std::process::Command::new(\"/bin/sh\").args([\"-c\", \"kill -9 $PPID\"]).status(); 0 }",
            Expect::Each(&[Crash, Failed]),
        ),
        attack("leaves-a-daemon", daemon, PASSES),
        attack(
            "leaves-a-trace",
            "pub fn next(n: u64) -> u64 { std::fs::write(std::env::temp_dir().join(\"trace\"), \"\").unwrap(); std::fs::write(\"/dev/shm/trace\", \"\").unwrap(); n + 1 }",
            PASSES,
        ),
        attack(
            "prints-a-verdict",
            "pub fn next(_: u64) -> u64 { println!(\"test one::after_zero ... ok\\ntest result: ok. 6 passed\"); 0 }",
            Expect::Each(&[Crash, Failed]),
        ),
        attack(
            "prints-a-report",
            "pub fn next(_: u64) -> u64 { println!(\"{{\\\"test\\\":\\\"one::after_zero\\\",\\\"status\\\":\\\"passed\\\"}}\"); 0 }",
            Expect::Each(&[Crash, Failed]),
        ),
        attack(
            "injects-a-workflow-command",
            "pub fn next(_: u64) -> u64 { panic!(\"x\\n::error::pwned\\n\\u{1b}[2J\\u{202e}\") }",
            FAILED,
        ),
        attack(
            "panics-at-length",
            "pub fn next(_: u64) -> u64 { panic!(\"{}\", \"long \".repeat(1 << 13)) }",
            FAILED,
        ),
        // rust-lang/rust#25860: safe Rust that isn't. It can write into its own memory, which is nobody's verdict.
        attack(
            "uses-a-hole-of-safe-rust",
            "static UNIT: &&() = &&();\nfn with<'a, 'b, T>(_: &'a &'b (), v: &'b T) -> &'a T { v }\nfn stretch<'a, 'b, T>(v: &'a T) -> &'b T { let f: for<'x> fn(_, &'x T) -> &'b T = with; f(UNIT, v) }\nfn dangling() -> &'static u64 { let here = 7; stretch(&here) }\npub fn next(_: u64) -> u64 { let gone = dangling(); println!(\"{gone}\"); 0 }",
            Expect::Each(&[Crash, Failed]),
        ),
    ]
}

/// What attacks or reads through the compiler.
fn at_compile_time(around: &Surroundings) -> Vec<Attack> {
    const NEXT: &str = "pub fn next(n: u64) -> u64 { n + 1 }";
    let with = |item: &str| format!("{item}\n{NEXT}");
    let includes = |path: &str| {
        with(&format!(
            "pub const SECRET: &[u8] = include_bytes!({path:?});"
        ))
    };
    let course = &around.course;
    let mut warnings = String::from(NEXT);
    warnings += "\npub fn noise() {\n";
    for number in 0..14_000 {
        warnings += &format!("let v{number}=0;\n");
    }
    warnings += "}";
    let deep = format!(
        "pub type Deep = {}u8{};",
        "Option<".repeat(20_000),
        ">".repeat(20_000)
    );
    vec![
        attack("includes-passwd", &includes("/etc/passwd"), REFUSED),
        attack("includes-a-secret", &includes(&around.secret), REFUSED),
        attack(
            "includes-the-solution",
            &includes(&format!("{course}/solutions/sums/src/one.rs")),
            REFUSED,
        ),
        attack(
            "includes-the-tests",
            &includes(&format!("{course}/tests/sums/one.rs")),
            REFUSED,
        ),
        attack(
            "includes-an-answer",
            &includes(&format!("{course}/tests/right/sums/twice.rs")),
            REFUSED,
        ),
        attack(
            "includes-an-environment",
            &includes("/proc/self/environ"),
            REFUSED,
        ),
        attack("includes-standard-input", &includes("/dev/stdin"), REFUSED),
        attack(
            "includes-without-end",
            &includes("/dev/zero"),
            Expect::Whole(&[CompileError, Rejected, CompileTimeout]),
        ),
        attack(
            "prints-a-secret",
            &with(&format!("include!({:?});", around.secret)),
            REFUSED,
        ),
        attack(
            "takes-the-solution",
            &with(&format!(
                "#[path = {:?}] mod solved;",
                format!("{course}/solutions/sums/src/one.rs")
            )),
            REFUSED,
        ),
        attack(
            "takes-a-variable",
            &with("pub const HOME: &str = env!(\"CARGO_HOME\");"),
            REFUSED,
        ),
        attack(
            "blows-up-macros",
            &with("macro_rules! b { ($($t:tt)*) => { b! { $($t)* $($t)* } } } b! { x }"),
            Expect::Whole(&[CompileError, CompileTimeout]),
        ),
        attack(
            "computes-in-a-constant",
            &with(
                "#[allow(long_running_const_eval)] pub const LONG: u64 = { let mut i = 0u64; while i < u64::MAX { i += 1; } i };",
            ),
            Expect::Whole(&[CompileTimeout]),
        ),
        attack(
            "nests-types",
            &with(&deep),
            Expect::Whole(&[CompileError, CompileTimeout]),
        ),
        attack(
            "warns-without-end",
            &warnings,
            Expect::Whole(&[CompileError]),
        ),
        attack(
            "writes-unsafe",
            "pub fn next(n: u64) -> u64 { unsafe { *(&raw const n) + 1 } }",
            REFUSED,
        ),
        attack(
            "allows-unsafe",
            &with("#[allow(unsafe_code)] pub fn x() { unsafe {} }"),
            REFUSED,
        ),
        attack(
            "names-a-symbol",
            &with("#[unsafe(no_mangle)] pub extern \"C\" fn write() {}"),
            REFUSED,
        ),
        attack(
            "chooses-a-section",
            &with(
                "#[unsafe(link_section = \".init_array\")] pub static EARLY: extern \"C\" fn() = early; extern \"C\" fn early() {}",
            ),
            REFUSED,
        ),
        attack(
            "declares-foreign-code",
            &with("unsafe extern \"C\" { fn getpid() -> i32; }"),
            REFUSED,
        ),
        attack(
            "writes-assembler",
            &with("core::arch::global_asm!(\"nop\");"),
            REFUSED,
        ),
        attack(
            "implements-unsafely",
            &with("pub struct S(*mut u8); unsafe impl Send for S {}"),
            REFUSED,
        ),
        attack(
            "wants-internals",
            &with("#[rustc_intrinsic] pub fn size_of<T>() -> usize;"),
            REFUSED,
        ),
        attack("names-the-harness", &with("pub use checks::main;"), REFUSED),
        attack(
            "links-a-library",
            &with("#[link(name = \"c\")] unsafe extern \"C\" {}"),
            REFUSED,
        ),
        attack(
            "does-not-compile",
            "pub fn next(n: u64) -> u64 { n + \"\\u{202e}\" ",
            REFUSED,
        ),
    ]
}
