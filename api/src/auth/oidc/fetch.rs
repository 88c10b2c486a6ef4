//! Documents over HTTP, from issuers that are trusted but may be slow, broken or replaced.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, ClientBuilder, Url, redirect::Policy};

use super::{Fetch, FetchError, MAX_DOCUMENT};

/// The longest that one document may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fetches over https; over http from this machine only.
pub struct HttpFetch {
    outside: Client,
    here: Client,
}

impl HttpFetch {
    /// Trusts the certificate authorities that the system trusts; fails when it knows none.
    pub fn new() -> Result<Self, reqwest::Error> {
        let common = || -> ClientBuilder {
            Client::builder()
                .timeout(PATIENCE)
                // An issuer that moves is configured anew.
                .redirect(Policy::none())
                .referer(false)
                .no_gzip()
                .user_agent(concat!("concert/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self { outside: common().https_only(true).build()?, here: common().no_proxy().build()? })
    }
}

#[async_trait]
impl Fetch for HttpFetch {
    async fn get(&self, address: &Url) -> Result<Vec<u8>, FetchError> {
        let client = if is_here(address) { &self.here } else { &self.outside };
        let request = client.get(address.clone()).header("accept", "application/json");
        let mut response = request.send().await.map_err(|error| reason(&error))?;
        if response.status() != 200 {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            if document.len() + chunk.len() > MAX_DOCUMENT {
                return Err(FetchError::TooLong);
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

fn reason(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() { FetchError::Timeout } else { FetchError::Connection }
}

/// An address that may be fetched: https, or http on this machine; without user name or fragment.
pub(super) fn address(text: &str) -> Option<Url> {
    let address = Url::parse(text).ok()?;
    let plain = address.username().is_empty() && address.password().is_none() && address.fragment().is_none();
    let safe = match address.scheme() {
        "https" => address.has_host(),
        "http" => is_here(&address),
        _ => false,
    };
    (plain && safe).then_some(address)
}

/// Whether an address is one of this machine (RFC 6761 for the name).
pub(super) fn is_here(address: &Url) -> bool {
    let Some(host) = address.host_str() else { return false };
    host == "localhost"
        || host.trim_start_matches('[').trim_end_matches(']').parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_of_this_machine() {
        for good in [
            "https://id.example.org",
            "https://id.example.org:8443/realms/one",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/x",
            "http://localhost:3000",
            "http://127.1",
        ] {
            assert!(address(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "id.example.org",
            "http://id.example.org",
            "http://10.0.0.1",
            "http://169.254.169.254/latest",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "https://user@id.example.org",
            "https://:secret@id.example.org",
            "https://id.example.org/#fragment",
            "file:///etc/passwd",
            "ftp://127.0.0.1",
        ] {
            assert!(address(bad).is_none(), "{bad}");
        }
    }
}
