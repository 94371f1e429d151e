//! Revisions that are no order of the changes, whatever else takes some.

use super::{
    counting,
    request::{Request, Requests, Role},
    verdict::{Violation, ViolationKind},
};

/// Two changes with one revision, one whose revision was already past when it was called, or one that the end
/// does not know.
pub(super) fn out_of_order(requests: &Requests<'_>) -> Option<Violation> {
    counting::same_revision(requests)
        .or_else(|| backwards(requests))
        .or_else(|| counting::beyond_the_end(requests))
}

/// The revisions of the requests that `are` so, each with who was told it.
fn revisions<'r>(
    requests: &'r Requests<'_>,
    are: impl Fn(&Request) -> bool + 'r,
) -> impl Iterator<Item = (u64, &'r Request)> {
    let list = requests.list.iter().filter(move |one| are(one));
    list.filter_map(|one| Some((requests.told(one).revision?, one)))
}

fn backwards(requests: &Requests<'_>) -> Option<Violation> {
    let mut told: Vec<_> = revisions(requests, |_| true).collect();
    told.sort_unstable_by_key(|(_, one)| one.ret);
    let mut changes: Vec<_> = revisions(requests, |one| one.role == Role::Change).collect();
    changes.sort_unstable_by_key(|(_, one)| one.call);
    let mut told = told.into_iter().peekable();
    let mut highest: Option<(u64, &Request)> = None;
    for (revision, change) in changes {
        while let Some(next) = told.next_if(|(_, one)| one.ret < change.call) {
            if highest.is_none_or(|(highest, _)| highest < next.0) {
                highest = Some(next);
            }
        }
        if let Some((past, before)) = highest.filter(|(past, _)| *past >= revision) {
            return Some(Violation {
                kind: ViolationKind::NotLinearizable,
                message: format!(
                    "a change took revision `{revision}` after somebody had been told `{past}`"
                ),
                operations: vec![before.place as usize, change.place as usize],
                story: vec![format!(
                    "Revision `{past}` was told before this change was called, and revisions only rise."
                )],
                needs_whole: false,
            });
        }
    }
    None
}
