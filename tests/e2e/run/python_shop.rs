//! The small shops of `tests/programs/shops`, each of a kind that people have, and the maps for them.

use std::{fs, path::Path, time::Duration};

use e2e::{Process, Program};

use crate::programs::loadgen;

/// How long a shop may take to open.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a shop of one account wants to see.
const TOKEN: &str = "of-a-test-account";

/// A shop that is open.
pub(crate) struct PythonShop {
    kind: String,
    url: String,
    _process: Process,
    folder: tempfile::TempDir,
}

impl PythonShop {
    /// Opens a shop of this `kind` with so many seats, with a lock or without.
    #[track_caller]
    pub(crate) fn open(kind: &str, seats: u32, is_racy: bool) -> Self {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/shops");
        let mut program = Program::new("python3")
            .arg(programs.join(format!("{kind}.py")))
            .arg(seats.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        if is_racy {
            program = program.arg("racy");
        }
        let process = program.start();
        let url = |line: &str| line.strip_prefix("listening on ").map(str::to_owned);
        let Some(url) = process.stdout().find_line(PATIENCE, url) else {
            panic!("`{kind}` does not open: {}", process.stderr().text());
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let map =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../loadgen/maps/{kind}.toml"));
        let map = fs::read_to_string(map).expect("there is a map for each kind");
        assert!(map.lines().count() <= 40, "{kind}: {} lines", map.lines().count());
        fs::write(folder.path().join("shop.toml"), map).expect("the folder is writable");
        let password = |client: u32| match kind {
            "graphql" => format!("\"pass \"\"of\"\" b{client}@shop.test\""),
            _ => "pä&ss word".to_owned(),
        };
        let rows = (0..9).map(|client| format!("b{client}@shop.test,{}\n", password(client)));
        let buyers = format!("email,password\n{}", rows.collect::<String>());
        fs::write(folder.path().join("buyers.csv"), buyers).expect("the folder is writable");
        Self { kind: kind.to_owned(), url, _process: process, folder }
    }

    /// The same, asked at another URL, in HTTP/2.
    #[track_caller]
    pub(crate) fn behind_http2(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        let map = self.map();
        self.replace_map(&format!("http2 = true\n{map}"));
        self
    }

    /// `loadgen run` there, with its map.
    pub(crate) fn load(&self) -> Program {
        self.program("run").args(["-c", "8", "-n", "60", "--json"]).within(Duration::from_secs(120))
    }

    /// `loadgen NAME` there, with its map.
    pub(crate) fn program(&self, name: &str) -> Program {
        let map = self.folder.path().join("shop.toml");
        let program = loadgen().args([name, &self.url, "--map"]).arg(map);
        if ["rest", "box_office"].contains(&self.kind.as_str()) {
            program.env("SHOP_TOKEN", TOKEN)
        } else {
            program
        }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Its map.
    #[track_caller]
    pub(crate) fn map(&self) -> String {
        fs::read_to_string(self.folder.path().join("shop.toml")).expect("it was written")
    }

    /// Puts another map in place.
    #[track_caller]
    pub(crate) fn replace_map(&self, map: &str) {
        fs::write(self.folder.path().join("shop.toml"), map).expect("the folder is writable");
    }

    /// Changes its map.
    #[track_caller]
    pub(crate) fn change_map(&self, from: &str, to: &str) {
        let path = self.folder.path().join("shop.toml");
        let map = fs::read_to_string(&path).expect("it was written");
        assert!(map.contains(from), "{from}: {map}");
        fs::write(path, map.replace(from, to)).expect("the folder is writable");
    }
}
