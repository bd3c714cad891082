//! The system calls that a submission is refused.
//!
//! A list of what is refused rather than of what is allowed: exercises are about the operating system, and another chapter
//! or another libc must not need another list. What is refused reaches into other processes, changes namespaces or mounts,
//! or widens the kernel that a submission can attack. Compare Docker's default profile, which refuses the same and more.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};
use std::collections::BTreeMap;

/// Refused with EPERM, whatever the arguments.
const REFUSED: &[libc::c_long] = &[
    // Other processes' memory, registers and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Namespaces, mounts, roots.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Files by handle, past the path.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Keys are not divided by namespaces.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Large parts of the kernel that no exercise needs.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_fanotify_init,
    // What System V and POSIX queues share stays when a process ends, and without a namespace the whole machine knows its name.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // The machine as a whole.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// `CLONE_NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID` and `NEWNET`.
const NEW_NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The families of sockets that a network namespace divides, and that anybody needs. Others lead out of it: vsock reaches the host of
/// a virtual machine.
const FAMILIES: [libc::c_int; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// Refused as well at L1, where no namespace divides what these reach.
const SHARED: &[libc::c_long] = &[
    // What happens to files that Landlock lets nobody open.
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_inotify_init,
    // The memory of a process that is ending.
    libc::SYS_process_mrelease,
];

/// Refused to a submission at L1: owner, mode and times of a file by its path, which Landlock doesn't restrict.
const METADATA: &[libc::c_long] = &[
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

/// Newer calls have one number on all machines.
const SYS_FCHMODAT2: libc::c_long = 452;
const SYS_SETXATTRAT: libc::c_long = 463;
const SYS_REMOVEXATTRAT: libc::c_long = 466;
const SYS_FILE_SETATTR: libc::c_long = 469;

/// Calls that change another process when their first argument names one; 0 is the caller itself.
const OF_OTHERS: &[libc::c_long] = &[
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// The same by their second argument. The first says what it names: here the number that stands for a process.
const OF_OTHERS_BY_KIND: &[(libc::c_long, u64)] =
    &[(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)];

/// Whose system calls are filtered at L1, where no launcher of bubblewrap's does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Filter {
    /// A compiler: no sockets.
    Compiler,
    /// A submission: no sockets but those that can only reach its own unit, no metadata.
    Subject,
}

/// Types a character into the terminal as if somebody had.
const TIOCSTI: u64 = 0x5412;

/// The filters, as bubblewrap takes them; all of them apply.
pub(super) fn filters() -> Result<Vec<Vec<u8>>, String> {
    let programs = [refused()?, missing()?, other_abi()];
    Ok(programs.iter().map(bytes).collect())
}

/// EPERM for what is refused.
fn refused() -> Result<BpfProgram, String> {
    program(refused_rules()?, libc::EPERM)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Filters this process's system calls from now on, as L1 does.
pub(super) fn apply(filter: Filter) -> Result<(), String> {
    let mut rules = refused_rules()?;
    rules.extend(SHARED.iter().map(|&call| (call, Vec::new())));
    if filter == Filter::Subject {
        rules.extend(METADATA.iter().map(|&call| (call, Vec::new())));
    }
    for &call in OF_OTHERS {
        rules.insert(call, vec![rule(0, SeccompCmpOp::Ne, 0)?]);
    }
    for &(call, process) in OF_OTHERS_BY_KIND {
        let another = rule(1, SeccompCmpOp::Ne, 0)?;
        rules.insert(call, vec![another, rule(0, SeccompCmpOp::Ne, process)?]);
    }
    sockets(filter, &mut rules)?;
    // What is installed last is asked first; the strictest answer counts.
    for program in [program(rules, libc::EPERM)?, missing()?, other_abi()] {
        seccompiler::apply_filter(&program).map_err(|error| format!("seccomp: {error}"))?;
    }
    Ok(())
}

/// No sockets but Unix ones, and of those only streams: a datagram names its receiver, which no filter can read.
fn sockets(filter: Filter, rules: &mut Rules) -> Result<(), String> {
    const TYPE: u64 = 0xf;
    let unix = libc::AF_UNIX.cast_unsigned().into();
    let [datagram, raw] =
        [libc::SOCK_DGRAM, libc::SOCK_RAW].map(|kind| kind.cast_unsigned().into());
    let mut pair = vec![rule(0, SeccompCmpOp::Ne, unix)?];
    for kind in [datagram, raw] {
        pair.push(rule(1, SeccompCmpOp::MaskedEq(TYPE), kind)?);
    }
    let single = match filter {
        Filter::Compiler => Vec::new(),
        Filter::Subject => pair.clone(),
    };
    rules.insert(libc::SYS_socketpair, pair);
    rules.insert(libc::SYS_socket, single);
    Ok(())
}

fn refused_rules() -> Result<Rules, String> {
    let mut rules: Rules = REFUSED.iter().map(|&call| (call, Vec::new())).collect();
    let clone = NEW_NAMESPACES.map(|flag| {
        let flag = u64::from(flag.cast_unsigned());
        rule(0, SeccompCmpOp::MaskedEq(flag), flag)
    });
    rules.insert(
        libc::SYS_clone,
        clone.into_iter().collect::<Result<_, _>>()?,
    );
    rules.insert(libc::SYS_ioctl, vec![rule(1, SeccompCmpOp::Eq, TIOCSTI)?]);
    let others =
        FAMILIES.map(|family| condition(0, SeccompCmpOp::Ne, family.cast_unsigned().into()));
    rules.insert(
        libc::SYS_socket,
        vec![all(others.into_iter().collect::<Result<_, _>>()?)?],
    );
    // Killing everybody would hit what reports the end of each run.
    let everybody = u64::from((-1_i32).cast_unsigned());
    rules.insert(libc::SYS_kill, vec![rule(0, SeccompCmpOp::Eq, everybody)?]);
    Ok(rules)
}

/// ENOSYS for `clone3`, whose flags a filter can't read: the C library then uses `clone`.
fn missing() -> Result<BpfProgram, String> {
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    program(rules, libc::ENOSYS)
}

/// EPERM for the numbers of x86-64's other interface, x32, which the other filters don't know.
fn other_abi() -> BpfProgram {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const X32: u32 = 0x4000_0000;
    let errno = libc::EPERM.cast_unsigned();
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        step(LOAD, 0, 0, 0),
        step(AT_LEAST, 0, 1, X32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

fn rule(argument: u8, how: SeccompCmpOp, value: u64) -> Result<SeccompRule, String> {
    all(vec![condition(argument, how, value)?])
}

fn condition(argument: u8, how: SeccompCmpOp, value: u64) -> Result<SeccompCondition, String> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)
        .map_err(|error| format!("seccomp: {error}"))
}

/// Holds where all conditions do.
fn all(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, String> {
    SeccompRule::new(conditions).map_err(|error| format!("seccomp: {error}"))
}

fn program(rules: Rules, errno: i32) -> Result<BpfProgram, String> {
    let machine = std::env::consts::ARCH;
    let target = machine
        .try_into()
        .map_err(|_| format!("there is no system call filter for {machine}"))?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno.cast_unsigned()),
        target,
    );
    filter
        .and_then(BpfProgram::try_from)
        .map_err(|error| format!("seccomp: {error}"))
}

/// The instructions as the kernel's `struct sock_filter` lies in memory.
fn bytes(program: &BpfProgram) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for step in program {
        bytes.extend(step.code.to_ne_bytes());
        bytes.extend([step.jt, step.jf]);
        bytes.extend(step.k.to_ne_bytes());
    }
    bytes
}
