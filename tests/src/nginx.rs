//! A proxy as it comes: Debian's `nginx` with one line, `proxy_pass`, or two.

use std::{fs, net::TcpListener, path::Path};

use tempfile::TempDir;

use crate::{process::Process, program::Program, wait::eventually};

/// An `nginx` on a free port of 127.0.0.1, in front of one server.
pub struct Nginx {
    _process: Process,
    _folder: TempDir,
    url: String,
}

impl Nginx {
    /// Starts one in front of the server at `address`, and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn before(address: &str) -> Nginx {
        Nginx::start(&format!("location / {{ proxy_pass http://{address}; }}"))
    }

    /// Starts one that has the server at `address` under `/<prefix>/`, and passes on the host that it was
    /// called by.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn before_under(prefix: &str, address: &str) -> Nginx {
        let mut nginx = Nginx::start(&format!(
            "location /{prefix}/ {{ proxy_pass http://{address}/; proxy_set_header Host $http_host; }}"
        ));
        nginx.url += &format!("/{prefix}");
        nginx
    }

    #[track_caller]
    fn start(location: &str) -> Nginx {
        let folder = TempDir::new().expect("a folder for nginx");
        // nginx takes no port 0; the one that was just free is seldom taken meanwhile.
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = free.local_addr().expect("it is bound");
        drop(free);
        let process = start(folder.path(), &format!("server {{ listen {own}; {location} }}"));
        eventually("nginx to listen", || std::net::TcpStream::connect(own).ok());
        Nginx { _process: process, _folder: folder, url: format!("http://{own}") }
    }

    /// Its URL, with the prefix.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Starts nginx in `folder`, where nobody else's is, with this in its `http`.
///
/// # Panics
/// When it is not installed.
#[track_caller]
pub(crate) fn start(folder: &Path, site: &str) -> Process {
    let text = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;
         events {{ }}
         http {{
             access_log off;
             client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
             scgi_temp_path scgi; uwsgi_temp_path uwsgi;
             {site}
         }}"
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text).expect("the test's own folder");
    Program::new("nginx").arg("-p").arg(folder).arg("-c").arg(config).start()
}
