//! The demo: two networks of real, cited figures. Initiatives, partners and learnings are made up to show their form;
//! `api/demo/SOURCES.md` says where every figure comes from.

mod data;
mod known;
mod load;

use std::net::SocketAddr;

use domain::{error::Result, service::Services};

/// A demo that stands in the database.
#[derive(Debug, Clone)]
pub struct Demo {
    network: String,
    indicator: String,
    communities: usize,
    figures: u64,
}

/// Loads the demo, or what is missing of it after a load that was stopped.
///
/// # Errors
/// What the database says; a database that holds other records under the same names.
pub async fn load_demo(services: &Services) -> Result<Demo> {
    load::load(services).await
}

impl Demo {
    /// What to try, for a person at a terminal; every command works as it stands.
    pub fn welcome(&self, address: SocketAddr) -> String {
        let url = format!("http://{address}/graphql");
        let curl = |query: &str| {
            let body = serde_json::json!({ "query": query }).to_string();
            format!("  curl -s {url} -H 'content-type: application/json' -d '{body}'")
        };
        let Self { network, indicator, communities, figures } = self;
        let networks = curl("{ networks { nodes { slug name { text } communities { totalCount } } } }");
        let comparison = curl(&format!(
            "{{ comparison(network: \"{network}\", indicator: \"{indicator}\") {{ period entries {{ community {{ slug }} \
             current {{ value }} change target {{ progress }} percentile }} distribution {{ median }} }} }}"
        ));
        let learnings = curl("{ learnings(first: 3) { nodes { title(locale: \"fr\") { text language } kind } } }");
        format!(
            "\nConcert is ready: {communities} communities, {figures} figures.\n\n\
             Explore it in a browser:  http://{address}/\n\nOr try these:\n\n\
             # The networks\n{networks}\n\n\
             # How its communities compare, and how far each has come\n{comparison}\n\n\
             # What they learned, in French\n{learnings}\n\n\
             Figures are real and cited; initiatives, partners and learnings are illustrations. Stop with Ctrl+C.\n"
        )
    }
}
