//! The proxies of `server/packaging`, as they come: only ports, and the names of files, are others.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use loadgen::engines::{Addresses, free_addresses};
use tempfile::TempDir;

use crate::{
    certificate::{Certificate, SERVER},
    http::Answer,
    nginx,
    process::Process,
    program::Program,
    raw,
    wait::eventually,
};

/// The domain that the packaged blocks are written for.
pub const DOMAIN: &str = "shop.example";

/// Where the packaged blocks expect the server.
const UPSTREAM: &str = "127.0.0.1:8080";

/// Where a packaged block listens in a test, where it says all addresses.
const LOOPBACK: &str = "127.0.0.1";

/// Which proxy stands in front, and where in it the server is.
#[derive(Clone, Copy, Debug)]
pub enum Packaged {
    /// nginx, under a domain of the server's own.
    Nginx,
    /// nginx, under `/tickets/` of a site.
    NginxPrefix,
    /// Caddy, under a domain of the server's own.
    Caddy,
    /// Caddy, under `/tickets/` of a site.
    CaddyPrefix,
    /// HAProxy, under a domain of the server's own.
    Haproxy,
    /// HAProxy, under `/tickets/` of a site.
    HaproxyPrefix,
}

/// A proxy that speaks TLS on a free port of 127.0.0.1 in front of one server, and where its block says that it listens
/// over IPv6, too, on the same of `[::1]`.
pub struct PackagedProxy {
    process: Process,
    _folder: TempDir,
    base: &'static str,
    authority: PathBuf,
    port: u16,
    plain_port: u16,
    _addresses: Addresses,
}

impl Packaged {
    /// All of them.
    pub const ALL: [Packaged; 6] = [
        Packaged::Nginx,
        Packaged::NginxPrefix,
        Packaged::Caddy,
        Packaged::CaddyPrefix,
        Packaged::Haproxy,
        Packaged::HaproxyPrefix,
    ];

    /// The name of its file.
    fn file(self) -> &'static str {
        match self {
            Packaged::Nginx => "nginx.conf",
            Packaged::NginxPrefix => "nginx-prefix.conf",
            Packaged::Caddy => "Caddyfile",
            Packaged::CaddyPrefix => "Caddyfile-prefix",
            Packaged::Haproxy => "haproxy.cfg",
            Packaged::HaproxyPrefix => "haproxy-prefix.cfg",
        }
    }

    /// What stands before each path of the server.
    fn base(self) -> &'static str {
        match self {
            Packaged::Nginx | Packaged::Caddy | Packaged::Haproxy => "",
            Packaged::NginxPrefix | Packaged::CaddyPrefix | Packaged::HaproxyPrefix => "/tickets",
        }
    }
}

impl PackagedProxy {
    /// Starts it in front of the server at `address`, and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn before(address: &str, packaged: Packaged) -> PackagedProxy {
        let folder = TempDir::new().expect("a folder for the proxy");
        // None of them takes port 0.
        let addresses = free_addresses(2).expect("free ports");
        let (port, plain_port) = (addresses[0].port(), addresses[1].port());
        let text = packaged_text(packaged.file());
        let place = Place { folder: folder.path(), address, port, plain_port };
        let (process, authority) = match packaged {
            Packaged::Nginx => place.nginx(&text),
            Packaged::NginxPrefix => place.nginx_prefix(&text),
            Packaged::Caddy => place.caddy(&text),
            Packaged::CaddyPrefix => place.caddy_prefix(&text),
            Packaged::Haproxy => place.haproxy(&text),
            Packaged::HaproxyPrefix => place.haproxy_prefix(&text),
        };
        let base = packaged.base();
        let (_folder, _addresses) = (folder, addresses);
        let proxy =
            PackagedProxy { process, _folder, base, authority, port, plain_port, _addresses };
        eventually(&format!("{packaged:?} to speak TLS"), || {
            let said = proxy.process.stderr();
            assert!(proxy.process.is_running(), "{packaged:?}: {}", said.text());
            (proxy.curl(&proxy.origin()).run().code == Some(0)).then_some(())
        });
        proxy
    }

    /// The origin of its pages, as a browser names it.
    pub fn origin(&self) -> String {
        format!("https://{DOMAIN}:{}", self.port)
    }

    /// The URL of the server's `path` behind it.
    pub fn url(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin(), self.base)
    }

    /// The port on which it speaks no TLS.
    pub fn plain_port(&self) -> u16 {
        self.plain_port
    }

    /// What stands before each path of the server behind it, such as `/tickets`.
    pub fn base(&self) -> &str {
        self.base
    }

    /// `curl`, which knows its address and its certificate, for `url`.
    pub fn curl(&self, url: &str) -> Program {
        let resolve = |port| format!("{DOMAIN}:{port}:127.0.0.1");
        Program::new("curl")
            .args(["--silent", "--show-error", "--no-buffer", "--noproxy", "*"])
            .args(["--resolve", &resolve(self.port), "--resolve", &resolve(self.plain_port)])
            .arg("--cacert")
            .arg(&self.authority)
            .arg(url)
    }

    /// What it answers to `curl` with these `options` for the server's `path`.
    ///
    /// # Panics
    /// When there is no answer.
    #[track_caller]
    pub fn answer(&self, path: &str, options: &[&str]) -> Answer {
        self.answer_at(&self.url(path), options)
    }

    /// The same for any `url` of it.
    ///
    /// # Panics
    /// When there is no answer.
    #[track_caller]
    pub fn answer_at(&self, url: &str, options: &[&str]) -> Answer {
        let finished = self.curl(url).arg("--include").args(options).run();
        let answer = raw::parse(finished.stdout.as_bytes());
        answer.unwrap_or_else(|| panic!("{url}: {finished:?}\n{}", self.process.stderr().text()))
    }
}

/// Whether this machine can be called over IPv6, by itself at least.
pub fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// The text of a file in `server/packaging`.
///
/// # Panics
/// When there is none of this name.
#[track_caller]
pub fn packaged_text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/packaging");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
}

/// `text` with each of these put in the place of another.
///
/// # Panics
/// When one to be replaced is not there: then the package has changed, and the test has to follow.
#[track_caller]
pub fn substituted(text: &str, replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "no `{from}` in:\n{text}");
        text.replace(from, to)
    })
}

/// What a proxy is started with.
struct Place<'a> {
    folder: &'a Path,
    address: &'a str,
    port: u16,
    plain_port: u16,
}

/// A proxy that starts, and the certificate by which it is known.
type Started = (Process, PathBuf);

impl Place<'_> {
    fn nginx(&self, text: &str) -> Started {
        let listen = |address, port| format!("listen {address}:{port}");
        let (key, certificate) = self.certificate();
        let site = substituted(
            text,
            &[
                (UPSTREAM, self.address),
                ("listen 443", &listen(LOOPBACK, self.port)),
                ("listen [::]:443", &listen(other_loopback(), self.port)),
                ("listen 80", &listen(LOOPBACK, self.plain_port)),
                ("listen [::]:80", &listen(other_loopback(), self.plain_port)),
                ("/etc/ssl/shop.example/fullchain.pem", &path_text(&certificate)),
                ("/etc/ssl/shop.example/privkey.pem", &path_text(&key)),
            ],
        );
        (nginx::start(self.folder, &site), certificate)
    }

    fn nginx_prefix(&self, text: &str) -> Started {
        let (key, certificate) = self.certificate();
        let snippet = substituted(text, &[(UPSTREAM, self.address)]);
        self.write("ticket-counter.conf", &snippet);
        let site = format!(
            "server {{
                 listen {LOOPBACK}:{port} ssl; server_name {DOMAIN};
                 ssl_certificate {}; ssl_certificate_key {};
                 location / {{ return 200 \"the site\\n\"; }}
                 include ticket-counter.conf;
             }}",
            certificate.display(),
            key.display(),
            port = self.port,
        );
        (nginx::start(self.folder, &site), certificate)
    }

    fn caddy(&self, text: &str) -> Started {
        self.start_caddy(&substituted(text, &[(UPSTREAM, self.address)]))
    }

    fn caddy_prefix(&self, text: &str) -> Started {
        let snippet = substituted(text, &[(UPSTREAM, self.address)]);
        self.write("ticket-counter", &snippet);
        self.start_caddy(&format!(
            "{DOMAIN} {{\n\timport ticket-counter\n\thandle {{\n\t\trespond \"the site\"\n\t}}\n}}\n"
        ))
    }

    /// With certificates of its own making, where it would ask an authority for one.
    fn start_caddy(&self, site: &str) -> Started {
        let (port, plain_port) = (self.port, self.plain_port);
        let options = format!(
            "{{\n\tadmin off\n\thttp_port {plain_port}\n\thttps_port {port}\n\tdefault_bind {LOOPBACK}\n\
             \tlocal_certs\n\tskip_install_trust\n\tstorage file_system kept\n}}\n"
        );
        let config = self.write("Caddyfile", &(options + site));
        let caddy = Program::new("caddy").args(["run", "--adapter", "caddyfile", "--config"]);
        let caddy = caddy.arg(config).inside(self.folder).env("HOME", self.folder);
        let authority = self.folder.join("kept/pki/authorities/local/root.crt");
        (caddy.start(), authority)
    }

    fn haproxy(&self, text: &str) -> Started {
        let (bundle, certificate) = self.bundle();
        let bind = |port| format!("bind {LOOPBACK}:{port},{}:{port}", other_loopback());
        let config = substituted(
            &self.watching(text),
            &[
                ("bind :443,[::]:443", &bind(self.port)),
                ("bind :80,[::]:80", &bind(self.plain_port)),
                ("/etc/haproxy/certs/shop.example.pem", &path_text(&bundle)),
            ],
        );
        (self.start_haproxy(&config), certificate)
    }

    fn haproxy_prefix(&self, text: &str) -> Started {
        let (bundle, certificate) = self.bundle();
        let backend = self.watching(text);
        let of_site = |line: &&str| {
            line.starts_with("http-request redirect") || line.starts_with("use_backend")
        };
        let lines: Vec<&str> =
            text.lines().map(|line| line.trim_start_matches(['#', ' '])).filter(of_site).collect();
        assert_eq!(lines.len(), 2, "the lines for the site: {lines:?}");
        let config = format!(
            "defaults\n    mode http\n    timeout connect 5s\n    timeout client 50s\n    timeout server 50s\n\
             frontend site\n    bind {LOOPBACK}:{} ssl crt {} alpn h2,http/1.1\n    {}\n    default_backend site\n\
             backend site\n    http-request return status 200 content-type text/plain string \"the site\"\n{backend}",
            self.port,
            bundle.display(),
            lines.join("\n    "),
        );
        (self.start_haproxy(&config), certificate)
    }

    /// `text` for the server, which is looked at so often that no test waits long for that.
    fn watching(&self, text: &str) -> String {
        let own = format!("{} check inter 50ms", self.address);
        substituted(text, &[(&format!("{UPSTREAM} check"), &own)])
    }

    fn start_haproxy(&self, text: &str) -> Process {
        let config = self.write("haproxy.cfg", text);
        Program::new("haproxy").arg("-db").arg("-f").arg(config).start()
    }

    /// A key and its certificate for [`DOMAIN`].
    fn certificate(&self) -> (PathBuf, PathBuf) {
        let made = Certificate::with(&[&format!("subjectAltName=DNS:{DOMAIN}"), SERVER]);
        let (key, certificate) = (self.folder.join("key.pem"), self.folder.join("cert.pem"));
        for (from, to) in [(made.key(), &key), (made.chain(), &certificate)] {
            fs::copy(from, to).expect("the test's own files");
        }
        (key, certificate)
    }

    /// Certificate and key in one file, and the certificate alone.
    fn bundle(&self) -> (PathBuf, PathBuf) {
        let (key, certificate) = self.certificate();
        let read = |path: &Path| fs::read_to_string(path).expect("the test's own file");
        (self.write("bundle.pem", &(read(&certificate) + &read(&key))), certificate)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("the test's own folder");
        path
    }
}

/// Where it listens as well: over IPv6, where there is any.
fn other_loopback() -> &'static str {
    if has_ipv6() { "[::1]" } else { "127.0.0.2" }
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}
