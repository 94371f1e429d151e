//! Vendure, as it is published: it looks whether there is a ticket ahead of the payment, and takes it with the payment.

use std::{env, path::Path};

use e2e::{Postgres, Program};

use super::{
    installation::{node, own_files, skip},
    open_shop::{OpenShop, TICKETS},
};

#[test]
fn vendure_sells_more_than_there_is() {
    if env::var_os("REAL_SHOPS").is_none() {
        return skip("Vendure", "it takes minutes to install, and is with `REAL_SHOPS=1`");
    }
    let folder = match node("vendure") {
        Ok(folder) => folder,
        Err(reason) => return skip("Vendure", &reason),
    };
    let set = |program: Program, database: &Postgres, own: &Path| {
        program
            .env("PGPORT", database.port().to_string())
            .env("PGPASSWORD", database.password())
            .env("NODE_PATH", folder.join("node_modules"))
            .inside(own)
    };
    let shop = own_files("vendure").join("shop.cjs");
    let server = Program::new("node").arg(shop).arg(TICKETS.to_string());

    let shop = OpenShop::open("vendure", None, server, set);
    let finished = shop.run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["violations"][0]["kind"], "oversell", "{result:#}");
    let sold = shop.sold("SELECT count(*) FROM \"order\" WHERE state = 'PaymentSettled'");
    assert!(sold > TICKETS && result["outcomes"]["sold"] == sold, "{sold}: {result:#}");
}
