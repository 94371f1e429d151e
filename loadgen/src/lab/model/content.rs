//! What stands in `db.txt`: `{"count": 1}`, as the lesson's programs write it.

use serde_json::Value;

/// The text for `count`.
pub(crate) fn text(count: u32) -> String {
    format!("{{\"count\": {count}}}")
}

/// The count that a file with these `bytes` holds; `None` where that is no count.
pub(crate) fn count(bytes: &[u8]) -> Option<u32> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    json.get("count")?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_reads_back_and_a_torn_one_does_not() {
        assert_eq!(count(text(10).as_bytes()), Some(10));
        for torn in ["", "{\"count\": 9}}", "{\"count\": ", "{\"count\": -1}", "[1]"] {
            assert_eq!(count(torn.as_bytes()), None, "{torn}");
        }
    }
}
