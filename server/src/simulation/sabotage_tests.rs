//! The random lives and the flipped bits notice when a step of the protocol is skipped.

use std::panic;

use crate::simulation::{
    damage_tests::every_segment,
    disk::SimDisk,
    lives_tests::{live_alone, live_together},
    lying_disk::{Lie, LyingDisk},
};

/// Whether any of a thousand lives goes wrong on a disk that is seen through `wrap`.
#[track_caller]
fn is_noticed(wrap: fn(SimDisk) -> LyingDisk) {
    let goes_wrong = |seed| {
        let alone = panic::catch_unwind(|| live_alone(seed, wrap));
        alone.is_err() || panic::catch_unwind(|| live_together(seed, wrap)).is_err()
    };
    assert!((0..1000).any(goes_wrong), "a thousand lives did not notice");
}

#[test]
fn without_the_sync_before_the_answer_sales_are_lost() {
    is_noticed(|disk| LyingDisk::new(disk, Lie::NoSync));
}

#[test]
fn without_the_sync_of_the_folder_a_new_segment_is_lost() {
    is_noticed(|disk| LyingDisk::new(disk, Lie::NoFolderSync));
}

#[test]
fn a_failed_sync_that_is_tried_again_loses_sales() {
    is_noticed(|disk| LyingDisk::new(disk, Lie::SyncAgain));
}

#[test]
fn without_the_check_of_the_inode_an_edit_is_missed() {
    is_noticed(|disk| LyingDisk::new(disk, Lie::SameFile));
}

#[test]
fn a_head_that_is_written_before_the_ledger_is_left_ahead_of_it() {
    is_noticed(|disk| LyingDisk::new(disk, Lie::HeadFirst));
}

#[test]
fn a_start_of_the_machine_that_is_taken_for_the_one_before_loses_sales() {
    is_noticed(|disk| LyingDisk::new(disk, Lie::SameBoot));
}

#[test]
fn where_no_start_of_the_machine_can_be_told_from_another_no_sale_is_lost() {
    for seed in 0..1000 {
        live_alone(seed, |disk| LyingDisk::new(disk, Lie::NoBootId));
    }
}

#[test]
fn without_the_checksum_a_flipped_bit_is_believed() {
    let sound = every_segment().remove(0);
    let is_believed = |bit| {
        let flipped =
            || sound.check_flipped(|disk| LyingDisk::new(disk, Lie::FittingChecksums), bit);
        panic::catch_unwind(panic::AssertUnwindSafe(flipped)).is_err()
    };
    assert!((0..sound.bits()).any(is_believed), "every flipped bit was noticed");
}
