//! What a page of ours may do in a browser: show itself.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

/// The content security policy of a page with this `style` and `script`, each by its SHA-256 (CSP
/// Level 3, <https://www.w3.org/TR/CSP3/>, section 2.3.1): nothing else runs, and nothing is fetched
/// from anywhere.
pub(crate) fn content_security_policy(style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let script = script.map_or_else(|| "'none'".to_owned(), hash);
    format!(
        "default-src 'none'; script-src {script}; style-src {}; base-uri 'none'; form-action 'none'",
        hash(style)
    )
}
