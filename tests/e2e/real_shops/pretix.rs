//! pretix, which sells tickets for a great many events: right as it is published, and wrong without its lock.

use std::path::Path;

use e2e::{Postgres, Program};

use super::{
    installation::{own_files, python, skip},
    open_shop::{OpenShop, TICKETS, gunicorn},
};

fn open(folder: &Path, application: &str) -> OpenShop {
    let files = own_files("pretix");
    let set = |program: Program, database: &Postgres, own: &Path| {
        program
            .env("DJANGO_SETTINGS_MODULE", "shop_settings")
            .env("PYTHONPATH", &files)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PRETIX_DATABASE_BACKEND", "postgresql")
            .env("PRETIX_DATABASE_HOST", "127.0.0.1")
            .env("PRETIX_DATABASE_PORT", database.port().to_string())
            .env("PRETIX_DATABASE_USER", "postgres")
            .env("PRETIX_DATABASE_PASSWORD", database.password())
            .env("PRETIX_DATABASE_NAME", "tickets")
            .env("PRETIX_DJANGO_SECRET", "of a test, and of no other, as long as it must be")
            .env("PRETIX_PRETIX_DATADIR", own)
            .env("PRETIX_PRETIX_URL", "http://tickets.test")
    };
    let python = Program::new(folder.join("bin/python"));
    let fill = python.arg(files.join("fill.py")).arg(TICKETS.to_string());
    OpenShop::open("pretix", Some(fill), gunicorn(folder, application), set)
}

#[test]
fn pretix_sells_what_there_is_and_no_more() {
    let folder = match python("pretix") {
        Ok(folder) => folder,
        Err(reason) => return skip("pretix", &reason),
    };

    let finished = open(&folder, "pretix.wsgi").run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["verdict"], "valid", "{result:#}");
    assert_eq!(result["outcomes"]["sold"], TICKETS, "{result:#}");
    assert_eq!(result["outcomes"]["sold_out"], 60 - TICKETS, "{result:#}");
    assert_eq!(result["left"], 0, "{result:#}");

    // The same once more, and nothing keeps its buyers apart.
    let finished = open(&folder, "unlocked").run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["violations"][0]["kind"], "oversell", "{result:#}");
}
