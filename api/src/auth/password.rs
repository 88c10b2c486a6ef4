//! Passwords: Argon2id away from the threads that answer requests, with the same work for accounts that do not exist.

use std::{sync::Arc, thread::available_parallelism};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::Semaphore, task::spawn_blocking};
use unicode_normalization::UnicodeNormalization as _;

/// The shortest password, characters.
pub const MIN_LENGTH: usize = 12;
/// The longest one, characters.
pub const MAX_LENGTH: usize = 256;
/// A name before the @ that is shorter than this may occur in a password by chance.
const MIN_NAME: usize = 4;
/// Fewer different characters than this are a key that was held down or a short pattern.
const MIN_DIFFERENT: usize = 5;

/// Memory, KiB: with the two below, the parameters of OWASP's Password Storage Cheat Sheet.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT: usize = 16;
const OUTPUT: usize = 32;

/// The first that anybody tries who knows that twelve characters are asked for.
const COMMON: [&str; 12] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "1234567890ab",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "password1234",
    "password12345",
    "passwordpassword",
    "qwerty123456",
    "qwertyuiop12",
    "qwertyuiopasdf",
];

/// No hash could be made: the system has no randomness or no memory left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct PasswordError;

/// What became of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another one, or there is no such account.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, and it was hashed with other parameters than today's: hash it again while it is known.
    RightButOutdated,
}

impl Verdict {
    /// Whether it is the one.
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// Hashes and verifies, as many at a time as there are processors; the others wait.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    /// A hash that no password has, for accounts that do not exist.
    nobody: Arc<str>,
}

impl Passwords {
    /// With today's parameters.
    pub fn new() -> Result<Self, PasswordError> {
        Self::with(Params::new(MEMORY, PASSES, LANES, Some(OUTPUT)).map_err(|_| PasswordError)?)
    }

    fn with(params: Params) -> Result<Self, PasswordError> {
        // Random bytes in the place of the output: as much work to verify as any other, and right for nobody.
        let mut random = [0; SALT + OUTPUT];
        getrandom::fill(&mut random).map_err(|_| PasswordError)?;
        let (salt, output) = random.split_at(SALT);
        let nobody = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost(),
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(output)
        );
        let workers = available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            permits: Arc::new(Semaphore::new(workers)),
            nobody: nobody.into(),
        })
    }

    /// What to store of a password: a PHC string of Argon2id with a salt of its own.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.blocking(move || {
            let mut salt = [0; SALT];
            getrandom::fill(&mut salt).map_err(|_| PasswordError)?;
            let password = normal(&password);
            argon2
                .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
                .map(|hash: PasswordHash| hash.to_string())
                .map_err(|_| PasswordError)
        })
        .await
        .ok_or(PasswordError)?
    }

    /// Whether it is the password of this stored hash. Without one, for an account that does not exist or has no
    /// password, it is wrong after the same work.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Verdict {
        let this = self.clone();
        self.blocking(move || this.compare(&normal(&password), stored.as_deref())).await.unwrap_or(Verdict::Wrong)
    }

    fn compare(&self, password: &SecretString, stored: Option<&str>) -> Verdict {
        let parsed = stored.and_then(|stored| {
            PasswordHash::new(stored)
                .inspect_err(|_| tracing::error!("a stored password hash is unreadable: nobody can sign in with it"))
                .ok()
        });
        let known = parsed.is_some();
        let Some(hash) = parsed.or_else(|| PasswordHash::new(&self.nobody).ok()) else {
            return Verdict::Wrong;
        };
        let right = self.argon2.verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
        match (known && right, self.outdated(&hash)) {
            (false, _) => Verdict::Wrong,
            (true, false) => Verdict::Right,
            (true, true) => Verdict::RightButOutdated,
        }
    }

    fn outdated(&self, hash: &PasswordHash) -> bool {
        hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || hash.version != Some(Version::V0x13.into())
            || Params::try_from(hash).ok().as_ref() != Some(self.argon2.params())
    }

    /// Does the work on a thread that may be blocked. The permit goes with it: a caller who leaves early frees no place
    /// before the work is done.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let done = spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.inspect_err(|_| tracing::error!("hashing a password ended early")).ok()
    }
}

/// The same password from every keyboard: composed characters and their parts are one (RFC 8265, section 4.2).
fn normal(password: &SecretString) -> SecretString {
    SecretString::from(password.expose_secret().nfc().collect::<String>())
}

/// Whether the password may be chosen for the account of this e-mail address; otherwise why not, for the one who
/// chooses it. Length counts, not the kinds of characters (NIST SP 800-63B).
pub fn check(password: &SecretString, email: &str) -> Result<(), &'static str> {
    let password = password.expose_secret();
    let length = password.nfc().take(MAX_LENGTH + 1).count();
    if length < MIN_LENGTH {
        return Err("the password needs at least 12 characters");
    }
    if length > MAX_LENGTH {
        return Err("the password has more than 256 characters");
    }
    let password = password.to_lowercase();
    let email = email.to_lowercase();
    let name = email.split('@').next().unwrap_or_default();
    if name.chars().count() >= MIN_NAME && password.contains(name) {
        return Err("the password contains the name of the e-mail address");
    }
    let different: std::collections::HashSet<char> = password.chars().collect();
    if different.len() < MIN_DIFFERENT || COMMON.contains(&password.as_str()) {
        return Err("the password is one of the first that others would try");
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Little work, so that tests are quick without an optimising compiler.
    fn quick() -> Passwords {
        Passwords::with(Params::new(64, 2, 1, Some(OUTPUT)).unwrap()).unwrap()
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[actix_web::test]
    async fn a_password_is_right_for_its_own_hash_only() {
        let passwords = quick();
        let stored = passwords.hash(secret("a garden for all")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{stored}");
        assert!(!stored.contains("garden"));
        assert_eq!(passwords.verify(secret("a garden for all"), Some(stored.clone())).await, Verdict::Right);
        assert_eq!(passwords.verify(secret("a garden for al"), Some(stored.clone())).await, Verdict::Wrong);
        assert_eq!(passwords.verify(secret(""), Some(stored.clone())).await, Verdict::Wrong);
        // A salt of its own each time.
        assert_ne!(passwords.hash(secret("a garden for all")).await.unwrap(), stored);
    }

    #[actix_web::test]
    async fn the_parameters_are_those_of_owasp_and_others_are_outdated() {
        let today = Passwords::new().unwrap();
        assert_eq!(
            (today.argon2.params().m_cost(), today.argon2.params().t_cost(), today.argon2.params().p_cost()),
            (19456, 2, 1)
        );
        let stored = quick().hash(secret("a garden for all")).await.unwrap();
        assert_eq!(
            today.verify(secret("a garden for all"), Some(stored.clone())).await,
            Verdict::RightButOutdated,
            "hashed with less"
        );
        assert!(Verdict::RightButOutdated.is_right());
        assert_eq!(today.verify(secret("another garden"), Some(stored)).await, Verdict::Wrong);
    }

    #[actix_web::test]
    async fn nobody_has_no_password_and_a_spoiled_hash_none_either() {
        let passwords = quick();
        assert_eq!(passwords.verify(secret("a garden for all"), None).await, Verdict::Wrong);
        for spoiled in
            ["", "plain", "$argon2id$v=19$m=64,t=2,p=1$", "$2b$12$abc", "$argon2id$v=19$m=1,t=0,p=0$AAAA$AAAA"]
        {
            assert_eq!(passwords.verify(secret("plain"), Some(spoiled.to_owned())).await, Verdict::Wrong, "{spoiled}");
        }
    }

    #[actix_web::test]
    async fn an_account_that_does_not_exist_costs_the_same_work() {
        let passwords = Passwords::with(Params::new(4096, 2, 1, Some(OUTPUT)).unwrap()).unwrap();
        let stored = passwords.hash(secret("a garden for all")).await.unwrap();
        let mut fastest = [Duration::MAX; 2];
        // The fastest of some runs: what else the machine does only ever adds.
        for _ in 0..25 {
            for (account, best) in [Some(stored.clone()), None].into_iter().zip(&mut fastest) {
                let start = Instant::now();
                passwords.verify(secret("another garden"), account).await;
                *best = start.elapsed().min(*best);
            }
        }
        let ratio = fastest[1].as_secs_f64() / fastest[0].as_secs_f64();
        assert!((0.5..2.0).contains(&ratio), "{fastest:?}");
    }

    #[actix_web::test]
    async fn the_thread_that_answers_is_free_while_one_is_hashed() {
        let passwords = Passwords::with(Params::new(4096, 2, 1, Some(OUTPUT)).unwrap()).unwrap();
        let hashing = actix_web::rt::spawn(async move {
            for _ in 0..3 {
                passwords.hash(secret("a garden for all")).await.unwrap();
            }
        });
        let mut ticks = 0;
        while !hashing.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            ticks += 1;
        }
        assert!(ticks > 3, "{ticks}");
    }

    #[actix_web::test]
    async fn one_password_from_every_keyboard() {
        let passwords = quick();
        let stored = passwords.hash(secret("un caf\u{e9} pour tous")).await.unwrap();
        assert_eq!(passwords.verify(secret("un cafe\u{301} pour tous"), Some(stored)).await, Verdict::Right);
    }

    #[test]
    fn what_may_be_chosen() {
        let check = |password: &str, email: &str| check(&secret(password), email);
        assert_eq!(check("a garden for all", "ada@example.org"), Ok(()));
        assert_eq!(check("Ünïcødé-wörd", "ada@example.org"), Ok(()));
        assert!(check("elevenchars", "ada@example.org").unwrap_err().contains("12"));
        assert!(check(&"abcdefghij".repeat(26), "ada@example.org").unwrap_err().contains("256"));
        assert_eq!(check(&"abcdefghij".repeat(25), "ada@example.org"), Ok(()));
        assert!(check("my-LOVELACE-2026", "Lovelace@example.org").unwrap_err().contains("e-mail"));
        // Three letters occur in a password by chance.
        assert_eq!(check("adaptable garden", "ada@example.org"), Ok(()));
        for common in ["passwordpassword", "Password1234", "aaaaaaaaaaaaaa", "abcabcabcabcabc"] {
            assert!(check(common, "").unwrap_err().contains("first"), "{common}");
        }
    }
}
