#![expect(clippy::print_stdout, clippy::print_stderr, reason = "servers log")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use venomqa::Server;

/// This test binary once more, in a role.
pub(crate) fn again(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--exact", "role", "--nocapture"])
        .env("ROLE", role);
    command
}

/// Whether a process lives; one that waits to be reaped does not.
pub(crate) fn alive(pid: &str) -> bool {
    let told = Command::new("ps")
        .args(["-o", "stat=", "-p", pid])
        .output()
        .expect("ps");
    let state = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Becomes what the role says. Never returns.
pub(crate) fn play(role: &str) -> ! {
    match role {
        "serve" => serve(None),
        "family" => {
            let exe = std::env::current_exe().expect("this test");
            let stubborn = "trap '' TERM; exec \"$0\" --exact role --nocapture";
            let mut child = Command::new("/bin/sh");
            child
                .args(["-c", stubborn])
                .arg(exe)
                .env("ROLE", "sleep")
                .stdout(Stdio::null());
            serve(Some(child.spawn().expect("a child")))
        }
        "stubborn" => {
            become_shell("trap '' TERM; exec env ROLE=serve \"$0\" --exact role --nocapture")
        }
        "graceful" => become_shell(
            "trap 'kill $!; echo tidied up; exit 0' TERM; env ROLE=serve \"$0\" --exact role --nocapture & wait",
        ),
        "robbed" => robbed(),
        "parent" => parent(),
        "die" => {
            eprintln!("the config is wrong");
            std::process::exit(7)
        }
        "abort" => std::process::abort(),
        "sleep" => {
            eprintln!("sleeping");
            loop {
                std::thread::park();
            }
        }
        other => panic!("no role {other}"),
    }
}

fn become_shell(script: &str) -> ! {
    use std::os::unix::process::CommandExt;
    let exe = std::env::current_exe().expect("this test");
    panic!(
        "{}",
        Command::new("/bin/sh").args(["-c", script]).arg(exe).exec()
    )
}

fn told_port() -> u16 {
    let text = if std::env::var("PORT_FROM").is_ok() {
        std::env::args().next_back()
    } else {
        std::env::var("APP_PORT")
            .or_else(|_| std::env::var("PORT"))
            .ok()
    };
    text.and_then(|text| text.parse().ok()).expect("a port")
}

fn serve(child: Option<Child>) -> ! {
    let listener = TcpListener::bind(("127.0.0.1", told_port())).expect("a port");
    eprintln!("listening on {}", told_port());
    let busy: u32 = std::env::var("BUSY").map_or(0, |text| text.parse().expect("a number"));
    let count = AtomicU32::new(0);
    let child = child
        .map(|child| child.id().to_string())
        .unwrap_or_default();
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            let (count, child) = (&count, &child);
            scope.spawn(move || {
                let mut stream = stream.expect("a connection");
                let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines();
                while let Some(Ok(line)) = lines.next() {
                    while lines
                        .next()
                        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
                    {
                    }
                    let path = line.split(' ').nth(1).unwrap_or_default();
                    let n = count.fetch_add(1, SeqCst) + 1;
                    let status = if path == "/health" && n <= busy {
                        "503 Busy"
                    } else {
                        "200 OK"
                    };
                    let body = answer(path, n, child);
                    let head = format!(
                        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    if stream.write_all((head + &body).as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    unreachable!("listeners do not end")
}

fn answer(path: &str, n: u32, child: &str) -> String {
    if path == "/abort" {
        println!("last words");
        std::process::abort();
    }
    if let Some(line) = path.strip_prefix("/say/") {
        println!("{line}");
    }
    if let Some(name) = path.strip_prefix("/env/") {
        return std::env::var(name).unwrap_or_default();
    }
    match path {
        "/pid" => std::process::id().to_string(),
        "/child" => child.into(),
        "/count" => n.to_string(),
        _ => "ok".into(),
    }
}

/// At the first start somebody is faster to take the port.
fn robbed() -> ! {
    let marker = std::env::var("MARKER").expect("a file");
    if std::fs::exists(&marker).expect("a folder") {
        serve(None);
    }
    std::fs::write(&marker, told_port().to_string()).expect("written");
    let _faster = TcpListener::bind(("127.0.0.1", told_port())).expect("a port");
    let error = TcpListener::bind(("127.0.0.1", told_port())).expect_err("taken");
    eprintln!("{error}");
    std::process::exit(1)
}

/// A test with two servers that have children, which it tells.
fn parent() -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut servers = Vec::new();
        for _ in 0..2 {
            servers.push(
                Server::spawn(again("family"))
                    .ready_when("/health")
                    .await
                    .expect("a server"),
            );
        }
        println!("\npids");
        for server in &servers {
            for path in ["/pid", "/child"] {
                let answer = server.client().get(path).send().await.expect("an answer");
                println!("{}", answer.text());
            }
        }
        println!("end");
        std::future::pending().await
    })
}
