//! The lock binds one process, and there are two.

use std::{fs::File, path::PathBuf};

use parking_lot::Mutex;

use crate::shops::{
    calls::{Count, Refusal, Sale, Shop},
    count_file,
    exhibit::{Exhibit, Load},
    till::pause,
};

pub(super) const EXHIBIT: Exhibit = Exhibit {
    name: "lock-in-one-process",
    bug: "has a mutex, and two processes have one each",
    story: "django-linkcheck keeps two updates apart by a lock of Python's threading. Servers such as gunicorn run \
            one site in several processes, and each of them has a lock of its own, which nobody else ever asks \
            for.",
    source: "https://github.com/DjangoAdminHackers/django-linkcheck/issues/168",
    mended: "locks the file too, which the kernel keeps for all processes",
    load: Load::BUYERS,
    processes: 2,
    unseen: None,
    open: |opening| {
        let path = count_file::create(&opening.folder, opening.tickets)?;
        let turn = Mutex::new(());
        Ok(Box::new(LockInOneProcess { is_mended: opening.is_mended, path, turn }))
    },
};

struct LockInOneProcess {
    is_mended: bool,
    path: PathBuf,
    turn: Mutex<()>,
}

impl Shop for LockInOneProcess {
    fn search(&self) -> Result<Count, Refusal> {
        let file = File::open(&self.path)?;
        file.lock_shared()?;
        Ok(count_file::read(&file)?.count())
    }

    fn buy(&self, _key: Option<&str>) -> Result<Sale, Refusal> {
        let _turn = self.turn.lock();
        let file = File::options().read(true).write(true).open(&self.path)?;
        if self.is_mended {
            file.lock()?;
        }
        let mut till = count_file::read(&file)?;
        till.check()?;
        pause(3);
        let sale = till.take();
        count_file::write(&file, &till)?;
        Ok(sale)
    }
}
