//! `report --serve`: the page of many images over HTTP, to this machine alone.
//!
//! It listens on the loopback address, under a path that nobody guesses, and only answers: nothing can be written through it. A
//! request that was not made for this address (its `Host` is another, as when a page elsewhere resolves its own name to this
//! machine) is refused.

use std::io::Write;

use seamripper_report::Tiles;
use serde_json::json;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::diag::{Outcome, Stop, print, tell};

/// Bytes of the random part of the address.
const TOKEN: usize = 16;

/// What is served.
pub struct Served {
    /// The page.
    pub html: String,
    /// Its pictures.
    pub tiles: Tiles,
}

/// Serves until the program is stopped.
pub fn serve(served: &Served, json: bool, quiet: bool) -> Outcome {
    let problem = |what: &str, error: &dyn std::fmt::Display| {
        Stop::problem(format!("--serve: expected {what}, found: {error}"), None)
    };
    let server =
        Server::http("127.0.0.1:0").map_err(|error| problem("a free port of this machine", &error))?;
    let port = server.server_addr().to_ip().map_or(0, |address| address.port());
    let mut token = [0; TOKEN];
    getrandom::fill(&mut token).map_err(|error| problem("random bytes of the system", &error))?;
    let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
    let address = format!("http://127.0.0.1:{port}/{token}/");
    print(|out| match json {
        true => writeln!(out, "{}", json!({ "url": address })),
        false => writeln!(out, "{address}"),
    })?;
    if !quiet {
        tell("open it in a browser of this machine; Ctrl-C ends it");
    }
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    for request in server.incoming_requests() {
        let reply = reply(served, &request, &token, &hosts);
        // That a browser has gone away is no reason to stop.
        let _ = request.respond(reply);
    }
    Ok(())
}

type Reply = Response<std::io::Cursor<Vec<u8>>>;

fn reply(served: &Served, request: &Request, token: &str, hosts: &[String; 2]) -> Reply {
    let host = request.headers().iter().find(|header| header.field.equiv("Host"));
    if !host.is_some_and(|host| hosts.iter().any(|known| known == host.value.as_str())) {
        return refused(403);
    }
    if !matches!(request.method(), Method::Get | Method::Head) {
        return refused(405);
    }
    let inside = request.url().strip_prefix('/').and_then(|path| path.strip_prefix(token));
    match inside {
        Some("/") => found(served.html.clone().into_bytes(), "text/html; charset=utf-8"),
        Some(path) => {
            let tile = path.strip_prefix("/tiles/").and_then(|number| number.parse().ok());
            match tile.and_then(|number| served.tiles.get(number)) {
                Some(pixels) => found(pixels.to_vec(), "application/octet-stream"),
                None => refused(404),
            }
        }
        None => refused(404),
    }
}

fn found(bytes: Vec<u8>, kind: &str) -> Reply {
    let headers = [
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ];
    headers.iter().fold(Response::from_data(bytes), |response, (name, value)| {
        response.with_header(Header::from_bytes(*name, *value).expect("a header without line breaks"))
    })
}

fn refused(status: u16) -> Reply {
    Response::from_data(Vec::new()).with_status_code(status)
}
