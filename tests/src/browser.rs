//! A real Chromium without a window, driven through WebDriver.

use std::path::Path;

use fantoccini::{ClientBuilder, Locator, error::CmdError, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    process::Process,
    processes::Mark,
    program::Program,
    wait::{PATIENCE, eventually},
};

/// What keeps Chromium from the network and from asking questions. Through the pipe it is told
/// what to do, and ends when the driver at the other end is gone.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=direct://",
    "--remote-debugging-pipe",
    "--window-size=390,844",
];

/// How often a driver is started, at most.
const STARTS_MAX: usize = 5;

/// A browser with one page, and with a profile of its own.
pub struct Browser {
    runtime: Runtime,
    page: fantoccini::Client,
    mark: Mark,
    driver: Option<Process>,
    // Dropped last: Chromium writes into it to its end.
    _profile: TempDir,
}

impl Browser {
    /// Starts a driver on a free port, and a browser with an empty profile.
    ///
    /// # Panics
    /// When Debian's packages `chromium` and `chromium-driver` are missing, or do not start.
    #[track_caller]
    pub fn start() -> Browser {
        Browser::start_with(&json!({}), &[])
    }

    /// Starts a browser whose page runs no scripts.
    ///
    /// # Panics
    /// As [`Browser::start`].
    #[track_caller]
    pub fn start_without_javascript() -> Browser {
        let preferences = json!({"profile.managed_default_content_settings.javascript": 2});
        Browser::start_with(&preferences, &[])
    }

    /// Starts a browser of somebody who prefers dark pages.
    ///
    /// # Panics
    /// As [`Browser::start`].
    #[track_caller]
    pub fn start_dark() -> Browser {
        Browser::start_with(&json!({}), &["--blink-settings=preferredColorScheme=0"])
    }

    /// Starts a browser for which `domain` is this machine, whatever certificate it shows.
    ///
    /// # Panics
    /// As [`Browser::start`].
    #[track_caller]
    pub fn start_knowing(domain: &str) -> Browser {
        let resolver = format!("--host-resolver-rules=MAP {domain} 127.0.0.1");
        Browser::start_with(&json!({}), &["--ignore-certificate-errors", &resolver])
    }

    #[track_caller]
    fn start_with(preferences: &Value, more_flags: &[&str]) -> Browser {
        let mark = Mark::new();
        let (driver, port) = started_driver(&mark);
        let profile = tempfile::tempdir().expect("a temporary folder can be made");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime for the browser's commands");
        let page = runtime.block_on(async {
            let mut session = ClientBuilder::new(HttpConnector::new());
            session.capabilities(capabilities(profile.path(), preferences, more_flags));
            let driver_url = format!("http://127.0.0.1:{port}");
            let Ok(connected) = timeout(PATIENCE, session.connect(&driver_url)).await else {
                panic!("chromium did not start within {PATIENCE:?}");
            };
            connected.expect("chromium starts")
        });
        Browser { page, runtime, mark, driver: Some(driver), _profile: profile }
    }

    /// Opens `url` and waits until the page is there.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.command("the page to open", self.page.goto(url));
    }

    /// Opens another window of the same profile, which is the one that is spoken to from now on.
    #[track_caller]
    pub fn open_window(&self) {
        self.command("a new window", async {
            let opened = self.page.new_window(false).await?;
            self.page.switch_to_window(opened.handle).await
        });
    }

    /// Speaks to the other one of two windows from now on.
    #[track_caller]
    pub fn switch_window(&self) {
        self.command("the other window", async {
            let now = self.page.window().await?;
            let all = self.page.windows().await?;
            let other = all.into_iter().find(|window| *window != now).expect("two windows");
            self.page.switch_to_window(other).await
        });
    }

    /// The visible text of the element with this `id`, once it is there: a click may lead to another page.
    #[track_caller]
    pub fn text(&self, id: &str) -> String {
        self.command("an element's text", async {
            let there = self.page.wait().at_most(PATIENCE).for_element(Locator::Id(id));
            there.await?.text().await
        })
    }

    /// Whether the element with this `id` can be seen.
    #[track_caller]
    pub fn is_visible(&self, id: &str) -> bool {
        self.command("an element", async {
            self.page.find(Locator::Id(id)).await?.is_displayed().await
        })
    }

    /// Clicks the element with this `id`.
    #[track_caller]
    pub fn click(&self, id: &str) {
        self.command("a click", async { self.page.find(Locator::Id(id)).await?.click().await });
    }

    /// Presses keys while the element with this `id` has the focus.
    #[track_caller]
    pub fn press(&self, id: &str, keys: &str) {
        self.command("keys to be pressed", async {
            self.page.find(Locator::Id(id)).await?.send_keys(keys).await
        });
    }

    /// Replaces what the field with this `id` holds.
    #[track_caller]
    pub fn fill(&self, id: &str, text: &str) {
        self.command("a field to be filled", async {
            let field = self.page.find(Locator::Id(id)).await?;
            field.clear().await?;
            field.send_keys(text).await
        });
    }

    /// Runs `script` in the page and returns what it returns.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.command("a script", self.page.execute(script, Vec::new()))
    }

    /// Waits until the text of the element with this `id` is as `wanted`.
    ///
    /// # Panics
    /// When it does not become so.
    #[track_caller]
    pub fn wait_for_text(&self, id: &str, wanted: impl Fn(&str) -> bool) -> String {
        eventually(&format!("the text of #{id}"), || {
            let text = self.text(id);
            wanted(&text).then_some(text)
        })
    }

    /// The driver and all of Chromium's processes.
    pub fn processes(&self) -> Vec<u32> {
        self.mark.carriers()
    }

    /// Ends the driver without a chance to clean up, and returns the mark of what it started.
    pub fn kill_driver(mut self) -> Mark {
        self.driver.take();
        std::mem::take(&mut self.mark)
    }

    #[track_caller]
    fn command<T>(&self, what: &str, command: impl Future<Output = Result<T, CmdError>>) -> T {
        let bounded = async { timeout(PATIENCE, command).await };
        let Ok(answer) = self.runtime.block_on(bounded) else {
            panic!("gave up after {PATIENCE:?}, waiting for: {what}");
        };
        answer.unwrap_or_else(|cause| panic!("the browser refused {what}: {cause}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The pipe closes with the driver, and Chromium with the pipe.
        self.driver.take();
        if !std::thread::panicking() {
            self.mark.wait_until_gone();
        }
    }
}

/// A driver that listens, and on which port.
///
/// The port that it is given over IPv6 may be taken over IPv4: then it ends at once, and another is started.
#[track_caller]
fn started_driver(mark: &Mark) -> (Process, u16) {
    let mut said = String::new();
    for _ in 0..STARTS_MAX {
        let driver = mark.on(Program::new("chromedriver").arg("--port=0")).start();
        let port = driver.stdout().find_line(PATIENCE, |line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        match port {
            Some(port) => return (driver, port),
            None => said = driver.stdout().text() + &driver.stderr().text(),
        }
    }
    panic!("chromedriver does not start:\n{said}");
}

fn capabilities(profile: &Path, preferences: &Value, more_flags: &[&str]) -> Capabilities {
    let mut flags: Vec<String> =
        FLAGS.iter().chain(more_flags).map(|&flag| flag.to_owned()).collect();
    flags.push(format!("--user-data-dir={}", profile.display()));
    let wanted = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": flags, "prefs": preferences },
    });
    match wanted {
        Value::Object(wanted) => wanted,
        _ => unreachable!("an object literal"),
    }
}
