//! A program and how to start it.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    process::{Finished, Process},
    wait::PATIENCE,
};

/// The capabilities for which file permissions do not bind.
const OVERRIDES: &str = "-dac_override,-dac_read_search";

/// Becomes the program `$@`, or ends where `$0`, which started it, was gone before the kernel was asked to end the two
/// together.
const WITH_ITS_STARTER: &str = r#"[ "$PPID" = "$0" ] && exec "$@""#;

/// A program with its arguments, not started yet.
#[derive(Clone)]
pub struct Program {
    name: String,
    privileges: Vec<&'static str>,
    path: OsString,
    folder: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(String, OsString)>,
    dropped: Vec<OsString>,
    limit: Duration,
}

impl Program {
    /// The program at `path`, or of that name on the `PATH`.
    pub fn new(path: impl AsRef<OsStr>) -> Program {
        let path = path.as_ref().to_owned();
        let name = Path::new(&path).file_name().unwrap_or(&path);
        Program {
            name: name.to_string_lossy().into_owned(),
            privileges: vec!["--pdeathsig", "KILL"],
            path,
            folder: PathBuf::from("."),
            arguments: Vec::new(),
            variables: Vec::new(),
            dropped: vec!["RUST_LOG".into()],
            limit: PATIENCE,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Program {
        arguments.into_iter().fold(self, Program::arg)
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, variable: &str, value: impl AsRef<OsStr>) -> Program {
        self.variables.push((variable.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts it in `folder`, which its own path has to be independent of.
    #[must_use]
    pub fn inside(mut self, folder: impl Into<PathBuf>) -> Program {
        self.folder = folder.into();
        self
    }

    /// Takes an environment variable away.
    #[must_use]
    pub fn without_env(mut self, variable: impl AsRef<OsStr>) -> Program {
        self.dropped.push(variable.as_ref().to_owned());
        self
    }

    /// Sets how long [`Program::run`] waits for the end; two minutes otherwise.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Program {
        self.limit = limit;
        self
    }

    /// Lets file permissions bind the program even when the tests run as root.
    #[must_use]
    pub fn bound_by_permissions(mut self) -> Program {
        // Others are bound already, and may not change the bounding set.
        if rustix::process::geteuid().is_root() {
            self.privileges.extend(["--bounding-set", OVERRIDES, "--inh-caps", OVERRIDES]);
        }
        self
    }

    /// Runs it as another user and in the group of the same name; only root may.
    #[must_use]
    pub fn as_user(mut self, user: &'static str) -> Program {
        self.privileges.extend(["--reuid", user, "--regid", user, "--init-groups"]);
        self
    }

    /// Its path, or its name on the `PATH`.
    pub fn path(&self) -> &OsStr {
        &self.path
    }

    /// Starts it, without an input.
    ///
    /// It is killed when the thread that starts it ends, by `setpriv --pdeathsig`: a test that is
    /// killed leaves nothing behind either. So start it on the test's own thread.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn start(&self) -> Process {
        let mut command = Command::new("setpriv");
        for variable in &self.dropped {
            command.env_remove(variable);
        }
        let child = command
            .args(&self.privileges)
            .args(["--", "sh", "-c", WITH_ITS_STARTER])
            .arg(std::process::id().to_string())
            .arg(&self.path)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| panic!("cannot start `{}`: {cause}", self.name));
        Process::adopt(child, self.name.clone())
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started, or still runs when its time is over.
    #[track_caller]
    pub fn run(&self) -> Finished {
        self.start().finish(self.limit)
    }
}
