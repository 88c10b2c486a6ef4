//! The keys that sign and verify access tokens. Several may be in use at once, so that they can be changed without
//! anybody being signed out: the first signs, all verify.

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    DecodingKey, EncodingKey, crypto,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse, ThumbprintHash},
};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use serde_json::Value;

use super::jws::URL_SAFE;

/// The shortest modulus of an RSA key, bits (RFC 7518, section 3.3).
pub const MIN_RSA_BITS: usize = 2048;

/// How a token is signed. There is no other way: neither shared secrets nor unsigned tokens exist for this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Rs256, Self::EdDsa];

    /// Its name in the header of a token (RFC 7518, RFC 8037).
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) fn backend(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is that of no algorithm in use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm is none of ES256, RS256 and EdDSA")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "ES256" => Ok(Self::Es256),
            "RS256" => Ok(Self::Rs256),
            // RFC 9864 gives the one curve in use its own name.
            "EdDSA" | "Ed25519" => Ok(Self::EdDsa),
            _ => Err(UnknownAlgorithm),
        }
    }
}

/// What is wrong with a key; never the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no key at all.
    #[error("there is no signing key")]
    None,
    /// Not a private key as PKCS#8 PEM, of a kind in use here.
    #[error("not a PKCS#8 PEM private key (BEGIN PRIVATE KEY) for ES256 (P-256), RS256 or EdDSA (Ed25519)")]
    Format,
    /// An RSA key that is too short to be safe.
    #[error("an RSA key needs at least 2048 bits")]
    TooShort,
    /// The same key twice.
    #[error("the same signing key is given twice")]
    Twice,
    /// The key does not verify what it signs.
    #[error("the key does not verify what it signs")]
    Inconsistent,
    /// No key could be made, or nothing signed.
    #[error("the cryptography library failed")]
    Library,
}

/// A key that verifies, of one algorithm only: a token that names another one is refused, whatever its signature.
#[derive(Clone)]
pub(super) struct VerifyingKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl VerifyingKey {
    /// Whether the signature (base64url) over the message is by this key.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm.backend()).unwrap_or(false)
    }
}

/// A private key with what the world may know of it.
struct SigningKey {
    kid: String,
    private: EncodingKey,
    verifying: VerifyingKey,
    public: Jwk,
}

/// The keys in use: the first signs, all verify.
pub struct SigningKeys {
    first: SigningKey,
    rest: Vec<SigningKey>,
}

impl SigningKeys {
    /// From private keys as PKCS#8 PEM. A text may hold several; their algorithm follows from the key, their `kid` is
    /// its RFC 7638 thumbprint, so that the same key has the same name in every process.
    pub fn from_pem(texts: &[SecretString]) -> Result<Self, KeyError> {
        let mut keys: Vec<SigningKey> = Vec::new();
        for block in texts.iter().flat_map(|text| blocks(text.expose_secret())) {
            let key = SigningKey::from_pem(block)?;
            if keys.iter().any(|known| known.kid == key.kid) {
                return Err(KeyError::Twice);
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        Ok(Self { first: keys.next().ok_or(KeyError::None)?, rest: keys.collect() })
    }

    /// With one new key that lives as long as the process: tokens end with it.
    pub fn ephemeral() -> Result<Self, KeyError> {
        Self::from_pem(&[generate_pem()?])
    }

    /// The public keys as a JWK set (RFC 7517), for `/.well-known/jwks.json`.
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.all().map(|key| serde_json::to_value(&key.public).unwrap_or_default()).collect();
        serde_json::json!({ "keys": keys })
    }

    /// The names of the keys; the first is that of the one that signs.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.all().map(|key| key.kid.as_str())
    }

    /// How new tokens are signed.
    pub fn algorithm(&self) -> Algorithm {
        self.first.verifying.algorithm
    }

    pub(super) fn first_kid(&self) -> &str {
        &self.first.kid
    }

    /// The signature (base64url) of the first key.
    pub(super) fn sign(&self, message: &str) -> Result<String, KeyError> {
        self.first.sign(message)
    }

    pub(super) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.all().find(|key| key.kid == kid).map(|key| &key.verifying)
    }

    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().map(|key| (&key.kid, key.verifying.algorithm))).finish()
    }
}

impl SigningKey {
    fn from_pem(pem: &str) -> Result<Self, KeyError> {
        // The library would take public keys and PKCS#1 as well.
        if !pem.starts_with("-----BEGIN PRIVATE KEY-----") {
            return Err(KeyError::Format);
        }
        let (algorithm, private, public) = read(pem.as_bytes())?;
        let mut public = public.ok_or(KeyError::Format)?;
        if let AlgorithmParameters::RSA(rsa) = &public.algorithm
            && rsa_bits(&rsa.n) < MIN_RSA_BITS
        {
            return Err(KeyError::TooShort);
        }
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::Format)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_algorithm = Some(algorithm.backend().into());
        let key = DecodingKey::from_jwk(&public).map_err(|_| KeyError::Format)?;
        let key = Self { kid, private, verifying: VerifyingKey { algorithm, key }, public };
        // A key that only half fits shows itself at the start, not at the first sign-in.
        let trial = "concert";
        if !key.verifying.verifies(trial, &key.sign(trial)?) {
            return Err(KeyError::Inconsistent);
        }
        Ok(key)
    }

    fn sign(&self, message: &str) -> Result<String, KeyError> {
        crypto::sign(message.as_bytes(), &self.private, self.verifying.algorithm.backend())
            .map_err(|_| KeyError::Library)
    }
}

/// The kind of a private key, and its public part if it is sound.
fn read(pem: &[u8]) -> Result<(Algorithm, EncodingKey, Option<Jwk>), KeyError> {
    if let Ok(key) = EncodingKey::from_ec_pem(pem) {
        // Only P-256: a key on another curve has no public part under this algorithm.
        let public = Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).ok();
        Ok((Algorithm::Es256, key, public))
    } else if let Ok(key) = EncodingKey::from_ed_pem(pem) {
        // Not by the library, which knows the short form without the public key (RFC 8410) only.
        let public = Ed25519KeyPair::from_pkcs8(key.as_bytes()).ok().and_then(|pair| {
            let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
            Jwk::from_decoding_key(&public, Some(jsonwebtoken::Algorithm::EdDSA)).ok()
        });
        Ok((Algorithm::EdDsa, key, public))
    } else if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
        let public = Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::RS256).ok();
        Ok((Algorithm::Rs256, key, public))
    } else {
        Err(KeyError::Format)
    }
}

/// The length of a modulus (base64url, big-endian) in bits; 0 if it is none.
pub(super) fn rsa_bits(modulus: &str) -> usize {
    let bytes = URL_SAFE.decode(modulus).unwrap_or_default();
    let mut significant = bytes.iter().skip_while(|byte| **byte == 0);
    significant.next().map_or(0, |first| 8 - first.leading_zeros() as usize + significant.count() * 8)
}

/// The PEM blocks of a text.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    const BEGIN: &str = "-----BEGIN ";
    let starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).filter_map(move |(start, end)| text.get(start..end))
}

/// A new private key for ES256, as PKCS#8 PEM.
pub fn generate_pem() -> Result<SecretString, KeyError> {
    const LINE: usize = 64;
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| KeyError::Library)?;
    let encoded = Zeroizing::new(STANDARD.encode(der.as_ref()));
    // Enough for all of it: a string that grows would leave copies behind.
    let mut pem = String::with_capacity(2 * encoded.len() + 128);
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(SecretString::from(pem))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
