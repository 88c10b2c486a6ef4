use std::collections::HashSet;

use aws_lc_rs::{rsa::KeySize, signature::ECDSA_P384_SHA384_FIXED_SIGNING};
use rstest::rstest;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::auth::forge::{KEYS, ed_pem, keys, pem, rsa_pem};

fn failure(text: &str) -> KeyError {
    SigningKeys::from_pem(&[SecretString::from(text)]).unwrap_err()
}

#[test]
fn the_algorithm_follows_from_the_key() {
    let found: Vec<Algorithm> = KEYS.iter().map(SigningKeys::algorithm).collect();
    assert_eq!(found, Algorithm::ALL);
    // An Ed25519 key is the same with and without its public part.
    assert_eq!(keys(&ed_pem(false)).algorithm(), Algorithm::EdDsa);
}

#[test]
fn the_name_is_the_thumbprint_of_the_public_key() {
    for (keys, members) in KEYS.iter().zip([&["crv", "kty", "x", "y"][..], &["e", "kty", "n"], &["crv", "kty", "x"]]) {
        let key = &keys.jwks()["keys"][0];
        // RFC 7638: the required members, in the order of their names, without white space.
        let required: Vec<String> = members.iter().map(|name| format!("\"{name}\":{}", key[name])).collect();
        let thumbprint = URL_SAFE.encode(Sha256::digest(format!("{{{}}}", required.join(","))));
        assert_eq!(key["kid"], thumbprint.as_str());
        assert_eq!(keys.kids().collect::<Vec<_>>(), [thumbprint]);
    }
}

#[test]
fn the_published_set_has_what_is_needed_and_nothing_private() {
    for keys in KEYS.iter() {
        let published = keys.jwks();
        let key = published["keys"][0].as_object().unwrap();
        let names: HashSet<&str> = key.keys().map(String::as_str).collect();
        let kind: &[&str] = match keys.algorithm() {
            Algorithm::Es256 => &["crv", "x", "y"],
            Algorithm::Rs256 => &["n", "e"],
            Algorithm::EdDsa => &["crv", "x"],
        };
        assert_eq!(names, ["kty", "alg", "use", "kid"].iter().chain(kind).copied().collect());
        assert_eq!(key["use"], "sig");
        assert_eq!(key["alg"], keys.algorithm().name());
    }
}

#[test]
fn several_keys_in_one_text_or_in_several_keep_their_order() {
    let (first, second, third) = (generate_pem().unwrap(), ed_pem(true), generate_pem().unwrap());
    let together = SecretString::from(format!("# the new one\n{}\n# the old one\n{second}", first.expose_secret()));
    let keys = SigningKeys::from_pem(&[together, third]).unwrap();
    assert_eq!(keys.algorithm(), Algorithm::Es256);
    let kids: Vec<&str> = keys.kids().collect();
    assert_eq!(kids.len(), 3);
    assert_eq!(keys.find(kids[1]).unwrap().algorithm, Algorithm::EdDsa);
    assert_eq!(keys.jwks()["keys"].as_array().unwrap().len(), 3);
    assert!(keys.find("").is_none());
    // The one that signs is the first, and only it verifies.
    let signature = keys.sign("message").unwrap();
    let verifying: Vec<bool> = kids.iter().map(|kid| keys.find(kid).unwrap().verifies("message", &signature)).collect();
    assert_eq!(verifying, [true, false, false]);
}

#[test]
fn nothing_secret_is_printed() {
    let pem = generate_pem().unwrap();
    let keys = SigningKeys::from_pem(std::slice::from_ref(&pem)).unwrap();
    let printed = format!("{keys:?} {pem:?}");
    assert!(printed.contains(keys.kids().next().unwrap()));
    let body: String = pem.expose_secret().lines().filter(|line| !line.starts_with('-')).collect();
    assert!(body.as_bytes().windows(16).all(|part| !printed.contains(std::str::from_utf8(part).unwrap())));
}

#[test]
fn a_generated_key_is_pem_that_others_read() {
    let pem = generate_pem().unwrap();
    let lines: Vec<&str> = pem.expose_secret().lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"));
    assert!(lines[1..].iter().all(|line| line.len() <= 64));
    assert!(SigningKeys::ephemeral().is_ok());
}

#[rstest]
#[case::empty("")]
#[case::no_key("no key at all")]
fn no_key_is_none(#[case] text: &str) {
    assert_eq!(failure(text), KeyError::None);
}

#[test]
fn other_keys_are_refused() {
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let p256 = generate_pem().unwrap();
    let private = p256.expose_secret();
    for text in [
        pem("PRIVATE KEY", p384.as_ref()),
        pem("PRIVATE KEY", b"not DER"),
        pem("PRIVATE KEY", &[]),
        private.replace("PRIVATE", "PUBLIC"),
        private.replace("PRIVATE", "EC PRIVATE"),
        private.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        private.replace("-----END", "-----FIN"),
        private[..60].to_owned(),
    ] {
        assert_eq!(failure(&text), KeyError::Format, "{text}");
    }
    assert_eq!(failure(&format!("{private}{private}")), KeyError::Twice);
}

#[test]
fn a_modulus_is_measured_without_leading_zeros() {
    let bits = |bytes: &[u8]| rsa_bits(&URL_SAFE.encode(bytes));
    assert_eq!((bits(&[]), bits(&[0, 0]), bits(&[1]), bits(&[0, 0xff, 0]), bits(&[0x80; 256])), (0, 0, 1, 16, 2048));
    assert_eq!(rsa_bits("*"), 0);
}

#[test]
fn algorithms_have_their_registered_names() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    assert_eq!("Ed25519".parse(), Ok(Algorithm::EdDsa));
    for name in ["none", "None", "", "HS256", "RS512", "es256", "PS256"] {
        assert_eq!(name.parse::<Algorithm>(), Err(UnknownAlgorithm), "{name}");
    }
}

#[test]
fn longer_rsa_keys_work() {
    let keys = keys(&rsa_pem(KeySize::Rsa3072));
    assert!(keys.find(keys.first_kid()).unwrap().verifies("message", &keys.sign("message").unwrap()));
}
