//! Receipts: tokens that prove a sale without an index of sales.
//!
//! A token is the sale's revision and a MAC of it (HMAC-SHA-256, cut to 128
//! bits, RFC 2104), in base64url. It says where the sale stands in the ledger,
//! and nobody without the counter's key can make one up.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Serialize, Serializer};
use sha2::Sha256;

/// How much of the MAC stands in a token, in bytes.
const MAC_BYTES: usize = 16;

/// How long a token is, in characters: four for three bytes.
const TOKEN_CHARS: usize = (8 + MAC_BYTES) / 3 * 4;

/// A token, in base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token([u8; TOKEN_CHARS]);

impl Token {
    /// The characters, which need no escape in JSON and none in a path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The token as a text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("base64url is ASCII (RFC 4648, section 5)")
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Makes and opens the tokens of one counter.
#[derive(Clone)]
pub struct Seal {
    keyed: Hmac<Sha256>,
}

impl Seal {
    /// The seal with the key of the counter.
    pub fn new(key: &[u8; 32]) -> Self {
        let keyed = Hmac::new_from_slice(key);
        Self { keyed: keyed.expect("HMAC takes a key of any length (RFC 2104)") }
    }

    /// The token of the sale at `revision`.
    pub fn token(&self, revision: u64) -> Token {
        let mut token = [0; 8 + MAC_BYTES];
        token[..8].copy_from_slice(&revision.to_be_bytes());
        let mac = self.keyed.clone().chain_update(&token[..8]).finalize().into_bytes();
        token[8..].copy_from_slice(&mac[..MAC_BYTES]);
        let mut text = [0; TOKEN_CHARS];
        let length = BASE64_URL_SAFE_NO_PAD.encode_slice(token, &mut text);
        assert_eq!(length, Ok(TOKEN_CHARS), "three bytes are four characters");
        Token(text)
    }

    /// The revision in `token`; `None` where this counter did not make it.
    pub fn revision(&self, token: &str) -> Option<u64> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (revision, mac) = bytes.split_at_checked(8)?;
        let keyed = self.keyed.clone().chain_update(revision);
        let is_ours = mac.len() == MAC_BYTES && keyed.verify_truncated_left(mac).is_ok();
        revision.try_into().ok().map(u64::from_be_bytes).filter(|_| is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_under_its_own_key_only() {
        let (seal, other) = (Seal::new(&[1; 32]), Seal::new(&[2; 32]));
        let token = seal.token(4711);
        assert_eq!(seal.revision(token.as_str()), Some(4711));
        assert_eq!(other.revision(token.as_str()), None);
    }

    #[test]
    fn a_changed_or_shortened_token_does_not_open() {
        let seal = Seal::new(&[1; 32]);
        let token = seal.token(3);
        let token = token.as_str();
        for index in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.revision(std::str::from_utf8(&changed).unwrap()), None, "{index}");
            assert_eq!(seal.revision(&token[..index]), None, "{index}");
        }
    }
}
