use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start or end, and how long to wait between two looks.
const START: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// The user as whom servers run where the tests run as root, which some of them refuse: `nobody`.
const UNPRIVILEGED: u32 = 65534;

/// Runs a server until the input ends, which it does when the test process dies, then stops it by a signal and removes its folder if
/// nobody is left to do so. A server that does not heed the signal, such as one that is busy with a script, is killed.
///
/// The output is the server's alone, which says nothing there: it ends once the last of its processes has.
const WATCH: &str = r#"
signal=$1; folder=$2; shift 2
"$@" 3>&1 >>"$folder/log" 2>&1 </dev/null &
server=$!
exec >/dev/null
end() {
    kill -s "$1" $server
    (sleep 10 & nap=$!; trap 'kill $nap; exit' TERM; wait $nap; kill -s KILL $server) &
    killer=$!
    wait $server
    kill $killer
}
if read -r orders; then
    end "$orders"
else
    end "$signal"
    rm -rf "$folder"
fi
"#;

/// The folder of a server, and as whom it runs.
#[derive(Debug)]
pub(super) struct Home {
    folder: TempDir,
    user: Option<u32>,
}

impl Home {
    pub(super) fn new() -> Self {
        // Short, because the path of a socket may have about a hundred bytes.
        let folder = tempfile::Builder::new().prefix("venomqa-").tempdir();
        let folder = folder.expect("a temporary folder");
        let owner = folder.path().metadata().expect("the folder").uid();
        let user = (owner == 0).then_some(UNPRIVILEGED);
        if user.is_some() {
            std::os::unix::fs::chown(folder.path(), user, user).expect("root may do that");
        }
        Self { folder, user }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A program that runs in this folder, as the user of the server.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env("HOME", self.path());
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.path().join("log"));
        log.unwrap_or_default()
    }
}

/// A server that is running. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub(super) struct Process {
    home: Home,
    program: PathBuf,
    arguments: Vec<String>,
    /// How it is asked to end at once, but properly.
    signal: &'static str,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    watch: Child,
    /// Ends once nothing of the server is left.
    life: JoinHandle<()>,
}

impl Process {
    /// Starts a server, whose arguments depend on the port, and waits until it takes connections.
    ///
    /// # Panics
    ///
    /// It ends early; the message has its log.
    pub(super) fn start(
        home: Home,
        program: PathBuf,
        signal: &'static str,
        arguments: impl Fn(u16) -> Vec<String>,
    ) -> Self {
        let port = free_port();
        let mut process = Self {
            home,
            program,
            arguments: arguments(port),
            signal,
            port,
            running: None,
        };
        process.resume();
        process
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// Starts it again in the same folder and on the same port.
    pub(super) fn resume(&mut self) {
        let mut watch = self.home.command("sh");
        watch.args(["-c", WATCH, "sh", self.signal]);
        watch.arg(self.home.path());
        watch.arg(&self.program).args(&self.arguments);
        // A group of its own: an interrupt at the terminal is for the tests, which then stop the server.
        watch.stdin(Stdio::piped()).process_group(0);
        // What the server says is in its log; nobody must have to wait for the end of what the shell says.
        watch.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut watch = watch.spawn().expect("a shell");
        let life = until_end(watch.stdout.take().expect("piped"));
        let running = self.running.insert(Running { watch, life });
        let limit = Instant::now() + START;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            if running.life.is_finished() || Instant::now() > limit {
                self.fail("does not start");
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until the server answers this client, which says why it does not.
    ///
    /// # Panics
    ///
    /// It does not in time; the message has its log.
    pub(super) fn answers(&mut self, mut client: Command) {
        let limit = Instant::now() + START;
        loop {
            let output = client.stdin(Stdio::null()).output();
            let output = output.unwrap_or_else(|error| panic!("{client:?}: {error}"));
            if output.status.success() {
                return;
            }
            if Instant::now() > limit {
                self.fail(&format!(
                    "does not answer: {}",
                    String::from_utf8_lossy(&output.stderr)
                ));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn fail(&mut self, how: &str) -> ! {
        // The folder goes with the server.
        let log = self.home.log();
        self.stop("KILL");
        panic!("{} {how}:\n{log}", self.program.display());
    }

    /// Stops it by a signal, such as `KILL`, and waits until nothing of it is left.
    pub(super) fn stop(&mut self, signal: &str) {
        let Some(Running { mut watch, life }) = self.running.take() else {
            return;
        };
        if let Some(mut orders) = watch.stdin.take() {
            let _ = writeln!(orders, "{signal}");
        }
        let _ = watch.wait();
        // What a crash leaves of a server lives on for a moment, and none starts beside it.
        let _ = life.join();
    }
}

/// Ends with an output.
fn until_end(mut output: ChildStdout) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let _ = output.read_to_end(&mut Vec::new());
    })
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop(self.signal);
    }
}

/// A port that nobody listens at, below those that systems give to outgoing connections: one of these could take it before the server
/// does.
fn free_port() -> u16 {
    let random = || RandomState::new().build_hasher().finish();
    let mut ports = std::iter::repeat_with(|| 10_000 + (random() % 20_000) as u16);
    let free = ports.find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    free.expect("there is always another port to try")
}
