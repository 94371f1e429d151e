//! Tokens that prove a sale or a hold without an index of them.
//!
//! A token is the revision of the sale or hold and a MAC (HMAC-SHA-256, cut to 128 bits, RFC
//! 2104), in base64url. It says where that stands in the ledger, and nobody without the counter's
//! key can make one up. The MAC covers the kind of the token and the life of the ledger, too: a hold's
//! token is no receipt, and what is sold after a backup was restored has receipts of its own.

use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Serialize, Serializer};
use sha2::Sha256;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

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

impl PartialSchema for Token {
    fn schema() -> RefOr<Schema> {
        let pattern = format!("^[A-Za-z0-9_-]{{{TOKEN_CHARS}}}$");
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl ToSchema for Token {}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A receipt.
    Sale,
    /// A hold.
    Hold,
}

/// Makes and opens the tokens of one counter.
#[derive(Clone)]
pub struct Seal {
    keyed: Hmac<Sha256>,
    /// The lives of the ledger behind its first, with the revisions that they began with.
    epochs: Arc<[(u64, u64)]>,
}

impl Seal {
    /// The seal with the key of the counter, whose ledger has had these lives behind its first: each
    /// with the revision that it began with.
    pub fn new(key: &[u8; 32], epochs: &[(u64, u64)]) -> Self {
        let keyed = Hmac::new_from_slice(key);
        let keyed = keyed.expect("HMAC takes a key of any length (RFC 2104)");
        Self { keyed, epochs: epochs.into() }
    }

    /// The last of these lives; 0 for the first.
    pub fn epoch(&self) -> u64 {
        self.epochs.last().map_or(0, |(_, epoch)| *epoch)
    }

    /// The token of what was made at `revision`.
    pub fn token(&self, kind: Kind, revision: u64) -> Token {
        let mut token = [0; 8 + MAC_BYTES];
        token[..8].copy_from_slice(&revision.to_be_bytes());
        let mac = self.authenticated(kind, revision).finalize().into_bytes();
        token[8..].copy_from_slice(&mac[..MAC_BYTES]);
        let mut text = [0; TOKEN_CHARS];
        let length = BASE64_URL_SAFE_NO_PAD.encode_slice(token, &mut text);
        assert_eq!(length, Ok(TOKEN_CHARS), "three bytes are four characters");
        Token(text)
    }

    /// The revision in `token`; `None` where this counter did not make it for this kind.
    pub fn revision(&self, kind: Kind, token: &str) -> Option<u64> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (revision, mac) = bytes.split_at_checked(8)?;
        let revision = u64::from_be_bytes(revision.try_into().ok()?);
        let keyed = self.authenticated(kind, revision);
        let is_ours = mac.len() == MAC_BYTES && keyed.verify_truncated_left(mac).is_ok();
        is_ours.then_some(revision)
    }

    /// What the MAC is made of. That of a receipt of the first life is its revision alone: there were no
    /// others once, and what was given out then is good for ever.
    fn authenticated(&self, kind: Kind, revision: u64) -> Hmac<Sha256> {
        let began = self.epochs.partition_point(|(first, _)| *first <= revision);
        let epoch = self.epochs[..began].last().map_or(0, |(_, epoch)| *epoch);
        let mac = self.keyed.clone().chain_update(revision.to_be_bytes());
        match (kind, epoch) {
            (Kind::Sale, 0) => mac,
            (Kind::Sale, _) => mac.chain_update(b"s").chain_update(epoch.to_be_bytes()),
            (Kind::Hold, _) => mac.chain_update(b"h").chain_update(epoch.to_be_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_under_its_own_key_only() {
        let (seal, other) = (Seal::new(&[1; 32], &[]), Seal::new(&[2; 32], &[]));
        let token = seal.token(Kind::Sale, 4711);
        assert_eq!(seal.revision(Kind::Sale, token.as_str()), Some(4711));
        assert_eq!(other.revision(Kind::Sale, token.as_str()), None);
    }

    #[test]
    fn a_changed_or_shortened_token_does_not_open() {
        let seal = Seal::new(&[1; 32], &[]);
        let token = seal.token(Kind::Sale, 3);
        let token = token.as_str();
        for index in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                seal.revision(Kind::Sale, std::str::from_utf8(&changed).unwrap()),
                None,
                "{index}"
            );
            assert_eq!(seal.revision(Kind::Sale, &token[..index]), None, "{index}");
        }
    }

    #[test]
    fn a_token_is_good_for_its_own_kind_only() {
        let seal = Seal::new(&[1; 32], &[]);
        let (sale, hold) = (seal.token(Kind::Sale, 3), seal.token(Kind::Hold, 3));
        assert_eq!(seal.revision(Kind::Hold, sale.as_str()), None);
        assert_eq!(seal.revision(Kind::Sale, hold.as_str()), None);
        assert_eq!(seal.revision(Kind::Hold, hold.as_str()), Some(3));
    }

    #[test]
    fn another_life_of_the_ledger_has_other_tokens_from_its_beginning_on() {
        let (first, second) = (Seal::new(&[1; 32], &[]), Seal::new(&[1; 32], &[(5, 77)]));
        for kind in [Kind::Sale, Kind::Hold] {
            assert_eq!(first.token(kind, 4), second.token(kind, 4));
            for revision in [5, 6] {
                let lost = first.token(kind, revision);
                assert_eq!(second.revision(kind, lost.as_str()), None);
                let own = second.token(kind, revision);
                assert_eq!(second.revision(kind, own.as_str()), Some(revision));
            }
        }
    }

    #[test]
    fn a_receipt_of_the_first_version_is_made_as_ever() {
        let token = Seal::new(&[7; 32], &[]).token(Kind::Sale, 3);
        assert_eq!(token.as_str(), "AAAAAAAAAANyAsNlGu5A2TSEunnJVbKq");
    }
}
