//! Cursors of the feed of changes. A place in the feed counts the revisions before it, also those that a reader may not see:
//! two cursors would tell how much happened between them. So a place is enciphered, and differently every time.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    change_feed::{CursorKey, FeedPlace},
    error::{Error, Result},
    service::Services,
};

/// What a cursor is for: nothing else that is enciphered under the key is taken for one.
fn purpose() -> Aad<&'static [u8]> {
    Aad::from(b"changes")
}

/// Makes cursors of places, and reads them.
pub struct Cursors(RandomizedNonceKey);

impl Cursors {
    /// Under the key that all replicas share.
    ///
    /// # Errors
    /// What the database says, and the system's source of randomness.
    pub async fn of(services: &Services) -> Result<Self> {
        let make = || {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(Error::internal)?;
            Ok(CursorKey(key))
        };
        Self::under(services.cursor_key(make).await?)
    }

    fn under(CursorKey(key): CursorKey) -> Result<Self> {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, &key).map(Self).map_err(Error::internal)
    }

    /// A cursor that nobody can tell the place from.
    ///
    /// # Errors
    /// The system's source of randomness.
    pub fn seal(&self, FeedPlace { part, offset }: FeedPlace) -> Result<String> {
        let mut sealed = [part.to_be_bytes(), offset.to_be_bytes()].concat();
        let nonce = self.0.seal_in_place_append_tag(purpose(), &mut sealed).map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat()))
    }

    /// The place of a cursor, if it is one.
    pub fn open(&self, cursor: &str) -> Option<FeedPlace> {
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let (part, offset) = self.0.open_in_place(nonce, purpose(), sealed).ok()?.split_at_checked(8)?;
        let number = |bytes: &[u8]| Some(i64::from_be_bytes(bytes.try_into().ok()?)).filter(|number| *number >= 0);
        Some(FeedPlace { part: number(part)?, offset: number(offset)? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_its_place_and_looks_like_no_other(part in 0..i64::MAX, offset in 0..i64::MAX) {
            let cursors = Cursors::under(CursorKey([7; 32])).unwrap();
            let place = FeedPlace { part, offset };
            let (one, other) = (cursors.seal(place).unwrap(), cursors.seal(place).unwrap());
            prop_assert_ne!(&one, &other);
            prop_assert_eq!((cursors.open(&one), cursors.open(&other)), (Some(place), Some(place)));
            prop_assert_eq!(Cursors::under(CursorKey([8; 32])).unwrap().open(&one), None);
        }

        #[test]
        fn nothing_else_is_a_cursor(text in "[A-Za-z0-9_=.-]{0,80}", at in 0_usize..58) {
            let cursors = Cursors::under(CursorKey([7; 32])).unwrap();
            prop_assert_eq!(cursors.open(&text), None);
            let mut changed = cursors.seal(FeedPlace { part: 3, offset: 4 }).unwrap().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            prop_assert_eq!(cursors.open(std::str::from_utf8(&changed).unwrap()), None);
        }
    }
}
