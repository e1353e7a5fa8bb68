//! A small shop that misbehaves as the variable `QUIRKS` says. What the acceptance tests explore.
//!
//! It keeps orders in the SQLite file `DATABASE_PATH`, or in memory, and listens on `127.0.0.1:PORT`. `awkward write FILE` is somebody
//! else instead, who adds a note to a shop's file.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "servers log")]

mod mishap;
mod quirks;
mod shop;
mod wire;

use std::io::BufReader;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use quirks::Quirks;
use shop::Shop;
use wire::Reply;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [word, file] = &arguments[..]
        && word == "write"
    {
        return shop::write_from_outside(file);
    }
    let quirks = Quirks::of_environment();
    println!("awkward starts");
    refuse_to_start(&quirks);
    let port: u16 = std::env::var("PORT")
        .expect("PORT")
        .parse()
        .expect("a port");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let shop = Arc::new(Shop::open(quirks));
    for stream in listener.incoming() {
        let (shop, stream) = (Arc::clone(&shop), stream.expect("a connection"));
        std::thread::spawn(move || {
            stream.set_nodelay(true).expect("a socket");
            let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
            let mut stream = stream;
            while let Some(request) = wire::read(&mut reader) {
                let keep = match shop.answer(&request) {
                    Reply::Json {
                        status,
                        body,
                        headers,
                    } => wire::write(&mut stream, status, &headers, body.to_string().as_bytes()),
                    Reply::Mishap(mishap) => mishap.happen(&mut stream),
                };
                if !keep {
                    break;
                }
            }
        });
    }
}

fn refuse_to_start(quirks: &Quirks) {
    match quirks.value("start") {
        Some("exit") => {
            eprintln!("error: no such host: db.internal");
            std::process::exit(3);
        }
        Some("never") => {
            eprintln!("waiting for the migrations");
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        Some("once") => {
            let marker = std::env::var("DATABASE_PATH").expect("DATABASE_PATH") + ".started";
            if std::fs::exists(&marker).expect("a folder") {
                eprintln!("error: the lock file of the last start is still there");
                std::process::exit(4);
            }
            std::fs::write(marker, "").expect("a folder");
        }
        _ => {}
    }
}
