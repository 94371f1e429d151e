//! What the program tells of its own command line: completions for a shell, and pages for `man`.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Subcommand;
use clap_complete::Shell;

/// What is made of the command line.
#[derive(Debug, Subcommand)]
pub(crate) enum Manual {
    /// Print what completes this program's command line in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the pages for `man` into a folder: `loadgen.1`, and one for each command.
    Man {
        /// The folder; made where it is missing.
        folder: PathBuf,
    },
}

impl Manual {
    /// Makes it of `program`.
    ///
    /// # Errors
    /// What the system says, with the folder where there is one.
    pub(crate) fn write(self, mut program: clap::Command) -> io::Result<()> {
        match self {
            Self::Completions { shell } => {
                let name = program.get_name().to_owned();
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut program, name, &mut script);
                io::stdout().write_all(&script)
            }
            Self::Man { folder } => {
                let written = fs::create_dir_all(&folder)
                    .and_then(|()| clap_mangen::generate_to(program, &folder));
                written.map_err(|cause| {
                    io::Error::new(cause.kind(), format!("{}: {cause}", folder.display()))
                })
            }
        }
    }
}
