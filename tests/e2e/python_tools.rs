//! Programs in Python that are held against ours, from PyPI, in a folder of their own.
//!
//! They are installed once, in the versions of `tests/openapi/requirements.txt`. Where that cannot be
//! done, the tests that need them fail, as they do without a browser.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use e2e::Program;

/// How long an installation may take: it loads some 30 MB.
const INSTALLATION: Duration = Duration::from_secs(300);

/// The program `name`, without arguments yet.
///
/// # Panics
/// When it cannot be installed.
#[track_caller]
pub(crate) fn python_tool(name: &str) -> Program {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(installed);
    Program::new(FOLDER.join("bin").join(name)).env("PYTHONDONTWRITEBYTECODE", "1")
}

fn installed() -> PathBuf {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/requirements.txt");
    let wanted = fs::read_to_string(&requirements).expect("the versions are in the repository");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-tools");
    // Written last, so that half an installation is none.
    let note = folder.join("installed.txt");
    if fs::read_to_string(&note).is_ok_and(|there| there == wanted) {
        return folder;
    }
    let clear = fs::remove_dir_all(&folder);
    assert!(clear.is_ok() || !folder.exists(), "{}: {clear:?}", folder.display());
    let made = Program::new("python3").args(["-m", "venv"]).arg(&folder).within(INSTALLATION).run();
    assert_eq!(made.code, Some(0), "no virtual environment (Debian: python3-venv): {made:?}");
    let pip = Program::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"])
        .arg(&requirements)
        .within(INSTALLATION)
        .run();
    assert_eq!(pip.code, Some(0), "PyPI is needed once, to install what tries the API: {pip:?}");
    fs::write(&note, wanted).expect("the folder was just made");
    folder
}
