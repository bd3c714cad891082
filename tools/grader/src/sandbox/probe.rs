//! Proves, on the very machine, that a sandbox holds and that what exercises need works inside. Here by bubblewrap.

mod confined;

pub(super) use confined::{INNER, OUTER, confined, inside};

use super::bwrap::Bwrap;
use std::{ops::ControlFlow, path::Path, time::Duration};
use supervise::{Options, Outcome, Stop};

/// How long the probe may take: it takes hundredths of a second.
const DEADLINE: Duration = Duration::from_secs(20);

/// What is tried inside. A line that begins with `bad` says what doesn't hold.
const SCRIPT: &str = r#"
bad() { echo "bad: $1"; }
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
# What exercises need. The reference solution's own tests, which run inside as well, need more.
[ "$( (echo child) )" = child ] || bad "a child process can't be started"
sleep 100 & kill -TERM $! && ! wait $! || bad "a signal doesn't end a child"
[ -r /proc/self/stat ] || bad "/proc is missing"
echo x >/dev/shm/probe-$$ && rm /dev/shm/probe-$$ || bad "/dev/shm can't be written"
echo x >/tmp/probe-$$ && rm /tmp/probe-$$ || bad "/tmp can't be written"
mkfifo /tmp/fifo-$$ && rm /tmp/fifo-$$ || bad "there are no named pipes"
# What a submission must not have.
[ $$ -gt 1 ] || bad "it is process 1"
[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 20 ] || bad "it sees the machine's processes"
[ "$(status CapEff)" = 0000000000000000 ] || bad "it has capabilities"
[ "$(status CapBnd)" = 0000000000000000 ] || [ $USERNS = yes ] || bad "it can get capabilities"
[ "$(status NoNewPrivs)" = 1 ] || bad "it can gain privileges"
[ "$(status Seccomp)" = 2 ] || bad "no system call is filtered"
[ "$(id -u)" != 0 ] || [ $USERNS = yes ] || bad "it is root"
unshare --user true 2>/dev/null && bad "it can make a user namespace"
unshare --pid true 2>/dev/null && bad "it can make a PID namespace"
mount -t tmpfs none /tmp 2>/dev/null && bad "it can mount"
(: >/usr/probe) 2>/dev/null && bad "it can write to /usr"
(: >/probe) 2>/dev/null && bad "it can write to /"
grep -q '^ *lo:' /proc/net/dev || bad "there is no loopback"
grep -qvE '^ *lo:|^Inter|^ face' /proc/net/dev && bad "it sees the network"
for path in /judge /home /root/.cargo /etc/passwd /var /sys/fs /unit; do
  [ -e "$path" ] && bad "it sees $path"
done
for path in "$@"; do [ -e "$path/Cargo.toml" ] || [ -e "$path/exercises" ] && bad "it sees $path"; done
echo done
"#;

/// Runs the probe.
pub(super) fn run(sandbox: &Bwrap) -> Result<(), String> {
    let mut contained = sandbox.shell().map_err(|error| error.to_string())?;
    let command = &mut contained.command;
    command.args(["-c", SCRIPT, "probe"]).args(sandbox.hidden());
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.env(
        "USERNS",
        if sandbox.level() == super::Level::L3 {
            "no"
        } else {
            "yes"
        },
    );
    command.current_dir(Path::new("/"));
    let options = Options::new(DEADLINE);
    let go_on = |_, _: &str| ControlFlow::Continue(());
    let command = std::mem::replace(command, std::process::Command::new("true"));
    let outcome = supervise::run(command, &options, &Stop::new(), go_on);
    bad(&outcome.map_err(|error| error.to_string())?)
}

/// What a probe says doesn't hold; without a last line `done` it says nothing.
fn bad(outcome: &Outcome) -> Result<(), String> {
    let text = outcome.stdout.text();
    let bad: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("bad: "))
        .collect();
    match (bad.as_slice(), text.lines().last()) {
        ([], Some("done")) => Ok(()),
        ([], last) => {
            let how = outcome
                .last_complaint()
                .unwrap_or_else(|| outcome.end.to_string());
            // The probe of L1 says what it tries.
            let place = last.and_then(|last| last.strip_prefix("at: "));
            Err(place.map_or(how.clone(), |place| format!("{how}, at: {place}")))
        }
        (bad, _) => Err(bad.join(", ")),
    }
}
