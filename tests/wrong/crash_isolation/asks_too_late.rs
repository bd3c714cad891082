//! Wrong: asks the kernel after the service has run
//! Changes: supervisor
//! Fails: supervisor::a_killed_supervisor_leaves_no_orphans
//! Section: crash_isolation/exercise.md#when-the-supervisor-dies

fn start(service: Service<'_>) -> io::Result<Child<()>> {
    process::fork(|| {
        service()?;
        process::die_with_parent()
    })
}
