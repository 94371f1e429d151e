//! The terminal that a live view is drawn on: taken over, and given back on every way out.

use std::io::{self, IsTerminal, Stderr};

use ratatui::{
    Frame, Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::{Hide, Show},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen},
    },
};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// A second screen on standard error; dropping it brings back the first.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stderr>>,
    /// How standard input was, where it is a terminal.
    input: Option<Termios>,
}

impl Screen {
    /// Takes over the terminal; `None` where there is none, or one that cannot be drawn on.
    pub(crate) fn open() -> Option<Self> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if is_dumb || !io::stderr().is_terminal() {
            return None;
        }
        let terminal = Terminal::new(CrosstermBackend::new(io::stderr())).ok()?;
        let input = quiet_input();
        let screen = Self { terminal, input };
        execute!(io::stderr(), EnterAlternateScreen, Hide).ok()?;
        Some(screen)
    }

    /// Draws one picture.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) {
        // A terminal that has gone away is no reason to end the run.
        let _ = self.terminal.draw(draw);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        if let Some(input) = &self.input {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, input);
        }
    }
}

/// Keys are not shown, but Ctrl-C stays a signal: in raw mode it would be a key.
fn quiet_input() -> Option<Termios> {
    let before = tcgetattr(io::stdin()).ok()?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
    tcsetattr(io::stdin(), OptionalActions::Now, &quiet).ok()?;
    Some(before)
}
