//! One file over HTTP into a `.part` file, going on where an earlier attempt stopped.
//!
//! *Idea*: ask for the bytes behind those already there (`Range`). 206 appends, 200 means that the server ignores
//! ranges and starts over, 416 that nothing is missing (or that the part is too long and is thrown away). Whether the
//! bytes are the right ones is not decided here: the caller verifies the checksum before it renames the file.
//!
//! *Reference*: RFC 9110, section 14 (range requests).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

use crate::options::Progress;

/// A broken connection is taken up again as often as that, as long as something arrives each time.
const ATTEMPTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a file did not arrive.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing came from the server but perhaps a refusal.
    Nothing(String),
    /// Something came, but not the file.
    Broken(String),
    /// The `.part` file cannot be written.
    Disk(io::Error),
}

/// Fetches `url` into `part`, at most `limit` bytes.
pub(crate) fn fetch(
    url: &str,
    part: &Path,
    limit: u64,
    progress: &dyn Fn(Progress<'_>),
) -> Result<(), Failure> {
    let mut file = open_locked(part)?;
    let agent = agent(url);
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let before = file.seek(SeekFrom::End(0)).map_err(Failure::Disk)?;
        match attempt(&agent, url, &mut file, before, limit, progress) {
            Ok(Attempt::Complete) => return file.sync_all().map_err(Failure::Disk),
            Ok(Attempt::StartOver) => file.set_len(0).map_err(Failure::Disk)?,
            Err(Failure::Broken(reason)) => {
                let arrived = file.metadata().map_err(Failure::Disk)?.len() > before;
                last = Some(reason);
                if !arrived {
                    break;
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Broken(
        last.unwrap_or_else(|| "expected the file, found a server that sends no part of it".into()),
    ))
}

enum Attempt {
    Complete,
    StartOver,
}

fn attempt(
    agent: &Agent,
    url: &str,
    file: &mut File,
    start: u64,
    limit: u64,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Attempt, Failure> {
    let mut request = agent.get(url);
    if start > 0 {
        request = request.header("Range", format!("bytes={start}-"));
    }
    let response = request.call().map_err(|error| nothing_or_broken(start, cause(&error)))?;
    let start = match response.status().as_u16() {
        200 => {
            file.set_len(0).and_then(|()| file.rewind()).map_err(Failure::Disk)?;
            0
        }
        206 if content_range(&response).starts_with(&format!("bytes {start}-")) => start,
        206 => return Ok(Attempt::StartOver),
        416 if start > 0 && content_range(&response) == format!("bytes */{start}") => {
            return Ok(Attempt::Complete);
        }
        416 if start > 0 => return Ok(Attempt::StartOver),
        status => return Err(nothing_or_broken(start, format!("expected status 200, found {status}"))),
    };
    let total = response.body().content_length().map(|rest| start.saturating_add(rest));
    if total.is_some_and(|total| total > limit) {
        let found = total.unwrap_or_default();
        let reason = format!("expected at most {limit} bytes, found {found} announced");
        return Err(nothing_or_broken(start, reason));
    }
    append(response, file, start, total, limit, &|done| {
        progress(Progress::Downloading { url, done, total })
    })?;
    Ok(Attempt::Complete)
}

fn append(
    response: Response<Body>,
    file: &mut File,
    start: u64,
    total: Option<u64>,
    limit: u64,
    progress: &dyn Fn(u64),
) -> Result<(), Failure> {
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    let mut done = start;
    progress(done);
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Broken(format!("broken off after {done} bytes: {error}"))),
        };
        done += n as u64;
        if done > limit {
            file.set_len(0).map_err(Failure::Disk)?;
            return Err(Failure::Broken(format!("expected at most {limit} bytes, found more")));
        }
        file.write_all(&buffer[..n]).map_err(Failure::Disk)?;
        progress(done);
    }
    match total {
        Some(total) if done < total => Err(Failure::Broken(format!("expected {total} bytes, found {done}"))),
        _ => Ok(()),
    }
}

/// Two processes must not write one part.
fn open_locked(part: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(part)
        .map_err(Failure::Disk)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::Broken(
            "expected to be alone, found another process that downloads this file".into(),
        )),
        Err(TryLockError::Error(error)) => Err(Failure::Disk(error)),
    }
}

fn agent(url: &str) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(READ_TIMEOUT))
        .timeout_per_read(Some(READ_TIMEOUT))
        .user_agent(concat!("seamripper/", env!("CARGO_PKG_VERSION")));
    if url.starts_with("http://127.0.0.1:") || url.starts_with("http://localhost:") {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

fn nothing_or_broken(start: u64, reason: String) -> Failure {
    if start == 0 { Failure::Nothing(reason) } else { Failure::Broken(reason) }
}

/// What the network said, without the names of this program's libraries.
fn cause(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "connection refused".into()
        }
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::HostNotFound => "host not found".into(),
        other => other.to_string(),
    }
}

fn content_range(response: &Response<Body>) -> &str {
    response.headers().get("content-range").and_then(|value| value.to_str().ok()).unwrap_or_default()
}
