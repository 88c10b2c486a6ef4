use jsonwebtoken::{DecodingKey, Validation, decode, jwk::Jwk};
use proptest::prelude::*;
use rstest::rstest;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::*;
use crate::auth::{
    forge::{KEYS, NOW, at, changed, header, signed, signed_hs256},
    keys::{Algorithm, generate_pem},
};

const ISSUER: &str = "https://concert.example.org";

fn claims() -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        aud: "concert".to_owned(),
        sub: "account".to_owned(),
        sid: "session".to_owned(),
        iat: NOW,
        exp: NOW + 600,
    }
}

/// Several keys, the first of which is ES256.
struct World {
    verifier: Verifier,
}

impl World {
    fn with(text: String) -> Self {
        let keys = Arc::new(SigningKeys::from_pem(&[SecretString::from(text)]).unwrap());
        Self { verifier: Verifier { issuer: ISSUER.to_owned(), audience: "concert".to_owned(), keys } }
    }

    fn new() -> Self {
        Self::with(generate_pem().unwrap().expose_secret().to_owned())
    }

    fn verify(&self, token: &str) -> Result<Claims, Refused> {
        self.verifier.verify(token, at(1))
    }

    fn token(&self) -> String {
        sign(&self.verifier.keys, &claims()).unwrap()
    }

    /// With another header, rightly signed.
    fn headed(&self, changes: &Value) -> String {
        let keys = &self.verifier.keys;
        signed(keys, &header(keys, changes), &json!(claims()).to_string())
    }

    /// With other claims, rightly signed.
    fn claiming(&self, changes: &Value) -> String {
        let keys = &self.verifier.keys;
        signed(keys, &header(keys, &json!({})), &changed(json!(claims()), changes))
    }
}

#[test]
fn what_each_kind_of_key_signs_is_verified_here_and_by_others() {
    for keys in KEYS.iter() {
        let token = sign(keys, &claims()).unwrap();
        let public: Jwk = serde_json::from_value(keys.jwks()["keys"][0].clone()).unwrap();
        // The whole of the token, read by the library from the published key.
        let mut validation = Validation::new(keys.algorithm().backend());
        validation.set_audience(&["concert"]);
        validation.set_issuer(&[ISSUER]);
        let theirs = decode::<Value>(&token, &DecodingKey::from_jwk(&public).unwrap(), &validation).unwrap();
        assert_eq!(theirs.claims, json!(claims()));
        assert_eq!(theirs.header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(theirs.header.kid.as_deref(), keys.kids().next());
    }
    let world = World::new();
    assert_eq!(world.verify(&world.token()), Ok(claims()));
}

#[test]
fn keys_can_be_changed_without_anybody_being_signed_out() {
    let pem = || generate_pem().unwrap().expose_secret().to_owned();
    let (old, new) = (pem(), pem());
    let (before, during, after) =
        (World::with(old.clone()), World::with(format!("{new}{old}")), World::with(new.clone()));
    assert_eq!(during.verify(&before.token()), Ok(claims()));
    assert_eq!(after.verify(&during.token()), Ok(claims()));
    assert_eq!(after.verify(&before.token()), Err(Refused::UnknownKey));
    assert_eq!(before.verify(&after.token()), Err(Refused::UnknownKey));
}

#[rstest]
#[case(json!({}), Ok(()))]
#[case(json!({"typ": "AT+JWT"}), Ok(()))]
#[case(json!({"typ": "application/at+jwt"}), Ok(()))]
#[case(json!({"typ": "Application/AT+jwt"}), Ok(()))]
#[case(json!({"x": 1}), Ok(()))]
#[case(json!({"typ": "JWT"}), Err(Refused::Type))]
#[case(json!({"typ": ""}), Err(Refused::Type))]
#[case(json!({"typ": "application/application/at+jwt"}), Err(Refused::Type))]
#[case(json!({"typ": "-"}), Err(Refused::Header))]
#[case(json!({"typ": null}), Err(Refused::Header))]
#[case(json!({"typ": ["at+jwt"]}), Err(Refused::Header))]
#[case(json!({"alg": "none"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "None"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "nOnE"}), Err(Refused::Algorithm))]
#[case(json!({"alg": ""}), Err(Refused::Algorithm))]
#[case(json!({"alg": "HS256"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "HS512"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "PS256"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "ES384"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "es256"}), Err(Refused::Algorithm))]
// A known one that is not the key's.
#[case(json!({"alg": "RS256"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "EdDSA"}), Err(Refused::Algorithm))]
#[case(json!({"alg": "-"}), Err(Refused::Header))]
#[case(json!({"alg": null}), Err(Refused::Header))]
#[case(json!({"alg": 256}), Err(Refused::Header))]
#[case(json!({"kid": "-"}), Err(Refused::Header))]
#[case(json!({"kid": 0}), Err(Refused::Header))]
#[case(json!({"kid": ""}), Err(Refused::UnknownKey))]
#[case(json!({"kid": "../../etc/passwd"}), Err(Refused::UnknownKey))]
#[case(json!({"jku": "https://evil.example.org/keys"}), Err(Refused::ForbiddenHeader))]
#[case(json!({"x5u": "https://evil.example.org/cert"}), Err(Refused::ForbiddenHeader))]
#[case(json!({"jwk": {"kty": "oct", "k": "AAAA"}}), Err(Refused::ForbiddenHeader))]
#[case(json!({"x5c": ["AAAA"]}), Err(Refused::ForbiddenHeader))]
#[case(json!({"crit": ["exp"]}), Err(Refused::ForbiddenHeader))]
#[case(json!({"crit": null}), Err(Refused::ForbiddenHeader))]
#[case(json!({"b64": false, "crit": ["b64"]}), Err(Refused::ForbiddenHeader))]
fn headers(#[case] changes: Value, #[case] expected: Result<(), Refused>) {
    let world = World::new();
    assert_eq!(world.verify(&world.headed(&changes)).map(drop), expected);
}

#[rstest]
#[case(json!({}), Ok(()))]
#[case(json!({"x": "other"}), Ok(()))]
#[case(json!({"nbf": NOW}), Ok(()))]
#[case(json!({"iss": "https://evil.example.org"}), Err(Refused::Issuer))]
#[case(json!({"iss": "https://concert.example.org/"}), Err(Refused::Issuer))]
#[case(json!({"iss": "-"}), Err(Refused::Claims))]
#[case(json!({"iss": [ISSUER]}), Err(Refused::Claims))]
#[case(json!({"aud": "other"}), Err(Refused::Audience))]
#[case(json!({"aud": ""}), Err(Refused::Audience))]
#[case(json!({"aud": "-"}), Err(Refused::Claims))]
#[case(json!({"aud": null}), Err(Refused::Claims))]
#[case(json!({"aud": ["concert"]}), Err(Refused::Claims))]
#[case(json!({"sub": "-"}), Err(Refused::Claims))]
#[case(json!({"sub": ""}), Err(Refused::Claims))]
#[case(json!({"sub": 7}), Err(Refused::Claims))]
#[case(json!({"sid": "-"}), Err(Refused::Claims))]
#[case(json!({"sid": ""}), Err(Refused::Claims))]
#[case(json!({"exp": "-"}), Err(Refused::Claims))]
#[case(json!({"exp": null}), Err(Refused::Claims))]
#[case(json!({"exp": "1800000600"}), Err(Refused::Claims))]
#[case(json!({"exp": 1_800_000_600.5}), Err(Refused::Claims))]
#[case(json!({"exp": true}), Err(Refused::Claims))]
#[case(json!({"exp": u64::MAX}), Err(Refused::Claims))]
#[case(json!({"exp": i64::MIN}), Err(Refused::Expired))]
#[case(json!({"exp": i64::MAX}), Ok(()))]
#[case(json!({"exp": 0}), Err(Refused::Expired))]
#[case(json!({"iat": "-"}), Err(Refused::Claims))]
#[case(json!({"iat": "1800000000"}), Err(Refused::Claims))]
#[case(json!({"iat": NOW + 60}), Err(Refused::NotYetValid))]
#[case(json!({"iat": i64::MAX}), Err(Refused::NotYetValid))]
#[case(json!({"nbf": NOW + 60}), Err(Refused::NotYetValid))]
#[case(json!({"nbf": "soon"}), Err(Refused::Claims))]
#[case(json!({"nbf": 1e300}), Err(Refused::Claims))]
fn claims_of_every_kind(#[case] changes: Value, #[case] expected: Result<(), Refused>) {
    let world = World::new();
    assert_eq!(world.verify(&world.claiming(&changes)).map(drop), expected);
}

#[rstest]
#[case::not_yet(-6, Err(Refused::NotYetValid))]
#[case::clocks_differ(-5, Ok(()))]
#[case::last_second(599, Ok(()))]
#[case::clocks_differ(604, Ok(()))]
#[case::over(605, Err(Refused::Expired))]
fn time_is_that_which_is_given(#[case] seconds: i64, #[case] expected: Result<(), Refused>) {
    let world = World::new();
    assert_eq!(world.verifier.verify(&world.token(), at(seconds)).map(drop), expected);
}

#[test]
fn an_unsigned_token_is_refused_in_every_spelling() {
    let world = World::new();
    for alg in ["none", "None", "NONE"] {
        let header = header(&world.verifier.keys, &json!({ "alg": alg }));
        let message = format!("{}.{}", URL_SAFE.encode(header), URL_SAFE.encode(json!(claims()).to_string()));
        assert_eq!(world.verify(&format!("{message}.")), Err(Refused::Form));
        assert_eq!(world.verify(&message), Err(Refused::Form));
        assert_eq!(world.verify(&format!("{message}.AAAA")), Err(Refused::Algorithm));
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let keys = &KEYS[1];
    assert_eq!(keys.algorithm(), Algorithm::Rs256);
    let public = keys.jwks()["keys"][0].clone();
    let modulus = URL_SAFE.decode(public["n"].as_str().unwrap()).unwrap();
    let world = World::new();
    for alg in ["HS256", "RS256", "ES256"] {
        for secret in [modulus.as_slice(), public.to_string().as_bytes(), public["n"].as_str().unwrap().as_bytes()] {
            let changes = json!({ "alg": alg, "kid": keys.kids().next() });
            let token = signed_hs256(secret, &header(keys, &changes), &json!(claims()).to_string());
            let refused = Unverified::read(&token, &[TYPE])
                .and_then(|read| read.verified::<Wire>(keys.find(read.kid()).unwrap()).map(drop))
                .unwrap_err();
            assert_eq!(refused, if alg == "RS256" { Refused::Signature } else { Refused::Algorithm });
            assert!(world.verify(&token).is_err());
        }
    }
}

#[test]
fn another_key_under_a_known_name_does_not_fit() {
    let (world, evil) = (World::new(), World::new());
    let kid = world.verifier.keys.kids().next().unwrap().to_owned();
    assert_eq!(world.verify(&evil.headed(&json!({ "kid": kid }))), Err(Refused::Signature));
}

#[test]
fn what_is_changed_after_signing_does_not_fit() {
    let world = World::new();
    let token = world.token();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let header = message.split_once('.').unwrap().0;
    let raised = URL_SAFE.encode(changed(json!(claims()), &json!({"sub": "administrator"})));
    assert_eq!(world.verify(&format!("{header}.{raised}.{signature}")), Err(Refused::Signature));
    // The signature of zeros, which some have accepted for ECDSA.
    let zeros = URL_SAFE.encode([0; 64]);
    assert_eq!(world.verify(&format!("{message}.{zeros}")), Err(Refused::Signature));
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(world.verify(&String::from_utf8(bytes).unwrap()).is_err(), "at {at}");
    }
}

#[test]
fn a_token_has_three_parts_of_base64url() {
    let world = World::new();
    let token = world.token();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    for text in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{header}\u{2024}{claims}.{signature}"),
        // The five parts of an encrypted token.
        format!("{header}.{claims}.{signature}.{claims}.{signature}"),
    ] {
        assert_eq!(world.verify(&text), Err(Refused::Form), "{text}");
    }
    for end in 0..token.len() {
        assert!(world.verify(&token[..end]).is_err(), "{end}");
    }
}

#[test]
fn what_is_not_one_object_with_each_member_once_is_refused() {
    let world = World::new();
    let keys = &world.verifier.keys;
    let good = (header(keys, &json!({})), json!(claims()).to_string());
    let twice = |object: &str, member: &str| format!("{},{member}}}", object.strip_suffix('}').unwrap());
    for member in [r#""alg":"none""#, r#""kid":"x""#, r#""typ":"at+jwt""#, r#""alg":"ES256""#] {
        assert_eq!(world.verify(&signed(keys, &twice(&good.0, member), &good.1)), Err(Refused::Header), "{member}");
    }
    for member in [r#""sub":"admin""#, r#""exp":9999999999"#, r#""iss":"x""#, r#""aud":"concert""#, r#""\u0073ub":"a""#]
    {
        assert_eq!(world.verify(&signed(keys, &good.0, &twice(&good.1, member))), Err(Refused::Claims), "{member}");
    }
    let array = json!(["ES256", "at+jwt", keys.kids().next()]).to_string();
    for header in ["", "{}", "[]", "null", "1", "{", &array, &format!("{}x", good.0), "\u{0}", &"[".repeat(3000)] {
        let refused = world.verify(&signed(keys, header, &good.1)).unwrap_err();
        assert!([Refused::Header, Refused::Form].contains(&refused), "{header} {refused}");
    }
    let array = json!([ISSUER, "concert", "account", "session", NOW, NOW + 600]).to_string();
    for claims in ["{}", "[]", "null", "\"text\"", &array, &good.1.replace('}', "")] {
        assert_eq!(world.verify(&signed(keys, &good.0, claims)), Err(Refused::Claims), "{claims}");
    }
}

#[test]
fn a_token_that_is_too_long_is_not_read() {
    let world = World::new();
    let long = |length: usize| world.claiming(&json!({ "x": "x".repeat(length) }));
    assert!(world.verify(&long(5000)).is_ok());
    assert_eq!(world.verify(&long(8000)), Err(Refused::TooLong));
    assert_eq!(world.verify(&"a".repeat(MAX_TOKEN + 1)), Err(Refused::TooLong));
    assert_eq!(world.verify(&"a".repeat(MAX_TOKEN)), Err(Refused::Form));
}

#[test]
fn reasons_do_not_repeat_the_token() {
    let world = World::new();
    let token = world.claiming(&json!({ "exp": "hunter2" }));
    let refused = world.verify(&token).unwrap_err();
    assert!(!format!("{refused} {refused:?} {}", Refused::ANSWER).contains("hunter2"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn chance_is_never_believed(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let verifier = Verifier { issuer: String::new(), audience: String::new(), keys: Arc::clone(&SOME) };
        prop_assert!(verifier.verify(&String::from_utf8_lossy(&bytes), at(0)).is_err());
        let part = URL_SAFE.encode(&bytes);
        let token = [part.as_str(); 3].join(".");
        prop_assert!(verifier.verify(&token, at(0)).is_err());
    }

    #[test]
    fn a_good_header_with_chance_behind_it_is_never_believed(
        claims in proptest::collection::vec(any::<u8>(), 1..200),
        signature in proptest::collection::vec(any::<u8>(), 64),
    ) {
        let verifier = Verifier { issuer: ISSUER.to_owned(), audience: "concert".to_owned(), keys: Arc::clone(&SOME) };
        let header = header(&SOME, &json!({}));
        let token = [header.as_bytes(), &claims, &signature].map(|part| URL_SAFE.encode(part)).join(".");
        prop_assert_eq!(verifier.verify(&token, at(0)), Err(Refused::Signature));
        // Rightly signed nonsense does not make it panic either.
        let message = token.rsplit_once('.').unwrap().0;
        let nonsense = format!("{message}.{}", SOME.sign(message).unwrap());
        prop_assert!(verifier.verify(&nonsense, at(0)).is_err());
    }
}

static SOME: std::sync::LazyLock<Arc<SigningKeys>> =
    std::sync::LazyLock::new(|| Arc::new(SigningKeys::ephemeral().unwrap()));
