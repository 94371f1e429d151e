//! The command line: typed by the user, checked once, handed on.

use std::{ffi::OsString, fmt::Display, panic::AssertUnwindSafe, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    chaos::{self, ChaosArgs},
    check::{self, CheckArgs, ReportArgs},
    draft::{self, MapArgs},
    exit_code,
    export::{self, ExportArgs},
    lab::{self, LabArgs},
    lesson::{self, LessonArgs},
    manual::Manual,
    own_folder,
    race::{self, RaceArgs},
    report::say,
    run::{self, RunArgs, TryArgs},
    shop,
    shops::{self, SecondArgs, ShopArgs, ShopsArgs},
    worker,
};

/// A load generator with a judge: it buys, and says whether the answers can be right.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Race(RaceArgs),
    Run(Box<RunArgs>),

    Try(TryArgs),

    Map(MapArgs),

    Chaos(Box<ChaosArgs>),

    Check(CheckArgs),

    Report(ReportArgs),

    Export(ExportArgs),

    Lesson(LessonArgs),

    Shops(ShopsArgs),

    Shop(ShopArgs),
    Lab(LabArgs),

    #[command(flatten)]
    Manual(Manual),
}

/// What this program starts itself as. Apart from what people type, whose flags take longer to set
/// up than a worker does to begin: a run starts hundreds of these.
#[derive(Debug, Parser)]
#[command(name = "loadgen")]
enum Child {
    /// A process of a lesson.
    #[command(name = "lesson-process")]
    Lesson {
        #[arg(long)]
        parent: u32,
        #[arg(long)]
        role: String,
    },

    /// A worker of the lab.
    #[command(name = "lab-worker")]
    LabWorker {
        #[arg(long)]
        parent: u32,
    },

    /// Whoever removes what a show that was killed has left.
    #[command(name = "folder-heir")]
    FolderHeir {
        #[arg(long)]
        parent: u32,
        #[arg(long)]
        folder: PathBuf,
    },

    /// A worker in a process of its own.
    #[command(name = "worker-process")]
    Worker {
        #[arg(long)]
        parent: u32,
    },

    /// The second process of a shop.
    #[command(name = "shop-process")]
    Shop(SecondArgs),

    /// A server of a race in a process of its own.
    #[command(name = "server-process")]
    Server {
        #[arg(long)]
        parent: u32,
        #[arg(last = true)]
        args: Vec<OsString>,
    },
}

/// Runs the command line: `args` as typed, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let is_child = args.get(1).and_then(|name| name.to_str()).is_some_and(Child::has_subcommand);
    if is_child { parse(args, play) } else { parse(args, |cli: Cli| carry_out(cli.command)) }
}

fn parse<C: Parser>(args: Vec<OsString>, carry_out: impl FnOnce(C) -> ExitCode) -> ExitCode {
    let command = match C::try_parse_from(args) {
        Ok(command) => command,
        Err(answer) => return tell(&answer),
    };
    // Nothing of what was typed is looked at after a panic, which has said what happened by itself;
    // scripts must still find an exit code of ours.
    std::panic::catch_unwind(AssertUnwindSafe(|| carry_out(command)))
        .unwrap_or_else(|_| ExitCode::from(exit_code::INTERNAL))
}

/// Prints clap's answer to a command line: help on stdout, a mistake on stderr.
fn tell(answer: &clap::Error) -> ExitCode {
    // Help that nobody reads is no error.
    let _ = answer.print();
    ExitCode::from(if answer.use_stderr() { exit_code::USAGE } else { exit_code::VALID })
}

fn carry_out(command: Command) -> ExitCode {
    match command {
        Command::Race(args) => run_race(args),
        Command::Run(args) => run_load(*args),
        Command::Try(args) => match run::rehearse(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) => fail(&error, None, error.exit_code()),
        },
        Command::Map(args) => match draft::show(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) => fail(&error, None, error.exit_code()),
        },
        Command::Chaos(args) => run_chaos(*args),
        Command::Check(args) => run_check(&args),
        Command::Report(args) => run_report(&args),
        Command::Export(args) => match export::show(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) => fail(&error, error.hint(), error.exit_code()),
        },
        Command::Lesson(args) => run_lesson(args),
        Command::Shops(args) => ended(shops::show(&args)),
        Command::Shop(args) => ended(shops::serve(&args)),
        Command::Lab(args) => match lab::show(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) => fail(&error, error.hint(), error.exit_code()),
        },
        Command::Manual(manual) => match manual.write(Cli::command()) {
            Ok(()) => ExitCode::from(exit_code::VALID),
            Err(error) => fail(&error, None, exit_code::INTERNAL),
        },
    }
}

fn play(child: Child) -> ExitCode {
    match child {
        Child::Lesson { parent, role } => match lesson::run_process(parent, &role) {
            Ok(()) => ExitCode::from(exit_code::VALID),
            Err(error) => fail(&error, None, exit_code::INTERNAL),
        },
        Child::LabWorker { parent } => match lab::run_worker(parent) {
            Ok(()) => ExitCode::from(exit_code::VALID),
            Err(error) => fail(&error, None, exit_code::INTERNAL),
        },
        Child::FolderHeir { parent: _, folder } => match own_folder::remove_when_alone(&folder) {
            Ok(()) => ExitCode::from(exit_code::VALID),
            Err(error) => fail(&error, None, exit_code::INTERNAL),
        },
        Child::Worker { parent } => match worker::work_for_parent(parent) {
            Ok(()) => ExitCode::from(exit_code::VALID),
            Err(error) => fail(&error, None, exit_code::INTERNAL),
        },
        Child::Shop(args) => match shops::serve_beside(&args) {
            Ok(code) => code,
            Err(error) => fail(&error, None, exit_code::INTERNAL),
        },
        Child::Server { parent, args } => match shop::serve(parent, args) {
            Ok(code) => code,
            Err(error) => fail(&error, None, exit_code::INTERNAL),
        },
    }
}

fn run_race(args: RaceArgs) -> ExitCode {
    let config = match args.check() {
        Ok(config) => config,
        Err(error) => return fail(&error, None, exit_code::USAGE),
    };
    match race::show(&config) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, error.hint(), error.exit_code()),
    }
}

fn run_load(args: RunArgs) -> ExitCode {
    let config = match args.check() {
        Ok(config) => config,
        Err(error) => return fail(&error, None, exit_code::USAGE),
    };
    match run::show(&config) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, None, error.exit_code()),
    }
}

fn run_chaos(args: ChaosArgs) -> ExitCode {
    let config = match args.check() {
        Ok(config) => config,
        Err(error) => return fail(&error, None, exit_code::USAGE),
    };
    match chaos::show(&config) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, None, error.exit_code()),
    }
}

fn run_check(args: &CheckArgs) -> ExitCode {
    if let Err(error) = args.check() {
        return fail(&error, None, exit_code::USAGE);
    }
    match check::show(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, error.hint(), error.exit_code()),
    }
}

fn run_report(args: &ReportArgs) -> ExitCode {
    match check::draw(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, error.hint(), error.exit_code()),
    }
}

fn run_lesson(args: LessonArgs) -> ExitCode {
    let config = match args.check() {
        Ok(config) => config,
        Err(error) => return fail(&error, None, exit_code::USAGE),
    };
    match lesson::show(&config) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, error.hint(), error.exit_code()),
    }
}

fn ended(result: Result<u8, shops::ShopsError>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, None, error.exit_code()),
    }
}

fn fail(error: &dyn Display, hint: Option<&str>, code: u8) -> ExitCode {
    say(&format!("error: {error}"));
    if let Some(hint) = hint {
        say(&format!("hint: {hint}"));
    }
    ExitCode::from(code)
}
