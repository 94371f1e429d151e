//! Programs from PyPI and npm, each in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use e2e::{Finished, Program, left_out};

/// How long an installation may take: some load 200 MB.
const INSTALLATION: Duration = Duration::from_secs(420);

/// Where the files of the shop `name` are that are its tests' own.
pub(super) fn own_files(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/real_shops").join(name)
}

/// Says why a test tries nothing.
pub(super) fn skip(shop: &str, reason: &str) {
    left_out(&format!("purchases from {shop}"), reason);
}

/// The folder of a Python that has what `requirements.txt` of `shop` names.
///
/// # Errors
/// It cannot be installed; says why.
pub(super) fn python(shop: &str) -> Result<PathBuf, String> {
    installed(shop, "requirements.txt", |folder, requirements| {
        let venv = Program::new("python3").args(["-m", "venv"]).arg(folder);
        checked("python3 -m venv", venv)?;
        let pip = Program::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"])
            .arg(requirements);
        checked("pip", pip)
    })
}

/// The folder that has the `node_modules` which `package.json` of `shop` names.
///
/// # Errors
/// It cannot be installed; says why.
pub(super) fn node(shop: &str) -> Result<PathBuf, String> {
    installed(shop, "package.json", |folder, package| {
        let copied = fs::create_dir_all(folder)
            .and_then(|()| fs::copy(package, folder.join("package.json")));
        copied.map_err(|error| error.to_string())?;
        // Nothing of what it builds for itself is needed here, and that would load more from elsewhere.
        let npm = Program::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"])
            .inside(folder);
        checked("npm", npm)
    })
}

fn installed(
    shop: &str,
    wanted: &str,
    install: impl Fn(&Path, &Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let list = own_files(shop).join(wanted);
    let wanted = fs::read_to_string(&list).expect("the versions are in the repository");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-shops").join(shop);
    // Written last, so that half an installation is none.
    let note = folder.join("installed.txt");
    if fs::read_to_string(&note).is_ok_and(|there| there == wanted) {
        return Ok(folder);
    }
    let clear = fs::remove_dir_all(&folder);
    assert!(clear.is_ok() || !folder.exists(), "{}: {clear:?}", folder.display());
    install(&folder, &list)?;
    fs::write(&note, wanted).expect("the folder was just made");
    Ok(folder)
}

fn checked(name: &str, program: Program) -> Result<(), String> {
    let has_program =
        Program::new("sh").args(["-c", "command -v \"$0\" > /dev/null"]).arg(program.path()).run();
    if has_program.code != Some(0) {
        return Err(format!("there is no `{name}`"));
    }
    let Finished { code, stderr, .. } = program.within(INSTALLATION).run();
    if code == Some(0) {
        return Ok(());
    }
    let last = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("`{name}` could not install it: {last}"))
}
