//! django-oscar, as it is published: it looks whether there is a ticket ahead of the order, and takes it with the order.

use std::path::Path;

use e2e::{Postgres, Program};

use super::{
    installation::{own_files, python, skip},
    open_shop::{OpenShop, TICKETS, gunicorn},
};

#[test]
fn oscar_sells_more_than_there_is() {
    let folder = match python("oscar") {
        Ok(folder) => folder,
        Err(reason) => return skip("django-oscar", &reason),
    };
    let files = own_files("oscar");
    let set = |program: Program, database: &Postgres, _: &Path| {
        program
            .env("DJANGO_SETTINGS_MODULE", "shop_settings")
            .env("PYTHONPATH", &files)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SHOP_DB_HOST", "127.0.0.1")
            .env("SHOP_DB_PORT", database.port().to_string())
            .env("SHOP_DB_PASSWORD", database.password())
    };
    let python = Program::new(folder.join("bin/python"));
    let fill = python.arg(files.join("fill.py")).arg(TICKETS.to_string());
    let server = gunicorn(&folder, "django.core.wsgi:get_wsgi_application()");

    let shop = OpenShop::open("oscar", Some(fill), server, set);
    let finished = shop.run();

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["violations"][0]["kind"], "oversell", "{result:#}");
    let sold = shop.sold("SELECT count(*) FROM order_order");
    assert!(sold > TICKETS && result["outcomes"]["sold"] == sold, "{sold}: {result:#}");
}
