//! Wrong: doesn't ask the kernel to end the services with the supervisor
//! Changes: supervisor
//! Fails: supervisor::a_killed_supervisor_leaves_no_orphans
//! Section: crash_isolation/exercise.md#when-the-supervisor-dies

fn start(service: Service<'_>) -> io::Result<Child<()>> {
    process::fork(service)
}
