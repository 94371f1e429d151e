//! The files of one crate as modules, and the files to which the paths in its code lead.
//!
//! `mod.rs` and `lib.rs` hold re-exports only: a path goes through them to the file that declares
//! what it names. Where a name could be one of two things, or come through one of two globs, it is
//! both.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenTree;

use super::{
    paths::{self, Module, Names, Path},
    test_code, tokens,
};

/// A file that paths lead to: not `mod.rs`, `lib.rs` or `main.rs`, and not there for tests only.
pub(super) struct File {
    /// Its path below `src/`.
    pub(super) source: String,
    pub(super) module: Module,
    code: Vec<TokenTree>,
}

/// The modules of one crate.
pub(super) struct ModuleTree {
    files: BTreeMap<Module, File>,
    /// All modules, those for tests too.
    modules: BTreeSet<Module>,
    /// What the `mod.rs` of a folder, or the crate's `lib.rs`, gives its names to.
    re_exports: BTreeMap<Module, Vec<Path>>,
}

/// A path that leads to a file, or the path that leads nowhere, and its line.
pub(super) type Used<'a> = (usize, Result<&'a File, String>);

impl ModuleTree {
    /// Of `sources`, the paths below `src/` of all Rust files of a crate, each with its text.
    pub(super) fn new(sources: &[(&str, &str)]) -> ModuleTree {
        let mut tree = ModuleTree {
            files: BTreeMap::new(),
            modules: BTreeSet::new(),
            re_exports: BTreeMap::from([(Module::new(), Vec::new())]),
        };
        let mut for_tests = Vec::new();
        for &(source, text) in sources {
            let module = paths::module_of(source);
            let code = tokens::parse(text).unwrap_or_default();
            tree.modules.extend((0..=module.len()).map(|depth| module[..depth].to_vec()));
            let declared = test_code::modules(&code).into_iter();
            for_tests.extend(declared.map(|name| [module.as_slice(), &[name]].concat()));
            match source.rsplit('/').next() {
                Some("main.rs") => {}
                Some("mod.rs" | "lib.rs") => {
                    tree.re_exports.insert(module.clone(), paths::re_exports(&module, &code));
                }
                _ => {
                    let code = test_code::without(&code);
                    let file = File { source: source.to_owned(), module: module.clone(), code };
                    tree.files.insert(module, file);
                }
            }
        }
        tree.files.retain(|module, _| !for_tests.iter().any(|test| module.starts_with(test)));
        tree
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// The folders of one folder, as paths below `src/`, in which two files are apart.
    pub(super) fn folders_apart(&self, one: &File, other: &File) -> Option<(String, String)> {
        let together = one.module.iter().zip(&other.module).take_while(|(a, b)| a == b).count();
        let folder = |file: &File| {
            let folder = file.module.get(..=together)?;
            self.children(folder).next().map(|_| folder.join("/"))
        };
        Some((folder(one)?, folder(other)?))
    }

    /// The other files that the code of `file` uses.
    pub(super) fn used_by(&self, file: &File) -> Vec<Used<'_>> {
        let mut used = Vec::new();
        for path in self.paths_in(file) {
            match self.targets(&path) {
                Some(targets) => {
                    let files = targets.iter().filter_map(|target| self.file_of(target));
                    let others = files.filter(|other| other.module != file.module);
                    used.extend(others.map(|other| (path.line, Ok(other))));
                }
                None => used.push((path.line, Err(path.segments.join("::")))),
            }
        }
        used
    }

    /// All paths in `file` that stay in the crate, those too that begin with the name of a module
    /// that the file declares, or that a `use` in it brought there.
    fn paths_in(&self, file: &File) -> Vec<Path> {
        let mut names = self.names_of_children(&file.module);
        loop {
            let paths = paths::in_code(&file.module, &file.code, &names);
            let known = names.len();
            for path in &paths {
                for target in self.targets(path).into_iter().flatten() {
                    if path.is_glob {
                        names.extend(self.names_of_children(&target));
                    } else if self.modules.contains(&target) {
                        names.entry(path.name.clone()).or_insert(target);
                    }
                }
            }
            if names.len() == known {
                return paths;
            }
        }
    }

    /// What `path` leads to; for a glob of a folder, all that the folder re-exports.
    fn targets(&self, path: &Path) -> Option<BTreeSet<Module>> {
        let mut targets = self.resolve(&path.segments, &mut BTreeSet::new())?;
        if path.is_glob {
            let folders = targets.iter().filter_map(|target| self.re_exports.get(target));
            let through = folders.flatten().filter_map(|re_export| self.targets(re_export));
            targets = through.flatten().chain(targets.iter().cloned()).collect();
        }
        Some(targets)
    }

    /// Where `path` ends when it has gone through all re-exports: at modules, or at what files
    /// hold; at none where it leaves the crate. `None` where nothing has this name.
    fn resolve(&self, path: &[String], asked: &mut BTreeSet<Module>) -> Option<BTreeSet<Module>> {
        if !asked.insert(path.to_vec()) {
            return None;
        }
        let (module, rest) = self.split(path);
        if let [name, after @ ..] = rest {
            if !self.re_exports.contains_key(module) {
                return Some(BTreeSet::from([path.to_vec()]));
            }
            return self
                .through_name(module, name, after, asked)
                .or_else(|| self.through_globs(module, rest, asked));
        }
        // Beside a module, its folder may hold something else of the same name.
        let twin = path
            .split_last()
            .and_then(|(name, folder)| self.through_name(folder, name, &[], asked));
        Some(twin.into_iter().flatten().chain([path.to_vec()]).collect())
    }

    /// Through what `folder` calls `name` by a `use` of its own, to `after` in it.
    fn through_name(
        &self,
        folder: &[String],
        name: &str,
        after: &[String],
        asked: &mut BTreeSet<Module>,
    ) -> Option<BTreeSet<Module>> {
        let re_exports = self.re_exports.get(folder)?.iter();
        let mut named = re_exports.filter(|path| !path.is_glob && path.name == name).peekable();
        named.peek()?;
        let stays = named.filter(|path| !self.is_of_another_crate(folder, path));
        let found = stays.filter_map(|path| self.resolve(&[&path.segments, after].concat(), asked));
        Some(found.flatten().collect())
    }

    /// Whether `path`, in the `mod.rs` of `folder`, begins with a name that is no module there.
    fn is_of_another_crate(&self, folder: &[String], path: &Path) -> bool {
        path.segments.starts_with(folder) && self.split(&path.segments).0 == folder
    }

    /// Through all globs of `folder`, to `rest` in what they bring there.
    fn through_globs(
        &self,
        folder: &[String],
        rest: &[String],
        asked: &mut BTreeSet<Module>,
    ) -> Option<BTreeSet<Module>> {
        let re_exports = self.re_exports.get(folder)?.iter();
        let globs =
            re_exports.filter(|path| path.is_glob && !self.is_of_another_crate(folder, path));
        let found = globs.filter_map(|path| self.resolve(&[&path.segments, rest].concat(), asked));
        found.reduce(|all, more| all.into_iter().chain(more).collect())
    }

    /// The deepest module that `path` goes to, and what of the path is left there.
    fn split<'a>(&self, path: &'a [String]) -> (&'a [String], &'a [String]) {
        let is_module = |depth: &usize| self.modules.contains(&path[..*depth]);
        path.split_at((0..=path.len()).rev().find(is_module).unwrap_or(0))
    }

    fn file_of(&self, path: &[String]) -> Option<&File> {
        self.files.get(self.split(path).0)
    }

    fn children(&self, module: &[String]) -> impl Iterator<Item = &Module> {
        let is_child =
            move |other: &&Module| other.len() == module.len() + 1 && other.starts_with(module);
        self.modules.iter().filter(is_child)
    }

    fn names_of_children(&self, module: &[String]) -> Names {
        let named = |child: &Module| Some((child.last()?.clone(), child.clone()));
        self.children(module).filter_map(named).collect()
    }
}
