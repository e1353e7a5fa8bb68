use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// Waits until we are gone, which closes the pipe, and then kills its own group. Signals meant for the server must not end it first.
const WATCHDOG: &str = "trap '' HUP INT QUIT TERM; read -r _; kill -KILL 0";

/// How long dropping waits for the server to end by itself.
const GRACE_OF_DROP: Duration = Duration::from_secs(1);

/// How long the end waits for killed grandchildren to be gone. They are gone at once, unless nobody reaps orphans here, as in a container
/// without an init process.
const GRACE_OF_ORPHANS: Duration = Duration::from_millis(200);

/// macOS cannot open a pipe and mark it as ours in one step. A process spawned in between by another thread would hold the pipe open, and
/// the watchdog would not see us go.
static SPAWNING: Mutex<()> = Mutex::new(());

/// A server with all its descendants, as one process group that ends with us in any case.
///
/// The leader of the group is not the server but a watchdog, `/bin/sh` with a pipe from us. When this process ends, also by `kill -9`, the
/// pipe closes and the watchdog kills its group. That it leads the group has two more uses: there is no moment in which the server runs
/// unwatched, and the number of the group stays taken for as long as we have not reaped the watchdog, so a signal to the group can never
/// reach strangers.
pub(super) struct Group {
    watchdog: Child,
    server: Child,
    exit: Option<ExitStatus>,
    ended: bool,
}

impl Group {
    pub(super) fn start(mut server: Command) -> io::Result<Self> {
        let _one_at_a_time = SPAWNING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "venomqa-watchdog"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let group = i32::try_from(watchdog.id()).map_err(io::Error::other)?;
        match server.process_group(group).spawn() {
            Ok(server) => Ok(Self {
                watchdog,
                server,
                exit: None,
                ended: false,
            }),
            Err(error) => {
                watchdog.kill()?;
                watchdog.wait()?;
                Err(error)
            }
        }
    }

    /// How the server ended, if it did. Its descendants may live on.
    pub(super) fn exit(&mut self) -> Option<ExitStatus> {
        if self.exit.is_none() {
            self.exit = self.server.try_wait().ok().flatten();
        }
        self.exit
    }

    /// Asks all of the group to end.
    pub(super) fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Kills what is left of the group, and waits until it is gone.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        if let (true, Some(exit)) = (self.ended, self.exit) {
            return Ok(exit);
        }
        self.signal(Signal::KILL)?;
        if self.exit().is_none() {
            // A server that went into a session of its own is in a group of its own, too.
            let _ = kill_process_group(Pid::from_child(&self.server), Signal::KILL);
            self.server.kill()?;
        }
        let exit = self.server.wait()?;
        self.exit = Some(exit);
        self.watchdog.wait()?;
        self.ended = true;
        let deadline = Instant::now() + GRACE_OF_ORPHANS;
        while test_kill_process_group(self.id()).is_ok() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(exit)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        match kill_process_group(self.id(), signal) {
            // macOS answers so if only zombies are left.
            Ok(()) | Err(Errno::SRCH | Errno::PERM) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.watchdog)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let _ = self.terminate();
        let deadline = Instant::now() + GRACE_OF_DROP;
        while self.exit().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        // Nobody is left to be told, and the watchdog tries again when we are gone.
        let _ = self.end();
    }
}
