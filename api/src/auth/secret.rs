//! Opaque tokens: random texts that mean nothing without the database, which knows only their digest.
//!
//! Each kind has its own prefix, so that one is never taken for another and a search for leaked secrets finds them. They
//! carry so much chance that a plain SHA-256 is enough: nobody can try them all.

use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::jws::URL_SAFE;

/// Random bytes of a refresh token or a link.
const BYTES: usize = 32;
/// Random characters of an API token: more than 178 bits.
const CHARACTERS: usize = 30;
/// Characters of its checksum; 62^6 is more than 2^32.
const CHECKSUM: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Renews a session, once: `cnr_` and 43 characters of base64url.
    Refresh,
    /// An invitation or a recovery, once: `cni_` and 43 characters of base64url.
    Link,
    /// An integration's: `cnc_`, 30 characters of base62, and 6 more of their CRC-32, which tells a typing error or a
    /// chance likeness without asking the database.
    Api,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Refresh, Self::Link, Self::Api];

    /// How its tokens begin.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "cnr_",
            Self::Link => "cni_",
            Self::Api => "cnc_",
        }
    }

    /// The kind of a text that has the form of a token. The form is no secret: it may be told how a text fails it.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            text.strip_prefix(kind.prefix()).is_some_and(|rest| match kind {
                Self::Refresh | Self::Link => URL_SAFE.decode(rest).is_ok_and(|bytes| bytes.len() == BYTES),
                Self::Api => rest
                    .split_at_checked(CHARACTERS)
                    .is_some_and(|(random, sum)| random.bytes().all(in_base62) && sum == checksum(random)),
            })
        })
    }

    /// A new token from the system's randomness.
    pub fn generate(self) -> Result<SecretString, getrandom::Error> {
        self.generate_from(&mut getrandom::fill)
    }

    /// A new token from this randomness.
    pub fn generate_from(
        self,
        fill: &mut dyn FnMut(&mut [u8]) -> Result<(), getrandom::Error>,
    ) -> Result<SecretString, getrandom::Error> {
        let mut token = String::with_capacity(64);
        token.push_str(self.prefix());
        match self {
            Self::Refresh | Self::Link => {
                let mut bytes = Zeroizing::new([0; BYTES]);
                fill(bytes.as_mut_slice())?;
                URL_SAFE.encode_string(bytes.as_slice(), &mut token);
            }
            Self::Api => {
                let mut random = Zeroizing::new(String::with_capacity(CHARACTERS));
                while random.len() < CHARACTERS {
                    let mut bytes = Zeroizing::new([0; CHARACTERS]);
                    fill(bytes.as_mut_slice())?;
                    let missing = CHARACTERS - random.len();
                    random.extend(bytes.iter().filter_map(|byte| fair(*byte)).take(missing));
                }
                token.push_str(&random);
                token.push_str(&checksum(&random));
            }
        }
        Ok(SecretString::from(token))
    }
}

/// The character of a random byte, if it is one of those that share them out evenly.
fn fair(byte: u8) -> Option<char> {
    const EVEN: u8 = 248;
    (byte < EVEN).then(|| digit(usize::from(byte)))
}

fn digit(value: usize) -> char {
    BASE62.get(value % BASE62.len()).copied().map_or('0', char::from)
}

fn in_base62(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// The CRC-32 (of IEEE 802.3) of a text, in base62 with leading zeros.
fn checksum(text: &str) -> String {
    let sum = crc32fast::hash(text.as_bytes()) as usize;
    let digits: Vec<char> =
        std::iter::successors(Some(sum), |rest| Some(rest / BASE62.len())).take(CHECKSUM).map(digit).collect();
    digits.into_iter().rev().collect()
}

/// What is stored of a token: the SHA-256 of all its characters.
pub fn digest(token: &SecretString) -> [u8; 32] {
    Sha256::digest(token.expose_secret().as_bytes()).into()
}

/// Whether two digests are equal, in a time that does not tell where they differ.
pub fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn counting() -> impl FnMut(&mut [u8]) -> Result<(), getrandom::Error> {
        let mut next = 240_u8;
        move |bytes| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(1);
            }
            Ok(())
        }
    }

    #[test]
    fn every_kind_has_its_exact_form() {
        let token = |kind: Kind| kind.generate_from(&mut counting()).unwrap().expose_secret().to_owned();
        assert_eq!(token(Kind::Refresh), "cnr_8PHy8_T19vf4-fr7_P3-_wABAgMEBQYHCAkKCwwNDg8");
        assert_eq!(token(Kind::Link), "cni_8PHy8_T19vf4-fr7_P3-_wABAgMEBQYHCAkKCwwNDg8");
        // 248 to 255 are left out: they would make the first eight characters likelier than the others.
        let api = token(Kind::Api);
        assert_eq!(&api[..34], "cnc_stuvwxyz0123456789ABCDEFGHIJKL");
        assert_eq!(api.len(), 40);
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value of CRC-32 is cbf43926 for these nine digits.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        let value = checksum("123456789")
            .bytes()
            .fold(0_u64, |value, byte| value * 62 + BASE62.iter().position(|known| *known == byte).unwrap() as u64);
        assert_eq!(value, 0xcbf4_3926);
        assert_eq!(checksum("").len(), CHECKSUM);
    }

    #[test]
    fn what_is_made_has_its_own_kind_and_never_comes_twice() {
        for kind in Kind::ALL {
            let tokens: HashSet<String> =
                (0..200).map(|_| kind.generate().unwrap().expose_secret().to_owned()).collect();
            assert_eq!(tokens.len(), 200);
            assert!(tokens.iter().all(|token| Kind::of(token) == Some(kind)));
        }
    }

    #[test]
    fn randomness_that_fails_makes_no_token() {
        for kind in Kind::ALL {
            assert!(kind.generate_from(&mut |_| Err(getrandom::Error::UNSUPPORTED)).is_err());
        }
    }

    #[test]
    fn every_changed_character_is_noticed_in_an_api_token() {
        let token = Kind::Api.generate().unwrap().expose_secret().to_owned();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(Kind::of(&String::from_utf8(changed).unwrap()), None, "at {at}");
        }
    }

    #[test]
    fn other_forms_are_none() {
        let refresh = Kind::Refresh.generate().unwrap().expose_secret().to_owned();
        let api = Kind::Api.generate().unwrap().expose_secret().to_owned();
        for text in
            ["", "cnr_", "cnc_", "cnc_é", &refresh[..46], &format!("{refresh}A"), &format!("{api}0"), &api[..39]]
        {
            assert_eq!(Kind::of(text), None, "{text}");
        }
        // The last character of 32 bytes has two bits to spare, which must be zero: one text, one token.
        assert_eq!(Kind::of(&format!("cnr_{}B", "A".repeat(42))), None);
    }

    #[test]
    fn digests_are_those_of_sha_256_and_compare() {
        let abc = digest(&SecretString::from("abc"));
        assert_eq!(abc[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert!(same(&abc, &abc));
        assert!(!same(&abc, &digest(&SecretString::from("abd"))));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}", rest in "(cn[rci]_)?[0-9A-Za-z_-]{0,44}") {
            let _ = Kind::of(&text);
            let _ = Kind::of(&rest);
        }
    }
}
