//! Making a counter where there is none: `db.txt` appears whole, or not at all.
//!
//! It is written under a name of this process alone and then linked, which,
//! unlike a rename, does not take the place of a file that is there.

use std::{io, path::Path};

use crate::{
    domain::Stock,
    ledger::{
        file::{
            disk::{Disk, DiskFile},
            error::LogError,
            format::head::Head,
            layout::Layout,
            log::{
                preallocation::{Preallocation, Sizes},
                segment::Segment,
            },
        },
        format::base::Base,
    },
};

/// Creates a counter with `count` tickets, durable on return; one that appears meanwhile is left as it is.
///
/// `nonce` keeps apart processes of the same number, as in two containers.
///
/// # Errors
/// What the system says.
pub fn create<D: Disk>(
    disk: &D,
    layout: &Layout,
    count: u64,
    (process, nonce): (u32, u64),
) -> io::Result<()> {
    let stock = Stock::new(count, 0, 0);
    let head = Head { sold: None, revision: None, ..Head::of(stock, Vec::new()) };
    let image = head.image(0).ok_or(io::ErrorKind::InvalidInput)?;
    let temporary = layout.temporary_head(process, nonce);
    let linked = loop {
        let written = write(disk, &temporary, &image);
        let linked = written.is_ok().then(|| disk.link(&temporary, &layout.head));
        match linked {
            // Somebody took the temporary for one that a killed process left.
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Some(Err(error)) if error.kind() == io::ErrorKind::AlreadyExists => break Ok(()),
            Some(linked) => break linked,
            None => break written,
        }
    };
    disk.remove(&temporary)?;
    linked?;
    disk.sync_dir(&layout.parent)
}

/// Makes a counter that begins with `base`, in a folder that is the caller's own; durable on return.
///
/// # Errors
/// [`LogError::Io`].
pub fn create_from<D: Disk>(
    disk: &D,
    layout: &Layout,
    base: &Base,
    (process, nonce): (u32, u64),
    sizes: Sizes,
) -> Result<(), LogError> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| LogError::Io { action, path, source }
    };
    let image = Head::of(base.stock(), Vec::new()).image(0);
    let image =
        image.ok_or(io::ErrorKind::InvalidInput.into()).map_err(io("write", &layout.head))?;
    write(disk, &layout.head, &image).map_err(io("write", &layout.head))?;
    disk.create_dir(&layout.folder).map_err(io("create", &layout.folder))?;
    let temporary = layout.temporary_segment(process, nonce);
    let mut zeros = Preallocation::new(disk, &temporary, |_| Ok(()), |_| {});
    Segment::create(disk, layout, &zeros.take(sizes.first, sizes.first)?, base)?;
    disk.sync_dir(&layout.parent).map_err(io("sync", &layout.parent))
}

fn write<D: Disk>(disk: &D, temporary: &Path, image: &[u8]) -> io::Result<()> {
    let file = disk.create_new_for_all(temporary)?;
    file.write_at(image, 0)?;
    file.sync()
}

/// Removes the temporary files of those who were killed while they created this counter.
///
/// What the process of the number `own` has left is of an earlier life, as in a container.
pub fn clean<D: Disk>(disk: &D, layout: &Layout, own: u32) {
    // Where that cannot be, nothing but a short file is left behind.
    for name in disk.file_names(&layout.parent).unwrap_or_default() {
        let process = layout.head_maker_of_temporary(&name);
        if process.is_some_and(|process| process == own || !disk.is_running(process)) {
            let _ = disk.remove(&layout.parent.join(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use super::*;
    use crate::{
        ledger::file::disk::RealDisk,
        simulation::{disk::SimDisk, file::Fault},
    };

    fn layout() -> Layout {
        Layout::around(Path::new("/shop/db.txt"))
    }

    fn init(disk: &SimDisk) -> io::Result<()> {
        clean(disk, &layout(), disk.process());
        if disk.stat(&layout().head).is_ok() {
            return Ok(());
        }
        create(disk, &layout(), 100, (disk.process(), 7))
    }

    /// What stands in the folder, and what `db.txt` says if it is there.
    fn look(disk: &SimDisk) -> (Vec<String>, Option<Head>) {
        let names = disk.names_in(&layout().parent);
        let is_there = names.iter().any(|name| name == "db.txt");
        (names, is_there.then(|| Head::parse(&disk.get(&layout().head)).unwrap()))
    }

    /// Has the first creation fail by `fault` at every call it makes, and looks what `check` says.
    fn with_a_fault_at_every_call(fault: Fault, check: impl Fn(&SimDisk, io::Result<()>)) {
        for call in 1.. {
            for seed in 0..8 {
                let disk = SimDisk::new(seed);
                disk.plan(call, fault);
                let created = init(&disk);
                if disk.calls() < call {
                    return;
                }
                check(&disk, created);
            }
        }
    }

    #[test]
    fn killed_at_any_call_it_leaves_nothing_half_made_and_the_next_creates_it() {
        with_a_fault_at_every_call(Fault::Die, |disk, _| {
            disk.kill();
            let (_, head) = look(disk);
            assert!(head.is_none_or(|head| head.count == 100));
            init(&disk.another_process()).unwrap();
            let (names, head) = look(disk);
            assert_eq!((names, head.unwrap().count), (vec!["db.txt".to_owned()], 100));
        });
    }

    #[test]
    fn a_process_of_the_same_number_takes_the_rest_of_the_one_before_away() {
        with_a_fault_at_every_call(Fault::Die, |disk, _| {
            let temporary = layout().temporary_head(2, 99);
            disk.put(&temporary, b"{\"cou");
            disk.cut_power();
            init(&disk.another_process()).unwrap();
            assert_eq!(look(disk).0, ["db.txt"]);
        });
    }

    #[test]
    fn what_was_created_survives_a_power_cut() {
        for seed in 0..100 {
            let disk = SimDisk::new(seed);
            init(&disk).unwrap();
            disk.cut_power();
            assert_eq!(look(&disk).1.map(|head| head.count), Some(100));
        }
    }

    #[test]
    fn a_power_cut_at_any_call_leaves_a_whole_counter_or_none() {
        with_a_fault_at_every_call(Fault::Die, |disk, _| {
            disk.cut_power();
            assert!(look(disk).1.is_none_or(|head| head.count == 100));
            init(&disk.another_process()).unwrap();
            assert_eq!(look(disk).1.map(|head| head.count), Some(100));
        });
    }

    #[test]
    fn a_full_or_failing_disk_is_told_and_nothing_is_left() {
        for fault in [Fault::NoSpace, Fault::FailedSync] {
            with_a_fault_at_every_call(fault, |disk, created| {
                let (names, _) = look(disk);
                let expected: &[&str] = if created.is_ok() { &["db.txt"] } else { &[] };
                assert_eq!(names, expected);
            });
        }
    }

    #[test]
    fn a_counter_that_appears_meanwhile_is_left_as_it_is() {
        let disk = SimDisk::new(1);
        disk.put(&layout().head, b"{\"count\": 7}");
        create(&disk, &layout(), 100, (disk.process(), 7)).unwrap();
        let (names, head) = look(&disk);
        assert_eq!((names, head.unwrap().count), (vec!["db.txt".to_owned()], 7));
    }

    #[test]
    fn many_of_the_same_number_create_one_counter_although_they_clean_up_behind_each_other() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..40 {
            let layout = Layout::around(&folder.path().join(format!("{round}.txt")));
            thread::scope(|scope| {
                for nonce in 0..4 {
                    let layout = &layout;
                    scope.spawn(move || {
                        clean(&RealDisk, layout, 1);
                        create(&RealDisk, layout, 100 + nonce, (1, nonce)).unwrap();
                        clean(&RealDisk, layout, 1);
                    });
                }
            });
            let head = Head::parse(&fs::read(&layout.head).unwrap()).unwrap();
            assert!((100..104).contains(&head.count));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 40);
    }
}
