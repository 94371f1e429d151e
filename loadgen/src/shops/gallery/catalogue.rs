//! All shops of the gallery, in the order in which to look at them.

use super::{
    allotment_back_twice, check_outside_lock, count_in_cache, decrement_without_check,
    hold_lapses_in_confirm, key_after_sale, lock_in_one_process, numbers_from_count,
    refund_frees_twice, replaced_file, restock_lost, retry_sells_twice, sold_out_remembered,
    stale_replica, unlock_before_flush,
};
use crate::shops::exhibit::Exhibit;

/// First what locks do, then what is kept beside the count, then what comes back.
pub(in crate::shops) static EXHIBITS: [Exhibit; 15] = [
    check_outside_lock::EXHIBIT,
    decrement_without_check::EXHIBIT,
    unlock_before_flush::EXHIBIT,
    replaced_file::EXHIBIT,
    lock_in_one_process::EXHIBIT,
    count_in_cache::EXHIBIT,
    stale_replica::EXHIBIT,
    sold_out_remembered::EXHIBIT,
    retry_sells_twice::EXHIBIT,
    key_after_sale::EXHIBIT,
    hold_lapses_in_confirm::EXHIBIT,
    refund_frees_twice::EXHIBIT,
    numbers_from_count::EXHIBIT,
    restock_lost::EXHIBIT,
    allotment_back_twice::EXHIBIT,
];

/// The shop of this name.
pub(in crate::shops) fn named(name: &str) -> Option<&'static Exhibit> {
    EXHIBITS.iter().find(|exhibit| exhibit.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_shop_has_a_name_of_its_own_and_a_public_source() {
        let names: BTreeSet<&str> = EXHIBITS.iter().map(|exhibit| exhibit.name).collect();
        let sources: BTreeSet<&str> = EXHIBITS.iter().map(|exhibit| exhibit.source).collect();
        assert_eq!((names.len(), sources.len()), (EXHIBITS.len(), EXHIBITS.len()));
        for exhibit in &EXHIBITS {
            assert!(exhibit.source.starts_with("https://"), "{}", exhibit.name);
            assert!(exhibit.bug.chars().count() <= 86, "{}: {}", exhibit.name, exhibit.bug);
            assert!(exhibit.load.tickets > 0 && exhibit.load.mix != [0; 3], "{}", exhibit.name);
        }
    }
}
