use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use seamripper_core::random::{Purpose, Stream};

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// The four files of a data set of 50 and 2 images of 8 x 8; the first is large enough to be cut.
fn payloads() -> [Vec<u8>; 4] {
    let mut stream = Stream::new(0, Purpose::Test, 0, 0);
    let pixels: Vec<u8> = (0..50 * 64).map(|_| stream.below(256) as u8).collect();
    let labels: Vec<u8> = (0..50).map(|i| i % 2).collect();
    [idx(&[50, 8, 8], &pixels), idx(&[50], &labels), idx(&[2, 8, 8], &pixels[..128]), idx(&[2], &labels[..2])]
}

/// Those files as a data set with a name.
fn tiny() -> &'static Named {
    let sums = payloads().map(|bytes| {
        let digest = Sha256::digest(&bytes);
        let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        (&*text.leak(), bytes.len() as u64)
    });
    let names = FASHION_MNIST.files.each_ref().map(|file| file.name);
    let file = |i: usize| NamedFile { name: names[i], sha256: sums[i].0, bytes: sums[i].1 };
    Box::leak(Box::new(Named {
        name: "tiny",
        package: "dataset-tiny",
        publisher: "http://127.0.0.1:9/unused",
        classes: &["a", "b"],
        files: [0, 1, 2, 3].map(file),
    }))
}

/// How the server treats a request.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Good,
    IgnoresRanges,
    /// Announces all, sends the first 100 bytes of the answer, hangs up; from the third request on it is good.
    HangsUp,
    WrongContent,
    NotFound,
}

/// An HTTP server of the packed files; gives its URL and the `Range` of each request for the first file.
fn serve(manner: Manner) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // The client may hang up at any time; that is its test's business.
            let _ = answer(stream.unwrap(), manner, &log);
        }
    });
    (url, asked)
}

fn answer(mut stream: TcpStream, manner: Manner, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap()?;
    let mut range = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("range: ") {
            range = value.to_owned();
        }
    }
    let which = FASHION_MNIST.files.iter().position(|file| request.contains(&format!("/{}.gz ", file.name)));
    let mut file = gzip(&payloads()[which.unwrap()]);
    if manner == Manner::WrongContent {
        file = gzip(&idx(&[1, 1, 1], &[9]));
    }
    let requests = {
        let mut log = log.lock().unwrap();
        if which == Some(0) {
            log.push(range.clone());
        }
        log.len()
    };
    let start: usize =
        range.strip_prefix("bytes=").and_then(|r| r.strip_suffix('-')).map_or(0, |n| n.parse().unwrap());
    let total = file.len();
    let (status, headers, body) = match manner {
        Manner::NotFound => ("404 Not Found", String::new(), Vec::new()),
        Manner::IgnoresRanges => ("200 OK", String::new(), file),
        _ if start == 0 => ("200 OK", String::new(), file),
        _ if start >= total => {
            ("416 Range Not Satisfiable", format!("Content-Range: bytes */{total}\r\n"), Vec::new())
        }
        _ => {
            let headers = format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
            ("206 Partial Content", headers, file[start..].to_vec())
        }
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    let sent = if manner == Manner::HangsUp && requests < 3 { body.len().min(100) } else { body.len() };
    stream.write_all(&body[..sent])
}

struct Setting {
    folder: TempDir,
}

impl Setting {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self, download: Download) -> OpenOptions<'static> {
        OpenOptions {
            cache: self.path("cache"),
            system: self.path("system"),
            download,
            ..OpenOptions::offline()
        }
    }

    fn open(&self, url: &str) -> Result<Dataset> {
        tiny().open(&self.options(Download::FromMirror(url.to_owned())))
    }

    /// Names in the cache, sorted.
    fn cached(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("cache/tiny")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }

    fn shown(&self, error: &Error) -> String {
        let text = format!("{error}\nhint: {}", error.hint().unwrap_or_default());
        text.replace(&*self.folder.path().to_string_lossy(), "FOLDER")
    }
}

const ALL_FOUR: [&str; 4] = [
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
];

fn check(dataset: &Dataset) {
    assert_eq!((dataset.train.len(), dataset.test.as_ref().unwrap().len()), (50, 2));
    assert_eq!(dataset.train.pixels(), &payloads()[0][16..]);
    assert!(dataset.origin.verified);
    assert_eq!(dataset.train.ids().id(42), "train-00042");
    assert_eq!(dataset.test.as_ref().unwrap().ids().id(1), "test-00001");
}

#[test]
fn a_fresh_download_is_verified_cached_and_not_repeated() {
    let setting = Setting::new();
    let (url, asked) = serve(Manner::Good);
    let arrived = Mutex::new(Vec::new());
    let progress = |progress: Progress<'_>| {
        if let Progress::Downloading { done, total, .. } = progress {
            arrived.lock().unwrap().push((done, total));
        }
    };
    let options = OpenOptions { progress: &progress, ..setting.options(Download::FromMirror(url.clone())) };
    let dataset = tiny().open(&options).unwrap();
    check(&dataset);
    assert!(dataset.origin.downloaded);
    assert_eq!(setting.cached(), ALL_FOUR);
    let size = gzip(&payloads()[0]).len() as u64;
    assert!(arrived.lock().unwrap().contains(&(size, Some(size))));

    let again = setting.open(&url).unwrap();
    check(&again);
    assert!(!again.origin.downloaded);
    assert_eq!(*asked.lock().unwrap(), [""]);
}

#[test]
fn a_part_is_gone_on_with() {
    let setting = Setting::new();
    let (url, asked) = serve(Manner::Good);
    fs::create_dir_all(setting.path("cache/tiny")).unwrap();
    let part = setting.path("cache/tiny/train-images-idx3-ubyte.gz.part");
    fs::write(&part, &gzip(&payloads()[0])[..1000]).unwrap();
    check(&setting.open(&url).unwrap());
    assert_eq!(*asked.lock().unwrap(), ["bytes=1000-"]);
    assert_eq!(setting.cached(), ALL_FOUR);
}

#[test]
fn a_whole_part_is_only_verified_and_a_longer_one_thrown_away() {
    for surplus in [0, 7] {
        let setting = Setting::new();
        let (url, asked) = serve(Manner::Good);
        fs::create_dir_all(setting.path("cache/tiny")).unwrap();
        let whole = gzip(&payloads()[0]);
        let part = setting.path("cache/tiny/train-images-idx3-ubyte.gz.part");
        fs::write(&part, [&whole[..], &vec![1; surplus]].concat()).unwrap();
        check(&setting.open(&url).unwrap());
        let first = format!("bytes={}-", whole.len() + surplus);
        let expected = if surplus == 0 { vec![first] } else { vec![first, String::new()] };
        assert_eq!(*asked.lock().unwrap(), expected);
    }
}

#[test]
fn a_server_that_ignores_ranges_sends_all_again() {
    let setting = Setting::new();
    let (url, _) = serve(Manner::IgnoresRanges);
    fs::create_dir_all(setting.path("cache/tiny")).unwrap();
    fs::write(setting.path("cache/tiny/train-images-idx3-ubyte.gz.part"), [1; 500]).unwrap();
    check(&setting.open(&url).unwrap());
}

#[test]
fn a_connection_that_breaks_is_taken_up_again() {
    let setting = Setting::new();
    let (url, asked) = serve(Manner::HangsUp);
    check(&setting.open(&url).unwrap());
    assert_eq!(*asked.lock().unwrap(), ["", "bytes=100-", "bytes=200-"]);
}

#[test]
fn a_wrong_checksum_is_an_error_and_leaves_nothing() {
    let setting = Setting::new();
    let (url, _) = serve(Manner::WrongContent);
    let error = setting.open(&url).unwrap_err();
    insta::assert_snapshot!(setting.shown(&error), @r"
    sha256 of the unpacked payload of FOLDER/cache/tiny/train-images-idx3-ubyte.gz: expected 4b80a303fef34fa537e646f5707f6cbd388ca1d75b1377f6cdb8400259e8c915, found 56c304bf6b9e90aad3fee96309ea5fb37c5e2124a9d31f313ce980a58f6b7110
    hint: the file was removed; run the command again, or give a folder that holds the data set with --data
    ");
    assert!(!setting.cached().iter().any(|name| name.starts_with("train-images")), "{:?}", setting.cached());
}

#[test]
fn without_data_set_and_network_every_place_is_told() {
    let setting = Setting::new();
    fs::create_dir_all(setting.path("data")).unwrap();
    fs::create_dir_all(setting.path("system/tiny")).unwrap();
    fs::write(setting.path("system/tiny/train-labels-idx1-ubyte"), b"").unwrap();
    let mut options = setting.options(Download::Forbidden);
    options.data = Some(setting.path("data"));
    insta::assert_snapshot!(setting.shown(&tiny().open(&options).unwrap_err()), @r"
    data set `tiny`: expected its files in one of these places, found none complete
      --data FOLDER/data: none of its files
      $SEAMRIPPER_DATA: not given
      cache FOLDER/cache: no such folder
      system FOLDER/system: lacks train-images-idx3-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte
      download: forbidden
    hint: install it with `apt-get install dataset-tiny`, or give the folder that holds its files with --data DIR
    ");

    // a port that was free a moment ago refuses connections
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = setting.open(&format!("http://127.0.0.1:{port}")).unwrap_err();
    insta::assert_snapshot!(setting.shown(&error).replace(&port.to_string(), "PORT"), @r"
    data set `tiny`: expected its files in one of these places, found none complete
      --data: not given
      $SEAMRIPPER_DATA: not given
      cache FOLDER/cache: no such folder
      system FOLDER/system: lacks train-images-idx3-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte
      download http://127.0.0.1:PORT/train-images-idx3-ubyte.gz: connection refused
    hint: install it with `apt-get install dataset-tiny`, or give the folder that holds its files with --data DIR
    ");

    let (url, _) = serve(Manner::NotFound);
    let error = setting.open(&url).unwrap_err();
    assert!(setting.shown(&error).contains("expected status 200, found 404"));
    assert_eq!(setting.cached(), [""; 0], "no empty part is left");
}

#[test]
fn two_processes_do_not_write_one_part() {
    let setting = Setting::new();
    let (url, _) = serve(Manner::Good);
    fs::create_dir_all(setting.path("cache/tiny")).unwrap();
    let part = fs::File::create(setting.path("cache/tiny/train-images-idx3-ubyte.gz.part")).unwrap();
    part.lock().unwrap();
    let error = setting.open(&url).unwrap_err();
    insta::assert_snapshot!(setting.shown(&error).replace(&url, "URL"), @r"
    download of URL/train-images-idx3-ubyte.gz: expected to be alone, found another process that downloads this file
    hint: run the command again, it goes on where it stopped; or `apt-get install dataset-tiny`; or give the folder that holds the files with --data DIR
    ");
}

#[test]
fn the_first_place_that_holds_all_files_is_read() {
    let setting = Setting::new();
    let put = |place: &str, packed: bool, count: usize| {
        fs::create_dir_all(setting.path(place)).unwrap();
        for (file, bytes) in FASHION_MNIST.files.iter().zip(payloads()).take(count) {
            let name =
                if packed { format!("{place}/{}.gz", file.name) } else { format!("{place}/{}", file.name) };
            fs::write(setting.path(&name), if packed { gzip(&bytes) } else { bytes }).unwrap();
        }
    };
    let read_from = |options: &OpenOptions<'_>| {
        let dataset = tiny().open(options).unwrap();
        check(&dataset);
        dataset.origin.files[0].path.strip_prefix(setting.folder.path()).unwrap().display().to_string()
    };
    let mut options = setting.options(Download::Forbidden);
    options.data = Some(setting.path("data"));
    options.env_data = Some(setting.path("env"));
    put("system/tiny", true, 4);
    assert_eq!(read_from(&options), "system/tiny/train-images-idx3-ubyte.gz");
    put("cache/tiny", true, 4);
    assert_eq!(read_from(&options), "cache/tiny/train-images-idx3-ubyte.gz");
    put("env", false, 4);
    assert_eq!(read_from(&options), "env/train-images-idx3-ubyte");
    put("data", true, 3);
    assert_eq!(read_from(&options), "env/train-images-idx3-ubyte", "an incomplete folder is passed over");
    put("data", true, 4);
    assert_eq!(read_from(&options), "data/train-images-idx3-ubyte.gz");

    fs::write(setting.path("data/train-labels-idx1-ubyte.gz"), gzip(&idx(&[50], &[1; 50]))).unwrap();
    insta::assert_snapshot!(setting.shown(&tiny().open(&options).unwrap_err()), @r"
    sha256 of the unpacked payload of FOLDER/data/train-labels-idx1-ubyte.gz: expected 263bd730c74649b833d443a7ae57145c4fadbcb749918be82754cd3c73f6092a, found c8b7eb066066e29ac8dc24c4dc4388eeab9e540b50281ec04767e3a7d4351e27
    hint: the file is damaged or another version; remove it, or give another folder with --data
    ");
}
