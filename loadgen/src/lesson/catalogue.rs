//! The lessons, in the order in which to learn.

use std::io;

use super::{
    definition::Lesson,
    process::Role,
    programs::{
        cpu_or_io, daemon_process, daemon_thread, file_mutex, join, memory_mutex, process_pool,
        producer_consumer, reentrant_lock, thread_pool,
    },
};

/// Each lesson uses words that those before it have explained.
pub(super) static LESSONS: [Lesson; 10] = [
    join::LESSON,
    daemon_thread::LESSON,
    daemon_process::LESSON,
    memory_mutex::LESSON,
    file_mutex::LESSON,
    reentrant_lock::LESSON,
    producer_consumer::LESSON,
    thread_pool::LESSON,
    process_pool::LESSON,
    cpu_or_io::LESSON,
];

/// Does in this process what `role` (JSON) says, for the process `parent` that started it.
///
/// # Errors
/// The parent is gone, the role is none, or the system refused.
pub(crate) fn run_process(parent: u32, role: &str) -> io::Result<()> {
    let role = Role::accept(parent, role)?;
    let lesson = LESSONS.iter().find(|lesson| lesson.name == role.lesson);
    let process = lesson.and_then(|lesson| lesson.process);
    process.map_or_else(|| Err(io::ErrorKind::InvalidInput.into()), |process| process(&role))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    #[test]
    fn every_file_that_a_lesson_names_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for lesson in &LESSONS {
            assert!(!lesson.product.is_empty(), "{}", lesson.name);
            for used in lesson.product {
                assert!(root.join(used.file).is_file(), "{}: {}", lesson.name, used.file);
            }
        }
    }

    #[test]
    fn names_are_unique_and_a_line_of_the_list_fits_a_terminal() {
        let names: BTreeSet<&str> = LESSONS.iter().map(|lesson| lesson.name).collect();
        assert_eq!(names.len(), 10);
        for lesson in &LESSONS {
            assert!(lesson.teaches.chars().count() <= 54, "{}", lesson.teaches);
        }
    }
}
