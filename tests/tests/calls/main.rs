//! What the wrappers that the attributes write pass to a function, and what they make of what it returns.

mod actions;
mod invariants;
mod shelf;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use venomqa::prelude::*;

use shelf::Shelf;

/// An API that gives this answer to every request.
fn api(status: u16) -> HttpClient {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close");
            stream
                .write_all(format!("{head}\r\n\r\n").as_bytes())
                .unwrap();
        }
    });
    HttpClient::new(&format!("http://{address}")).unwrap()
}

/// A world with two APIs and three systems, two of which have the same type.
fn world() -> World {
    World::new(api(200))
        .with_api("billing", api(202))
        .with("left", Shelf::<0>("left"))
        .with("right", Shelf::<0>("right"))
        .with("only", Shelf::<1>("only"))
}

fn context() -> Context {
    let mut context = Context::default();
    context.set("id", 7);
    context
}
