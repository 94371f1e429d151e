//! pretix, which sells tickets for a great many events.
//!
//! A seat is set aside at the basket, under a lock. An order from a basket that has two minutes left takes none: while
//! it turns a seat in a basket into one that is sold, whoever counts both, one after the other, may see neither.

use std::{env, path::Path};

use e2e::{Postgres, Program};

use super::{
    installation::{own_files, python, skip},
    open_shop::{OpenShop, TICKETS, gunicorn},
};

/// All seats that are sold, as its tables have it.
const SOLD: &str = "SELECT count(*) FROM pretixbase_orderposition";

/// How long a basket lasts, in minutes: as it comes, and so short that every order takes the lock.
const USUAL: u32 = 30;
const SHORT: u32 = 1;

fn open(folder: &Path, application: &str, minutes: u32) -> OpenShop {
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
    let fill = python.arg(files.join("fill.py")).args([TICKETS.to_string(), minutes.to_string()]);
    OpenShop::open("pretix", Some(fill), gunicorn(folder, application), set)
}

#[test]
fn pretix_is_right_where_every_order_takes_its_lock_and_wrong_without() {
    let folder = match python("pretix") {
        Ok(folder) => folder,
        Err(reason) => return skip("pretix", &reason),
    };
    let shop = open(&folder, "pretix.wsgi", SHORT);

    let finished = shop.run();

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["verdict"], "valid", "{result:#}");
    assert!(result["outcomes"]["sold_out"].as_u64() > Some(0), "{result:#}");
    assert_eq!((shop.sold(SOLD), &result["left"]), (TICKETS, &0.into()), "{result:#}");
    drop(shop);

    let shop = open(&folder, "unlocked", SHORT);
    let finished = shop.run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["violations"][0]["kind"], "oversell", "{result:#}");
    assert!(shop.sold(SOLD) > TICKETS, "{result:#}");
}

/// Whatever happened, the verdict is what its tables say.
#[test]
fn pretix_as_it_comes_is_judged_as_its_tables_say() {
    if env::var_os("REAL_SHOPS").is_none() {
        return skip("pretix, round by round,", "it takes minutes, and is with `REAL_SHOPS=1`");
    }
    let folder = match python("pretix") {
        Ok(folder) => folder,
        Err(reason) => return skip("pretix", &reason),
    };
    for _ in 0..6 {
        let shop = open(&folder, "pretix.wsgi", USUAL);
        let finished = shop.run();
        let expected = if shop.sold(SOLD) > TICKETS { "violation" } else { "valid" };
        assert_eq!(finished.json()["verdict"], expected, "{finished:?}");
    }
}
