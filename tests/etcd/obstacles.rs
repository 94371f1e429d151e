//! What keeps a whole server from its cluster: it is said on `/readyz` and to buyers, and once it is mended the server
//! sells, without a new start.

use std::{any::Any, fs};

use e2e::{Certificate, Etcd, Server, crowd, eventually};

use crate::servers::{not_ready, server};

/// A cluster, and what keeps a server from it.
struct Obstacle {
    etcd: Etcd,
    /// The address of a counter in it, which the server makes as soon as it can.
    db: String,
    /// What is said of it.
    words: &'static str,
    /// Puts it in the way of a server that sells; without it, it is there from the start.
    befall: Option<fn(&mut Etcd)>,
    mend: Box<dyn FnOnce(&mut Etcd)>,
    /// What has the files that the cluster and the server read.
    files: Box<dyn Any>,
}

/// What can be in the way.
const OBSTACLES: [fn() -> Obstacle; 4] =
    [wrong_password, wrong_certificate, too_few_members, no_room];

#[test]
fn what_is_in_the_way_is_told_and_a_server_sells_by_itself_once_it_is_mended() {
    crowd(OBSTACLES.len(), |at| assert_overcome(OBSTACLES[at]()));
}

/// That it is said while it is in the way, and that the server sells once it is mended.
#[track_caller]
fn assert_overcome(obstacle: Obstacle) {
    let Obstacle { mut etcd, db, words, befall, mend, files: _files } = obstacle;
    let server = serve_on(&db);
    if let Some(befall) = befall {
        eventually_sells(&server);
        befall(&mut etcd);
    }

    eventually("a buyer who is told why", || {
        // Whose batch was on its way as it befell is told that nobody knows.
        let told = server.buy();
        let is_no = told.status == 503 && told.json()["sold"] == "no";
        (is_no && told.text().contains(words)).then_some(())
    });
    eventually(words, || not_ready(&server).filter(|why| why.contains(words)));

    mend(&mut etcd);
    eventually_sells(&server);
    eventually("it to be ready", || not_ready(&server).is_none().then_some(()));
}

fn serve_on(db: &str) -> Server {
    let program = server().args(["--db", db, "--init", "1000", "--lock-timeout", "1s"]);
    Server::start_without_counter(program)
}

#[track_caller]
fn eventually_sells(server: &Server) {
    eventually("a sale", || (server.buy().status == 201).then_some(()));
}

fn wrong_password() -> Obstacle {
    let etcd = Etcd::with(&["--bcrypt-cost=4"]);
    etcd.ctl(&["user", "add", "root:secret"]);
    etcd.ctl(&["user", "add", "box:another"]);
    etcd.ctl(&["user", "grant-role", "box", "root"]);
    etcd.ctl(&["auth", "enable"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    fs::write(&file, "guessed\n").expect("the test's own file");
    let place = etcd.db("hall").replace("etcd://", "etcd://box@");
    let db = format!("{place}?password-file={}", file.display());
    let mend = |etcd: &mut Etcd| {
        let root = "--user=root:secret";
        etcd.ctl(&[root, "user", "delete", "box"]);
        etcd.ctl(&[root, "user", "add", "box:guessed"]);
        etcd.ctl(&[root, "user", "grant-role", "box", "root"]);
    };
    let words =
        "the etcd cluster refuses this server: authentication failed, invalid user ID or password";
    Obstacle { etcd, db, words, befall: None, mend: Box::new(mend), files: Box::new(folder) }
}

fn wrong_certificate() -> Obstacle {
    let [members, known, unknown] = [(); 3].map(|()| Certificate::of_loopback());
    let etcd = Etcd::over_tls(&members, &known);
    let [ca, cert, key] = [members.chain(), unknown.chain(), unknown.key()];
    let (ca, cert, key) = (ca.display(), cert.display(), key.display());
    let db = format!("{}?ca={ca}&cert={cert}&key={key}", etcd.db("hall"));
    let (trusted, vouched_for) = (known.chain(), unknown.chain());
    let mend = move |etcd: &mut Etcd| {
        fs::copy(vouched_for, trusted).expect("the test's own files");
        for member in 0..3 {
            etcd.kill(member);
            etcd.restart(member);
        }
    };
    let files = Box::new([members, known, unknown]);
    let words = "no TLS with the etcd member 127.0.0.1:";
    Obstacle { etcd, db, words, befall: None, mend: Box::new(mend), files }
}

fn too_few_members() -> Obstacle {
    let etcd = Etcd::start();
    let befall = |etcd: &mut Etcd| (0..2).for_each(|member| etcd.kill(member));
    let mend = |etcd: &mut Etcd| (0..2).for_each(|member| etcd.restart(member));
    let (db, mend) = (etcd.db("hall"), Box::new(mend));
    let words = "the etcd cluster has no leader: too few of its members can reach each other";
    Obstacle { etcd, db, words, befall: Some(befall), mend, files: Box::new(()) }
}

fn no_room() -> Obstacle {
    let etcd = Etcd::with(&["--quota-backend-bytes=2000000"]);
    let befall = |etcd: &mut Etcd| {
        let ballast = "x".repeat(100_000);
        let mut puts = (0..).map(|number| {
            let key = format!("ballast/{number}");
            etcd.try_ctl(&["put", &key, &ballast])
        });
        let refused = puts.find(|put| put.code != Some(0)).expect("it comes to an end");
        assert!(refused.stderr.contains("database space exceeded"), "{refused:?}");
    };
    let mend = |etcd: &mut Etcd| etcd.make_room("ballast/");
    let (db, mend) = (etcd.db("hall"), Box::new(mend));
    let words = "the etcd cluster is full: mvcc: database space exceeded";
    Obstacle { etcd, db, words, befall: Some(befall), mend, files: Box::new(()) }
}
