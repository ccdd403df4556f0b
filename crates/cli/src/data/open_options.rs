//! Where data is looked for, from the command line and the environment.

use std::env;
use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};
use seamripper_data::options::{Download, ImageOptions, OpenOptions, Progress, SYSTEM_FOLDER};

/// A folder to look for named data sets in, after `--data`.
const DATA: &str = "SEAMRIPPER_DATA";
/// Where the packages of the distribution put data sets, if not in [`SYSTEM_FOLDER`].
const SYSTEM: &str = "SEAMRIPPER_SYSTEM_DATA";
/// URL of a copy of the publisher's folder; `off` forbids downloads.
const MIRROR: &str = "SEAMRIPPER_MIRROR";

/// The places, as the user set them.
#[derive(Debug)]
pub struct Places {
    data: Option<PathBuf>,
    env_data: Option<PathBuf>,
    cache: PathBuf,
    system: PathBuf,
    download: Download,
}

impl Places {
    /// Those of `--data` and the environment.
    pub fn of_user(data: Option<PathBuf>) -> Self {
        let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = choose_base_strategy().map(|strategy| strategy.cache_dir());
        let download = match env::var(MIRROR) {
            Ok(value) if value == "off" => Download::Forbidden,
            Ok(url) if !url.is_empty() => Download::FromMirror(url),
            _ => Download::FromPublisher,
        };
        Self {
            data,
            env_data: folder(DATA),
            // without a home folder, what is downloaded is kept until the machine tidies up
            cache: cache.unwrap_or_else(|_| env::temp_dir()).join("seamripper"),
            system: folder(SYSTEM).unwrap_or_else(|| SYSTEM_FOLDER.into()),
            download,
        }
    }

    /// As the library takes them.
    pub fn options<'a>(
        self,
        images: ImageOptions,
        progress: &'a (dyn Fn(Progress<'_>) + Sync),
    ) -> OpenOptions<'a> {
        let Self { data, env_data, cache, system, download } = self;
        OpenOptions { data, env_data, cache, system, download, images, only: None, progress }
    }
}
