//! The lessons, in the order in which to learn.

use super::{
    play::Lesson,
    programs::{
        cpu_or_io, daemon_process, daemon_thread, file_mutex, join, memory_mutex, process_pool,
        producer_consumer, reentrant_lock, thread_pool,
    },
};

/// Each lesson uses words that those before it have explained.
pub(super) const LESSONS: [Lesson; 10] = [
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

/// The lessons as they stand in memory for as long as the program runs.
pub(super) static CATALOGUE: &[Lesson] = &LESSONS;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    #[test]
    fn every_file_that_a_lesson_names_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for lesson in CATALOGUE {
            assert!(!lesson.product.is_empty(), "{}", lesson.name);
            for used in lesson.product {
                assert!(root.join(used.file).is_file(), "{}: {}", lesson.name, used.file);
            }
        }
    }

    #[test]
    fn names_are_unique_and_a_line_of_the_list_fits_a_terminal() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|lesson| lesson.name).collect();
        assert_eq!(names.len(), 10);
        for lesson in CATALOGUE {
            assert!(lesson.teaches.chars().count() <= 54, "{}", lesson.teaches);
        }
    }
}
