//! A disk in memory that crashes, tears writes and fails on command.
//!
//! Files keep what every process sees (*live*) apart from what a power cut
//! leaves (*durable*), sector by sector: of a sector that was written since
//! its last sync, a power cut leaves any version. Names in a folder likewise.
//! A killed process leaves the live state; its locks are gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    ledger::{
        Holder,
        file::disk::{Disk, DiskFile, FileId, FileLock, FileStat},
    },
    simulation::file::{Dice, Fault, SECTOR, SimFileState},
};

/// A disk; its clones are the same disk, as different processes see it.
#[derive(Clone)]
pub(crate) struct SimDisk {
    world: Arc<Mutex<World>>,
    process: u64,
}

#[derive(Clone)]
struct World {
    dice: Dice,
    boot: u64,
    processes: u64,
    files: Vec<SimFileState>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    locks: BTreeMap<usize, u64>,
    calls: u64,
    /// How many bytes were read by processes that held a lock.
    read_under_lock: u64,
    faults: BTreeMap<u64, Fault>,
    dead: BTreeSet<u64>,
    is_read_only: bool,
}

/// An open file.
pub(crate) struct SimFile {
    disk: SimDisk,
    inode: usize,
}

/// A lock that is held; it ends with this value.
pub(crate) struct SimHeld<'a>(&'a SimFile);

impl SimDisk {
    /// An empty disk, whose accidents follow from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let world = World {
            dice: Dice(seed),
            boot: 1,
            processes: 1,
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            locks: BTreeMap::new(),
            calls: 0,
            read_under_lock: 0,
            faults: BTreeMap::new(),
            dead: BTreeSet::new(),
            is_read_only: false,
        };
        Self { world: Arc::new(Mutex::new(world)), process: 1 }
    }

    /// The same disk, for another process.
    pub(crate) fn another_process(&self) -> Self {
        let mut world = self.world();
        world.processes += 1;
        Self { world: Arc::clone(&self.world), process: world.processes }
    }

    /// Lets the call with the number `call` fail.
    pub(crate) fn plan(&self, call: u64, fault: Fault) {
        self.world().faults.insert(call, fault);
    }

    /// The number of this process.
    pub(crate) fn process(&self) -> u32 {
        u32::try_from(self.process).unwrap_or_default()
    }

    /// Whether this process has not been killed.
    pub(crate) fn is_alive(&self) -> bool {
        !self.world().dead.contains(&self.process)
    }

    /// Takes back what was planned and has not happened.
    pub(crate) fn calm(&self) {
        self.world().faults.clear();
    }

    /// Lets nobody write any more, as on a disk that was mounted to read only.
    pub(crate) fn make_read_only(&self) {
        self.world().is_read_only = true;
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.world().calls
    }

    /// How many bytes were read by processes that held a lock.
    #[cfg(test)]
    pub(crate) fn read_under_lock(&self) -> u64 {
        self.world().read_under_lock
    }

    /// Ends this process; what it wrote stays.
    pub(crate) fn kill(&self) {
        let mut world = self.world();
        world.locks.retain(|_, holder| *holder != self.process);
        world.dead.insert(self.process);
    }

    /// Another disk with the same content.
    pub(crate) fn copy(&self) -> Self {
        let world = self.world().clone();
        Self { world: Arc::new(Mutex::new(world)), process: self.process }
    }

    /// Ends every process; what they wrote stays.
    pub(crate) fn kill_all(&self) {
        let mut world = self.world();
        world.faults.clear();
        world.locks.clear();
        let processes = world.processes;
        world.dead.extend(1..=processes);
    }

    /// Cuts the power: of what was not synced any part stays.
    pub(crate) fn cut_power(&self) {
        self.kill_all();
        let mut world = self.world();
        world.boot += 1;
        let World { dice, files, names, durable_names, .. } = &mut *world;
        for file in files {
            file.lose(dice);
        }
        let paths: BTreeSet<_> = names.keys().chain(durable_names.keys()).cloned().collect();
        for path in paths {
            let (live, durable) = (names.get(&path).copied(), durable_names.get(&path).copied());
            let left = if dice.toss() { live } else { durable };
            match left {
                Some(inode) => names.insert(path, inode),
                None => names.remove(&path),
            };
        }
        *durable_names = names.clone();
    }

    /// Writes a file as an outside program does, without any lock or fault; durable at once.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut world = self.world();
        let inode = match world.names.get(path) {
            Some(inode) => *inode,
            None => {
                world.files.push(SimFileState::default());
                world.files.len() - 1
            }
        };
        world.files[inode] = SimFileState::durable(bytes.to_vec());
        world.names.insert(path.to_owned(), inode);
        world.durable_names.insert(path.to_owned(), inode);
    }

    /// Replaces a file by a new one of the same name, as editors do.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) {
        self.world().names.remove(path);
        self.put(path, bytes);
    }

    /// What a process reads in the file at `path`.
    pub(crate) fn get(&self, path: &Path) -> Vec<u8> {
        let world = self.world();
        world.files[world.names[path]].read(0, usize::MAX).to_vec()
    }

    /// Changes the bytes of the file at `path`, all of them durable.
    pub(crate) fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.get(path);
        change(&mut bytes);
        let mut world = self.world();
        let inode = world.names[path];
        world.files[inode] = SimFileState::durable(bytes);
    }

    /// The files in the folder at `path`, whoever asks.
    pub(crate) fn names_in(&self, path: &Path) -> Vec<String> {
        let world = self.world();
        let inside = world.names.keys().filter(|name| name.parent() == Some(path));
        inside.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and fails it where that was planned.
    fn call(&self) -> io::Result<(MutexGuard<'_, World>, Option<Fault>)> {
        let mut world = self.world();
        if world.dead.contains(&self.process) {
            return Err(io::Error::other("the process is dead"));
        }
        world.calls += 1;
        let calls = world.calls;
        let fault = world.faults.remove(&calls);
        if fault == Some(Fault::Die) {
            world.dead.insert(self.process);
        }
        Ok((world, fault))
    }

    fn plain_call(&self) -> io::Result<MutexGuard<'_, World>> {
        match self.call()? {
            (_, Some(Fault::Die)) => Err(io::Error::other("the process is dead")),
            (world, _) => Ok(world),
        }
    }

    fn writing_call(&self) -> io::Result<MutexGuard<'_, World>> {
        let world = self.plain_call()?;
        if world.is_read_only { Err(io::ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(world) }
    }

    fn opened(&self, path: &Path) -> io::Result<SimFile> {
        let inode = self.world().names.get(path).copied();
        inode.map(|inode| self.file(inode)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file(&self, inode: usize) -> SimFile {
        SimFile { disk: self.clone(), inode }
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimFile;

    fn open(&self, path: &Path) -> io::Result<SimFile> {
        drop(self.writing_call()?);
        self.opened(path)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<SimFile> {
        drop(self.plain_call()?);
        self.opened(path)
    }

    fn create_new(&self, path: &Path) -> io::Result<SimFile> {
        let mut world = self.writing_call()?;
        if world.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.files.push(SimFileState::default());
        let inode = world.files.len() - 1;
        world.names.insert(path.to_owned(), inode);
        Ok(self.file(inode))
    }

    fn create_new_for_all(&self, path: &Path) -> io::Result<SimFile> {
        self.create_new(path)
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        self.writing_call().map(|_| ())
    }

    fn file_names(&self, path: &Path) -> io::Result<Vec<String>> {
        drop(self.plain_call()?);
        Ok(self.names_in(path))
    }

    fn stat(&self, path: &Path) -> io::Result<FileStat> {
        let world = self.plain_call()?;
        let inode = *world.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let id = FileId { device: 0, inode: inode as u64 };
        Ok(FileStat { id, size: world.files[inode].size() as u64 })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.writing_call()?;
        let inode = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.writing_call()?;
        let inode = *world.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        if world.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.writing_call()?.names.remove(path);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.plain_call()?;
        let World { names, durable_names, .. } = &mut *world;
        let inside = |name: &Path| name.parent() == Some(path);
        durable_names.retain(|name, _| !inside(name));
        let now = names.iter().filter(|(name, _)| inside(name));
        durable_names.extend(now.map(|(name, inode)| (name.clone(), *inode)));
        Ok(())
    }

    fn lockable(&self, file: SimFile) -> SimFile {
        file
    }

    fn lock_holders(&self, _file: FileId) -> Vec<Holder> {
        Vec::new()
    }

    fn is_running(&self, process: u32) -> bool {
        !self.world().dead.contains(&u64::from(process))
    }

    fn boot_id(&self) -> Option<String> {
        Some(self.world().boot.to_string())
    }
}

impl DiskFile for SimFile {
    fn id(&self) -> io::Result<FileId> {
        drop(self.disk.plain_call()?);
        Ok(FileId { device: 0, inode: self.inode as u64 })
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.plain_call()?.files[self.inode].size() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.plain_call()?;
        let bytes = world.files[self.inode].read(place(offset)?, buffer.len());
        let length = bytes.len();
        buffer[..length].copy_from_slice(bytes);
        if world.locks.values().any(|holder| *holder == self.disk.process) {
            world.read_under_lock += length as u64;
        }
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut world, fault) = self.disk.call()?;
        let World { dice, files, .. } = &mut *world;
        let written = match fault {
            None | Some(Fault::FailedSync) => bytes.len(),
            // The system copies what lies in one sector at once or not at all.
            Some(_) if bytes.len() <= SECTOR && offset == 0 => 0,
            Some(Fault::Die | Fault::NoSpace) => dice.within(0..=bytes.len()),
        };
        files[self.inode].write(&bytes[..written], place(offset)?);
        match fault {
            None | Some(Fault::FailedSync) => Ok(()),
            Some(Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Die) => Err(io::Error::other("the process is dead")),
        }
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.disk.plain_call()?.files[self.inode]
            .truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let (mut world, fault) = self.disk.call()?;
        let file = &mut world.files[self.inode];
        match fault {
            None => {
                file.sync();
                Ok(())
            }
            Some(Fault::Die) => Err(io::Error::other("the process is dead")),
            Some(Fault::FailedSync | Fault::NoSpace) => {
                file.fail_to_sync();
                Err(io::Error::other("input/output error"))
            }
        }
    }
}

/// An offset as a place in memory.
fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

impl SimFile {
    pub(crate) fn hold(&self) -> io::Result<SimHeld<'_>> {
        let mut world = self.disk.plain_call()?;
        let holder = *world.locks.entry(self.inode).or_insert(self.disk.process);
        if holder != self.disk.process {
            // Turns are taken one after the other here: nobody would ever let go.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(SimHeld(self))
    }
}

impl FileLock for SimFile {
    type File = Self;
    type Held<'a> = SimHeld<'a>;

    fn exclusive(&mut self) -> io::Result<SimHeld<'_>> {
        self.hold()
    }

    fn try_exclusive(&mut self) -> io::Result<SimHeld<'_>> {
        self.hold()
    }
}

impl Deref for SimHeld<'_> {
    type Target = SimFile;

    fn deref(&self) -> &SimFile {
        self.0
    }
}

impl Drop for SimHeld<'_> {
    fn drop(&mut self) {
        self.0.disk.world().locks.remove(&self.0.inode);
    }
}
