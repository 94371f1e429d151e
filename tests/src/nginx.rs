//! A proxy as it comes: Debian's `nginx` with one line, `proxy_pass`, or two.

use std::{fs, net::TcpStream, path::Path};

use loadgen::engines::{Addresses, free_addresses};
use tempfile::TempDir;

use crate::{certificate::Certificate, process::Process, program::Program, wait::eventually};

/// Where it writes which protocol a request came in, a line each.
const PROTOCOLS: &str = "protocols.log";

/// An `nginx` on a free port of 127.0.0.1, in front of one server.
pub struct Nginx {
    _process: Process,
    _address: Addresses,
    folder: TempDir,
    url: String,
}

impl Nginx {
    /// Starts one in front of the server at `address`, and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn before(address: &str) -> Nginx {
        Nginx::start("", &format!("location / {{ proxy_pass http://{address}; }}"))
    }

    /// Starts one with these `directives` in front of the server at `address`, which is spoken to in HTTP/2:
    /// over TLS where there is a `certificate`, which takes HTTP/1.1 too, and in the clear.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn in_http2(address: &str, certificate: Option<&Certificate>, directives: &str) -> Nginx {
        let (parameters, tls) = match certificate {
            None => ("http2", String::new()),
            Some(certificate) => {
                let [chain, key] =
                    [certificate.chain(), certificate.key()].map(|path| path.display().to_string());
                ("ssl http2", format!("ssl_certificate {chain}; ssl_certificate_key {key};"))
            }
        };
        let mut nginx = Nginx::start(
            parameters,
            &format!(
                "{tls} {directives} access_log {PROTOCOLS} protocol;
                 location / {{
                     proxy_pass http://{address}; proxy_http_version 1.1;
                     proxy_set_header Host $http_host; proxy_redirect http:// $scheme://;
                 }}"
            ),
        );
        if certificate.is_some() {
            nginx.url = nginx.url.replace("http:", "https:");
        }
        nginx
    }

    /// In which protocol each request to one [`in_http2`](Nginx::in_http2) came so far.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn protocols(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join(PROTOCOLS)).expect("it writes one");
        log.lines().map(str::to_owned).collect()
    }

    /// Starts one that has the server at `address` under `/<prefix>/`, and passes on the host that it was
    /// called by.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn before_under(prefix: &str, address: &str) -> Nginx {
        let location = format!(
            "location /{prefix}/ {{ proxy_pass http://{address}/; proxy_set_header Host $http_host; }}"
        );
        let mut nginx = Nginx::start("", &location);
        nginx.url += &format!("/{prefix}");
        nginx
    }

    #[track_caller]
    fn start(parameters: &str, location: &str) -> Nginx {
        let folder = TempDir::new().expect("a folder for nginx");
        let address = free_addresses(1).expect("a free port");
        let own = address[0];
        let server = format!("server {{ listen {own} {parameters}; {location} }}");
        let process = start(folder.path(), &server);
        eventually("nginx to listen", || TcpStream::connect(own).ok());
        Nginx { _process: process, _address: address, folder, url: format!("http://{own}") }
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
             access_log off; log_format protocol $server_protocol;
             client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
             scgi_temp_path scgi; uwsgi_temp_path uwsgi;
             {site}
         }}"
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text).expect("the test's own folder");
    Program::new("nginx").arg("-p").arg(folder).arg("-c").arg(config).start()
}
